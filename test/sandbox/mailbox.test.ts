import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import { afterEach, expect, test } from 'vitest';
import { type MailboxOptions, startMailbox } from './mailbox.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function mailbox(options: MailboxOptions = {}) {
  const box = await startMailbox(options);
  cleanUps.push(box.close);
  const send = (more: object = {}, settings: object = {}) =>
    nodemailer
      .createTransport({ host: '127.0.0.1', port: box.port, ...settings })
      .sendMail({ from: 'sync@shop.example', to: 'kim@shop.example', subject: 'Grüße', text: 'ok', ...more });
  return { ...box, send };
}

test('a message is kept with its envelope, and as it was sent', async () => {
  const { send, messages, raw } = await mailbox();
  await send({ to: ['kim@shop.example', 'lee@shop.example'], bcc: 'boss@shop.example' });
  const [message] = messages();
  expect(message).toMatchObject({
    from: 'sync@shop.example',
    to: ['kim@shop.example', 'lee@shop.example', 'boss@shop.example'],
  });
  const text = raw(message?.id ?? '')?.toString();
  expect(text).toContain('To: kim@shop.example, lee@shop.example');
  expect(text).not.toContain('boss@');
  expect(message?.size).toBe(text?.length);
  expect(raw('unknown')).toBeUndefined();
});

test('with a folder, every message is a file named by time and id', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mailbox-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const { send, messages, clear } = await mailbox({ folder: join(folder, 'new') });
  await send();
  const [message] = messages();
  const [file = ''] = await readdir(join(folder, 'new'));
  expect(file).toMatch(new RegExp(`^\\d{4}-\\d{2}-\\d{2}T\\d{2}-\\d{2}-\\d{2}\\.\\d{3}Z-${message?.id}\\.eml$`));
  expect(await readFile(message?.file ?? '', 'utf8')).toContain('From: sync@shop.example');
  clear();
  expect(messages()).toEqual([]);
});

test('with credentials set, only who knows them may send', async () => {
  const auth = { user: 'sync', pass: 'p@ss word' };
  const { send, smtpUrl, messages } = await mailbox({ auth });
  await expect(send()).rejects.toThrow('530');
  await expect(send({}, { auth: { user: 'sync', pass: 'guess' } })).rejects.toThrow('535');
  await nodemailer.createTransport(smtpUrl).sendMail({ from: 'a@shop.example', to: 'b@shop.example', text: 'ok' });
  expect(messages()).toHaveLength(1);
});

test('with TLS it offers STARTTLS, under a certificate that nobody should trust unasked', async () => {
  const { send, messages } = await mailbox({ tls: true });
  await expect(send({}, { requireTLS: true })).rejects.toThrow(/certificate/i);
  await send({}, { requireTLS: true, tls: { rejectUnauthorized: false } });
  expect(messages()).toHaveLength(1);
});

test('without TLS there is no STARTTLS', async () => {
  const { send } = await mailbox();
  await expect(send({}, { requireTLS: true, tls: { rejectUnauthorized: false } })).rejects.toThrow(/STARTTLS|TLS/);
});

test('recipients and messages are refused as often as told, then taken again', async () => {
  const { send, messages, refuseNext } = await mailbox();
  refuseNext({ at: 'rcpt', code: 550, text: 'No such user here' });
  refuseNext({ at: 'data', code: 451, text: 'Greylisted', times: 2 });
  await expect(send()).rejects.toThrow('550 No such user here');
  await expect(send()).rejects.toThrow('451 Greylisted');
  await expect(send()).rejects.toThrow('451 Greylisted');
  expect(messages()).toEqual([]);
  await send();
  expect(messages()).toHaveLength(1);
});

test('a connection that is cut before the answer leaves the message with us and the sender in doubt', async () => {
  const { send, messages, dropNext } = await mailbox();
  dropNext('before-answer');
  await expect(send({ messageId: '<digest-1@shop.example>' })).rejects.toThrow();
  expect(messages()).toHaveLength(1);
  await send({ messageId: '<digest-1@shop.example>' });
  expect(messages()).toHaveLength(2);
});

test('a connection that is cut after the answer leaves the sender sure of it', async () => {
  const { send, messages, dropNext } = await mailbox();
  dropNext('after-answer');
  await expect(send()).resolves.toMatchObject({ response: expect.stringContaining('250 OK') });
  expect(messages()).toHaveLength(1);
});
