import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import PostalMime from 'postal-mime';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openMailbox, openSlowMailbox } from '../../test/digest/mailbox.ts';
import { emptyDatabase, testDatabase } from '../../test/postgres/database.ts';
import { logErrors } from '../shared/store/errors.ts';
import { releaseLease, takeLease } from '../shared/store/lease.ts';

const { db, url, empty } = await testDatabase();

beforeEach(empty);

/** A zone where it is day now: a test that runs two digests must not see the date change between them. */
const FAR_FROM_MIDNIGHT = Math.abs(new Date().getUTCHours() - 12) < 6 ? 'Etc/UTC' : 'Etc/GMT-12';

/** The digest as a process of its own, with nothing in its environment but what is given. */
function start(env: Record<string, string>, args: string[] = []) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, ended: endOf(child) };
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, output };
}

function environment(mailbox: { url: string }): Record<string, string> {
  return {
    DATABASE_URL: url,
    SMTP_URL: mailbox.url,
    DIGEST_FROM: 'LiveChat sync <sync@shop.example>',
    DIGEST_TO: 'ops@shop.example',
    DIGEST_TIME_ZONE: FAR_FROM_MIDNIGHT,
    STATUS_URL: 'https://status.shop.example/',
    RUN_NAME: 'lms-digest-29391234',
  };
}

const PATIENCE = { timeout: 20_000, interval: 20 };

async function oneError(message = 'Marketo refused the value of phone (1003).'): Promise<void> {
  await logErrors(db, null, [{ code: 'lead-refused', subject: 'phone', message, threadId: 'T1' }]);
}

const digests = () => db.selectFrom('digest').select(['state', 'message_id']).execute();

test('the process sends the digest and ends with 0', async () => {
  const mailbox = await openMailbox();
  await oneError();
  const { code, output } = await start(environment(mailbox)).ended;
  expect(output).toContain('"msg":"sent the digest of');
  expect(code).toBe(0);
  expect((await mailbox.mails())[0]?.html).toContain('href="https://status.shop.example"');
  const runs = await db.selectFrom('run').select(['trigger', 'name', 'outcome']).execute();
  expect(runs).toEqual([{ trigger: 'schedule', name: 'lms-digest-29391234', outcome: 'done' }]);
});

describe('an end that its user can do something about', () => {
  test('--help explains, and asks for no configuration', async () => {
    expect(await start({}, ['--help']).ended).toMatchObject({
      code: 0,
      output: expect.stringContaining('--forget ADDRESS'),
    });
  });

  test('an argument that is not known is 64, with one sentence', async () => {
    for (const argument of ['--from=2026-01-01', 'now', '--help=yes']) {
      const { code, output } = await start({}, [argument]).ended;
      expect(code).toBe(64);
      expect(output.trim().split('\n')).toHaveLength(1);
      expect(output).toMatch(/Try --help/);
    }
  });

  test('a configuration that does not hold is 78, with every problem at once', async () => {
    const { code, output } = await start({ DATABASE_URL: url, DIGEST_TO: 'nobody', LOG_LEVEL: 'loud' }).ended;
    expect(code).toBe(78);
    for (const name of ['SMTP_URL', 'DIGEST_FROM', 'DIGEST_TO', 'LOG_LEVEL']) expect(output).toContain(name);
  });

  test('a database without tables is 78, before anything is written', async () => {
    const bare = await emptyDatabase();
    const { code, output } = await start({ ...environment({ url: 'smtp://127.0.0.1:1' }), DATABASE_URL: bare.url })
      .ended;
    await bare.drop();
    expect(code).toBe(78);
    expect(output).toContain('run migrate first');
  });

  test('a mail server that is not there is 75, and no password is in the log', async () => {
    await oneError();
    const { code, output } = await start(environment({ url: 'smtp://user:s3cret-canary@127.0.0.1:1' })).ended;
    expect(code).toBe(75);
    expect(output).toContain('The mail server at 127.0.0.1:1 could not be reached');
    expect(output).not.toContain('s3cret-canary');
    expect(await digests()).toMatchObject([{ state: 'claimed' }]);
  });

  test('a wrong password is 77, and it is not in the log', async () => {
    const mailbox = await openMailbox({ auth: { user: 'user', pass: 'right' } });
    await oneError();
    const smtp = mailbox.url.replace('right', 's3cret-canary');
    const { code, output } = await start(environment({ url: smtp })).ended;
    expect(code).toBe(77);
    expect(output).not.toContain('s3cret-canary');
  });
});

