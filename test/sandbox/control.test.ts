import nodemailer from 'nodemailer';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type SandboxOptions, startSandbox } from './sandbox.ts';

async function control(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  async function send(method: string, path: string, body?: unknown) {
    const response = await fetch(`${sandbox.control.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    return { status: response.status, body: answer };
  }
  return {
    sandbox,
    get: async (path: string) => (await send('GET', path)).body,
    post: (path: string, body?: unknown) => send('POST', path, body),
    remove: (path: string) => send('DELETE', path),
  };
}

test('the index tells addresses, credentials and the time', async () => {
  const { sandbox, get } = await control({ start: new Date('2026-05-01T00:00:00Z') });
  expect(await get('/')).toEqual({ ...sandbox.index(), now: expect.stringMatching(/^2026-05-01T00:00:0/) });
  for (const { url } of [sandbox.livechat, sandbox.marketo, sandbox.control]) expect(url).toMatch(/^http:\/\/127/);
});

test('the clock is read, shifted and set', async () => {
  const { get, post, sandbox } = await control({ start: new Date('2026-05-01T00:00:00Z') });
  expect((await post('/clock', { shiftMs: 3_600_000 })).body).toEqual({ now: expect.stringMatching(/T01:00:0/) });
  expect((await post('/clock', { now: '2026-06-01T12:00:00+02:00' })).status).toBe(200);
  expect(await get('/clock')).toEqual({ now: expect.stringMatching(/^2026-06-01T10:00:0/) });
  expect(new Date(sandbox.clock.now()).toISOString()).toMatch(/^2026-06-01T10:00:0/);
});

test('faults and latencies are armed, listed and cleared', async () => {
  const { get, post, remove, sandbox } = await control();
  const fault = { server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'code', code: '606' }, times: 2 };
  expect((await post('/faults', fault)).body).toEqual({ faults: [fault] });
  expect(await get('/faults')).toEqual({ faults: [fault] });
  expect((await post('/latency', { server: 'livechat', latency: { kind: 'fixed', ms: 9 } })).status).toBe(200);
  expect(sandbox.faults.latencyMs('livechat')).toBe(9);
  expect((await remove('/faults')).body).toEqual({ faults: [] });
  expect(sandbox.faults.latencyMs('livechat')).toBe(0);
});

test('bad input answers 400 with one sentence, an unknown path 404', async () => {
  const { post, get } = await control();
  const sentence = { error: expect.stringMatching(/\S/) };
  for (const [path, body] of [
    ['/clock', {}],
    ['/clock', { shiftMs: 1, now: '2026-01-01T00:00:00Z' }],
    ['/clock', { now: 'tomorrow' }],
    ['/clock', '{not json'],
    ['/faults', { server: 'marketo', effect: { kind: 'fire' } }],
    ['/latency', { server: 'oracle', latency: null }],
    ['/livechat/chats', { count: 3 }],
    ['/livechat/chats', { count: 3, from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }],
    ['/livechat/chats', { threads: [{ chatId: 'x' }] }],
    ['/marketo/leads', { leads: [{ nope: 1 }] }],
    ['/marketo/leads', undefined],
  ] as const) {
    expect(await post(path, body)).toEqual({ status: 400, body: sentence });
  }
  expect(await get('/nope')).toEqual({ error: 'There is no GET /nope here.' });
});

test('chats are generated into the archive, another batch by another seed, and can be given whole', async () => {
  const { post, sandbox } = await control({ start: new Date('2026-05-03T00:00:00Z') });
  const range = { from: '2026-05-01T00:00:00Z', to: '2026-05-02T00:00:00Z' };
  expect((await post('/livechat/chats', { count: 20, ...range })).body).toEqual({ threads: 20 });
  expect((await post('/livechat/chats', { count: 10, ...range })).body).toEqual({ threads: 10 });
  expect(sandbox.livechat.archive.threads()).toHaveLength(30);
  const thread = {
    chatId: 'CHAT1',
    threadId: 'THREAD1',
    customer: { id: 'customer-1', email: 'ann@example.com' },
    agents: [],
    groupIds: [0],
    createdAt: '2026-05-02T10:00:00.000000Z',
    endsAt: '2026-05-02T10:05:00.000000Z',
    events: [],
  };
  expect((await post('/livechat/chats', { threads: [thread] })).body).toEqual({ threads: 1 });
  expect(sandbox.livechat.archive.thread('THREAD1')?.chatId).toBe('CHAT1');
  expect((await post('/livechat/chats', { threads: [thread] })).status).toBe(400);
});

test('chats come by the minute: each batch begins in the minute that has just passed, and is another', async () => {
  const { sandbox } = await control({ start: new Date('2026-05-03T00:00:00Z') });
  sandbox.addChats(5);
  sandbox.clock.shift(60_000);
  sandbox.addChats(5);
  const begun = sandbox.livechat.archive.threads().map((thread) => thread.createdUs / 60_000_000);
  const minute = Date.parse('2026-05-03T00:00:00Z') / 60_000;
  expect(begun.filter((at) => at >= minute - 1 && at < minute)).toHaveLength(5);
  expect(begun.filter((at) => at >= minute && at <= minute + 1)).toHaveLength(5);
});

test('leads are added behind the API and read back, one address in whatever case', async () => {
  const { get, post } = await control({ marketo: { leads: [{ email: 'start@example.com' }] } });
  const added = await post('/marketo/leads', { leads: [{ email: 'Ann@example.com', inferredCountry: 'France' }] });
  const { ids } = z.object({ ids: z.array(z.number()) }).parse(added.body);
  expect(await get('/marketo/leads?email=ann@EXAMPLE.com')).toMatchObject({
    leads: [{ id: ids[0], email: 'Ann@example.com', inferredCountry: 'France' }],
  });
  expect(await get('/marketo/leads')).toMatchObject({ leads: [{ email: 'start@example.com' }, { id: ids[0] }] });
});

test('calls of both servers are listed and Marketo is reported on', async () => {
  const { get, sandbox } = await control();
  await fetch(`${sandbox.marketo.url}/rest/v1/leads/describe.json`);
  await fetch(`${sandbox.livechat.url}/v3.6/agent/action/list_archives`, { method: 'POST', body: '{}' });
  expect(await get('/marketo/calls')).toMatchObject({ calls: [{ endpoint: 'describe', status: 200, code: '600' }] });
  expect(await get('/livechat/calls')).toMatchObject({
    calls: [{ endpoint: 'list_archives', code: 'authentication' }],
  });
  expect(await get('/marketo/report')).toEqual({
    calls: 1,
    byEndpoint: { describe: 1 },
    maxInAnyWindow: 1,
    maxConcurrent: 1,
    throttled: { '606': 0, '607': 0, '615': 0 },
  });
});

test('messages are listed, read whole and deleted', async () => {
  const { get, remove, sandbox } = await control();
  const mail = { from: 'sync@example.com', to: 'admin@example.com', subject: 'Digest', text: 'Nothing new' };
  await nodemailer.createTransport(sandbox.mailbox.smtpUrl).sendMail(mail);
  const { messages } = z
    .object({ messages: z.array(z.looseObject({ id: z.string() })) })
    .parse(await get('/mailbox/messages'));
  expect(messages).toMatchObject([{ from: 'sync@example.com', to: ['admin@example.com'] }]);
  const raw = await fetch(`${sandbox.control.url}/mailbox/messages/${messages[0]?.id}`);
  expect(raw.headers.get('content-type')).toBe('message/rfc822');
  expect(await raw.text()).toContain('Subject: Digest');
  expect((await fetch(`${sandbox.control.url}/mailbox/messages/none`)).status).toBe(404);
  expect((await remove('/mailbox/messages')).body).toEqual({ messages: [] });
});

test('a reset leads back to the seeded start', async () => {
  const { post, sandbox } = await control({ chats: 30, start: new Date('2026-05-01T00:00:00Z') });
  const atStart = sandbox.livechat.archive.threads().map((thread) => thread.id);
  expect(atStart.length).toBeGreaterThan(20);
  await post('/clock', { shiftMs: 86_400_000 });
  await post('/livechat/chats', { count: 5, from: '2026-05-01T00:00:00Z', to: '2026-05-01T01:00:00Z' });
  await post('/marketo/leads', { leads: [{ email: 'a@example.com' }] });
  await post('/faults', { server: 'marketo', effect: { kind: 'reset' } });
  expect(sandbox.livechat.archive.threads().length).toBeGreaterThan(atStart.length);
  expect((await post('/reset')).body).toMatchObject({ now: expect.stringMatching(/^2026-05-01T00:00:0/) });
  expect(sandbox.livechat.archive.threads().map((thread) => thread.id)).toEqual(atStart);
  expect(sandbox.marketo.leads()).toEqual([]);
  expect(sandbox.faults.list()).toEqual([]);
});
