import { afterAll, beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { type Ended, runService, type ServiceName, sandboxEnvironment } from '../services.ts';

const { db, url, empty } = await testDatabase();
const sandbox = await startSandbox({ chats: 20 });
afterAll(() => sandbox.close());
const good = { ...sandboxEnvironment(sandbox, url), SYNC_FROM: '2020-01-01T00:00:00Z' };

beforeEach(async () => {
  sandbox.reset();
  await empty();
});

/** One fatal line, which names the variable or the party, and no stack; nothing in the ledger, nothing in Marketo. */
async function expectCleanEnd(ended: Ended, code: number, says: RegExp): Promise<void> {
  expect(ended.output).toMatch(says);
  expect(ended.code).toBe(code);
  const fatal = ended.lines.filter((line) => line.level === 'fatal');
  expect(fatal).toHaveLength(1);
  expect(ended.output).not.toMatch(/\n\s+at |node:internal|"stack"/);
  expect(await db.selectFrom('chat_thread').selectAll().execute()).toEqual([]);
  expect(await db.selectFrom('watermark').selectAll().execute()).toEqual([]);
  expect(sandbox.marketo.leads()).toEqual([]);
  expect(sandbox.mailbox.messages()).toEqual([]);
}

const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

test.each<[string, ServiceName, Record<string, string>, number, RegExp]>([
  ['a missing variable', 'sync', without('MARKETO_CLIENT_SECRET'), 78, /MARKETO_CLIENT_SECRET is not set/],
  [
    'a malformed variable',
    'sync',
    { ...good, MARKETO_CONCURRENCY: 'many' },
    78,
    /MARKETO_CONCURRENCY must be a whole number/,
  ],
  [
    'two bad variables',
    'sync',
    { ...without('LIVECHAT_PAT'), SYNC_SETTLE: 'x' },
    78,
    /LIVECHAT_PAT is not set.*SYNC_SETTLE must be/,
  ],
  [
    'a rules file that is not there',
    'sync',
    { ...good, RULES_FILE: '/nowhere.yaml' },
    78,
    /rules cannot be read.*ENOENT/,
  ],
  ['a rules file with a mistake', 'sync', { ...good, RULES_FILE: rulesFile('version: 1\nfields: 3\n') }, 78, /line 2/],
  [
    'a rule for a field that Marketo does not have',
    'sync',
    { ...good, RULES_FILE: rulesFile('version: 1\nfields: [{ field: contry, value: x, write: always }]\n') },
    78,
    /contry does not exist/,
  ],
  ['half a backfill', 'sync', { ...without('SYNC_FROM'), SYNC_TO: '2026-01-01T00:00:00Z' }, 64, /needs both ends/],
  [
    'a wrong Marketo secret',
    'sync',
    { ...good, MARKETO_CLIENT_SECRET: 'canary-wrong' },
    77,
    /Marketo refused identity/,
  ],
  [
    'a wrong LiveChat token',
    'sync',
    { ...good, LIVECHAT_PAT: 'canary-wrong' },
    77,
    /LiveChat refused the personal access token/,
  ],
  [
    'a wrong database password',
    'sync',
    { ...good, DATABASE_URL: url.replace(/:[^:@/]+@/, ':canary-wrong@') },
    77,
    /refused the user or the password/,
  ],
  [
    'an unreachable database',
    'sync',
    { ...good, DATABASE_URL: 'postgres://u:canary-wrong@127.0.0.1:1/x' },
    75,
    /could not be reached \(ECONNREFUSED\)/,
  ],
  [
    'an unknown database',
    'sync',
    { ...good, DATABASE_URL: url.replace(/\/[^/]+$/, '/nothing_there') },
    78,
    /has no database/,
  ],
  ['a schema that was not migrated', 'sync', { ...good, DATABASE_SCHEMA: 'other' }, 78, /run migrate first/],
  [
    'a Marketo that is away',
    'sync',
    { ...good, MARKETO_ENDPOINT: 'http://127.0.0.1:1' },
    75,
    /Marketo did not answer identity \(ECONNREFUSED\)/,
  ],
  [
    'an unreachable database',
    'migrate',
    { ...good, DATABASE_URL: 'postgres://u:canary-wrong@127.0.0.1:1/x' },
    75,
    /could not be reached/,
  ],
  ['a missing variable', 'digest', without('SMTP_URL'), 78, /SMTP_URL is not set/],
  [
    'an unreachable database',
    'digest',
    { ...good, DATABASE_URL: 'postgres://u:canary-wrong@127.0.0.1:1/x' },
    75,
    /could not be reached/,
  ],
  ['a malformed variable', 'status', { ...good, STATUS_PORT: 'x' }, 78, /STATUS_PORT must be/],
])('%s ends %s with one clear sentence, and nothing is written', async (_name, service, env, code, says) => {
  const ended = await runService(service, env);
  await expectCleanEnd(ended, code, says);
  expect(ended.output).not.toContain('canary');
});

test('unknown flags end with 64, and --help with 0', async () => {
  const wrong = await runService('sync', good, ['--frmo', 'x']);
  expect(wrong.code).toBe(64);
  expect(wrong.output).toContain('--frmo');
  const help = await runService('sync', {}, ['--help']);
  expect(help.code).toBe(0);
  expect(help.output).toContain('Exit codes');
});

test('the row of a refused run says why, and its error waits for the digest', async () => {
  await runService('sync', { ...good, MARKETO_CLIENT_SECRET: 'canary-wrong' });
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow();
  expect(run).toMatchObject({ job: 'sync', outcome: 'failed', trigger: 'manual' });
  expect(run.error).toContain('MARKETO_CLIENT_SECRET');
  const error = await db.selectFrom('sync_error').selectAll().executeTakeFirstOrThrow();
  expect(error).toMatchObject({ code: 'marketo-credentials', digest_id: null });
});

test('rules that do not hold are an error of their own, which the digest tells', async () => {
  await runService('sync', { ...good, RULES_FILE: rulesFile('version: 1\nfields: 3\n') });
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow();
  expect(run).toMatchObject({ outcome: 'failed', error: expect.stringContaining('line 2') });
  const error = await db.selectFrom('sync_error').selectAll().executeTakeFirstOrThrow();
  expect(error).toMatchObject({ code: 'rules-invalid', digest_id: null });
});

test('a flag that npm has taken for itself, or that belongs to another one, does not start a run', async () => {
  const swallowed = await runService('sync', { ...good, npm_config_dry_run: 'true', npm_lifecycle_event: 'sync' });
  expect(swallowed.code).toBe(64);
  expect(swallowed.output).toContain('npm run sync -- --dry-run');
  for (const flag of ['--json', '--show-values']) expect((await runService('sync', good, [flag])).code, flag).toBe(64);
  expect(await db.selectFrom('run').selectAll().execute()).toEqual([]);
});