describe('a process that is killed', () => {
  test('before its claim is committed leaves nothing, and the next run tells of everything', async () => {
    const mailbox = await openMailbox();
    await oneError('The first.');
    const lock = await db.startTransaction().execute();
    await sql`select 1 from livechat_marketo.sync_error for update`.execute(lock);
    const process = start(environment(mailbox));
    // It has written the digest's row by now, and waits for the errors.
    await vi.waitUntil(async () => (await waitingForLock()).length === 1, PATIENCE);
    process.child.kill('SIGKILL');
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
    for (const pid of await waitingForLock()) await sql`select pg_terminate_backend(${pid})`.execute(db);
    await lock.rollback().execute();
    expect(await digests()).toEqual([]);

    await oneError('The second.');
    expect(await start(environment(mailbox)).ended).toMatchObject({ code: 0 });
    const [mail, ...others] = await mailbox.mails();
    expect(others).toEqual([]);
    expect(mail?.subject).toContain('2 new errors');
  });

  test('after its claim, before the mail is taken, leaves a digest that the next run sends', async () => {
    const killed: { child?: ChildProcess } = {};
    const first = await openSlowMailbox(() => killAndWait(killed.child));
    await oneError('The first.');
    const process = start(environment(first));
    killed.child = process.child;
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
    const [claimed] = await digests();
    expect(claimed?.state).toBe('claimed');

    await oneError('The second.');
    const second = await openMailbox();
    expect(await start(environment(second)).ended).toMatchObject({ code: 0 });
    expect(await second.mails()).toHaveLength(1);
    expect((await second.mails())[0]).toMatchObject({
      messageId: claimed?.message_id,
      text: expect.stringContaining('The first.'),
    });
    expect((await second.mails())[0]?.text).not.toContain('The second.');
    expect(await digests()).toMatchObject([{ state: 'sent' }]);
  });

  test('after the server’s 250, before its mark, leaves a digest that the next run sends again, byte for byte', async () => {
    const held = Promise.withResolvers<void>();
    const mailbox = await openSlowMailbox(() => held.promise);
    await oneError();
    const process = start(environment(mailbox));
    await vi.waitUntil(async () => (await digests()).length === 1, PATIENCE);
    // The mark must wait for this transaction, so the process dies between the 250 and its mark.
    const lock = await db.startTransaction().execute();
    await sql`select 1 from livechat_marketo.digest for update`.execute(lock);
    held.resolve();
    await vi.waitUntil(async () => (await waitingForLock()).length === 1, PATIENCE);
    process.child.kill('SIGKILL');
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
    // Its statement would still be carried out by the server, which has not noticed: a crash of the node takes both.
    for (const pid of await waitingForLock()) await sql`select pg_terminate_backend(${pid})`.execute(db);
    await vi.waitUntil(async () => (await waitingForLock()).length === 0, PATIENCE);
    await lock.rollback().execute();
    expect(await mailbox.mails()).toHaveLength(1);
    expect(await digests()).toMatchObject([{ state: 'claimed' }]);

    await oneError('Later.');
    expect(await start(environment(mailbox)).ended).toMatchObject({ code: 0 });
    const [first, again, ...others] = await mailbox.mails();
    expect(others).toEqual([]);
    expect(again?.raw).toBe(first?.raw);
    expect(again?.messageId).toMatch(/^<digest-\d{4}-\d\d-\d\d\.[0-9a-f-]{36}@shop\.example>$/);
    expect(await digests()).toMatchObject([{ state: 'sent' }]);
    const runs = await db.selectFrom('run').select('outcome').orderBy('id').execute();
    expect(runs).toEqual([{ outcome: null }, { outcome: 'done' }]);
  });

  test('by hand, without the name of a Job, makes the next run wait for its lease, not for ever', async () => {
    const { RUN_NAME: _name, ...env } = environment({ url: 'unused' });
    const killed: { child?: ChildProcess } = {};
    const first = await openSlowMailbox(() => killAndWait(killed.child));
    await oneError();
    const process = start({ ...env, SMTP_URL: first.url });
    killed.child = process.child;
    await process.ended;
    const second = await openMailbox();
    expect(await start({ ...env, SMTP_URL: second.url }).ended).toMatchObject({ code: 0 });
    expect(await second.mails()).toEqual([]);
    await sql`update livechat_marketo.lease set expires_at = expires_at - interval '150 seconds'`.execute(db);
    expect(await start({ ...env, SMTP_URL: second.url }).ended).toMatchObject({ code: 0 });
    expect(await second.mails()).toHaveLength(1);
    const runs = await db.selectFrom('run').select('outcome').orderBy('id').execute();
    expect(runs.map(({ outcome }) => outcome)).toEqual([null, 'skipped', 'done']);
  });
});

describe('--preview', () => {
  test('writes the mail as .html and .eml, without a mail server, and changes nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lms-preview-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await oneError('Previewed.');
    const { SMTP_URL: _smtp, ...env } = environment({ url: 'unused' });
    const tables = ['run', 'digest', 'sync_error', 'error_kind', 'lease', 'counter'] as const;
    const rows = () => Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
    const before = await rows();
    const out = join(folder, 'made');
    const { code, output } = await start(env, ['--preview', '--out', out]).ended;
    expect(code).toBe(0);
    expect(output).toContain('nothing was sent');
    expect(await rows()).toEqual(before);
    const [eml = '', html = '', ...others] = readdirSync(out).sort();
    expect(others).toEqual([]);
    expect([eml, html].map((name) => name.replace(/\d/g, '9'))).toEqual([
      'digest-9999-99-99.eml',
      'digest-9999-99-99.html',
    ]);
    const mail = await PostalMime.parse(readFileSync(join(out, eml)));
    expect(mail).toMatchObject({
      subject: expect.stringContaining('1 new error'),
      from: { address: 'sync@shop.example' },
      to: [{ address: 'ops@shop.example' }],
      text: expect.stringContaining('Previewed.'),
    });
    expect(mail.html?.trim()).toBe(readFileSync(join(out, html), 'utf8').trim());

    const mailbox = await openMailbox();
    await start(environment(mailbox)).ended;
    const [sent] = await mailbox.mails();
    expect(sent).toMatchObject({ subject: mail.subject });
  });

  test('prints the page and nothing else where it is told to: a pod has nowhere to write', async () => {
    await oneError('Previewed.');
    const { SMTP_URL: _smtp, ...env } = environment({ url: 'unused' });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['services/digest/main.ts', '--preview', '--out', '-'],
      { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } },
    );
    expect([status, stdout.slice(0, 15), stdout.trimEnd().slice(-7)]).toEqual([0, '<!doctype html>', '</html>']);
    expect(stdout).toContain('Previewed.');
    expect(stderr).toContain('nothing was sent');
  });

  test('says so where it cannot write, and where a digest is not sent yet', async () => {
    await oneError();
    expect(await start(environment({ url: 'smtp://127.0.0.1:1' })).ended).toMatchObject({ code: 75 });
    const { code, output } = await start(environment({ url: 'unused' }), ['--preview', '--out', '/dev/null/no']).ended;
    expect(code).toBe(78);
    expect(output).toContain('name another --out');
    const folder = mkdtempSync(join(tmpdir(), 'lms-preview-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const second = await start(environment({ url: 'unused' }), ['--preview', '--out', folder]).ended;
    expect(second.output).toMatch(/was claimed and not sent/);
    expect(second.output).toContain('nor would it be: there is nothing new');
  });
});

describe('--forget', () => {
  const DATABASE = { DATABASE_URL: url };

  test('removes the person and says how many rows that were, and never whom', async () => {
    await sql`insert into livechat_marketo.chat_thread
      (thread_id, chat_id, email, visitor, started_at, state, content_hash, first_seen_at, updated_at)
      values ('T1', 'C', 'Ann.Canary@Example.com', '{}', now(), 'ready', '', now(), now())`.execute(db);
    const { code, output } = await start(DATABASE, ['--forget', 'ann.canary@example.COM']).ended;
    expect(code).toBe(0);
    expect(output).toContain('chat_thread 1');
    expect(output).not.toMatch(/canary/i);
    expect(await db.selectFrom('chat_thread').select(['state', 'email', 'reason']).execute()).toEqual([
      { state: 'ignored', email: null, reason: 'forgotten' },
    ]);
    expect(await db.selectFrom('lease').selectAll().execute()).toEqual([]);
  });

  test('waits while a sync is at work, which could write the person down again', async () => {
    await takeLease(db, 'sync', 'a run', 600);
    const process = start(DATABASE, ['--forget', 'ann@example.com']);
    await once(process.child.stdout, 'data');
    expect(await db.selectFrom('forgotten_address').selectAll().execute()).toEqual([]);
    await releaseLease(db, 'sync', 'a run');
    const { code, output } = await process.ended;
    expect(code).toBe(0);
    expect(output).toContain('a sync is at work: waiting for its end');
    expect(await db.selectFrom('forgotten_address').selectAll().execute()).toHaveLength(1);
  });

  test('refuses what it does not understand with 64, and does not repeat an address', async () => {
    for (const args of [
      ['--forget', 'nobody'],
      ['--forget'],
      ['ann.canary@example.com'],
      ['--forget', 'a@b.c', '--preview'],
      ['--out', 'x'],
    ]) {
      const { code, output } = await start(DATABASE, args).ended;
      expect(code, args.join(' ')).toBe(64);
      expect(output).not.toContain('canary');
    }
  });
});

test('SIGTERM while the mail server dawdles ends with 143 and leaves the digest for the next run', async () => {
  const held = Promise.withResolvers<void>();
  const dawdling = Promise.withResolvers<void>();
  const mailbox = await openSlowMailbox(() => {
    dawdling.resolve();
    return held.promise;
  });
  await oneError();
  const process = start(environment(mailbox));
  await dawdling.promise;
  process.child.kill('SIGTERM');
  expect(await process.ended).toMatchObject({ code: 143 });
  held.resolve();
  expect(await digests()).toMatchObject([{ state: 'claimed' }]);
  const runs = await db.selectFrom('run').select('outcome').execute();
  expect(runs).toEqual([{ outcome: 'stopped' }]);
  expect(await db.selectFrom('lease').select('name').execute()).toEqual([]);
});

async function killAndWait(child: ChildProcess | undefined): Promise<void> {
  if (child?.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function waitingForLock(): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
  return rows.map(({ pid }) => pid);
}
