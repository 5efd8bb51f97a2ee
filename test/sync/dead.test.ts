import { afterAll, beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment } from '../services.ts';
import { syncHere } from './in-process.ts';

const { db, url, empty } = await testDatabase();
// An address that Marketo does not take cannot be left out, so its thread dies.
const sandbox = await startSandbox({
  timeScale: 100,
  marketo: { behaviour: { refuseValues: [{ field: 'email', pattern: /^refused/ }] } },
});
afterAll(() => sandbox.close());

const env = {
  ...sandboxEnvironment(sandbox, url),
  SYNC_SETTLE: '1s',
  SYNC_MAX_ATTEMPTS: '1',
  RULES_FILE: rulesFile('version: 1\nfields: [{ field: leadSource, value: LiveChat, write: on-create }]\n'),
};
const { archive } = sandbox.livechat;
const sync = (more: Record<string, string> = {}) => syncHere(db, { ...env, ...more }, () => sandbox.clock.now());
const states = async () =>
  (await db.selectFrom('chat_thread').select(['state', 'reason', 'attempts']).orderBy('thread_id').execute()).map(
    ({ state, reason, attempts }) => `${state} ${reason ?? ''} ${attempts}`.trim(),
  );

/** Two chats whose address Marketo refuses, and a run after which both are dead. */
async function twoDead(): Promise<string[]> {
  const ids = ['refused.a@example.com', 'refused.b@example.com'].map((email) => {
    const { threadId } = archive.startChat({ customer: { id: email, name: 'Ann Lee', email }, text: 'Hello' });
    archive.closeThread(threadId);
    return threadId;
  });
  sandbox.clock.shift(60_000);
  await sync();
  expect(await states()).toEqual(Array(2).fill('dead lead-refused 1003 email 1'));
  return ids;
}

beforeEach(async () => {
  sandbox.reset();
  sandbox.clock.set(Date.UTC(2026, 7, 3, 12));
  await empty();
});

test('a dead thread rests from run to run, and lives again when it is asked for', async () => {
  await twoDead();
  const writes = () => sandbox.marketo.report().byEndpoint['leads-sync'];
  const before = writes();
  await sync();
  expect(writes()).toBe(before);
  const { lines } = await sync({ SYNC_REPLAY_DEAD: 'true' });
  expect(lines.map(({ msg }) => msg)).toContain('2 dead threads are ready again, as asked for');
  expect(writes()).toBe((before ?? 0) + 1);
  // They died of the same again.
  expect(await states()).toEqual(Array(2).fill('dead lead-refused 1003 email 1'));
});

test('it lives again by itself when the rules change, or when it changes', async () => {
  const [first = ''] = await twoDead();
  const writes = () => sandbox.marketo.report().byEndpoint['leads-sync'] ?? 0;
  let before = writes();
  const other = rulesFile('version: 1\nfields: [{ field: leadSource, value: Chat, write: on-create }]\n');
  const { lines } = await sync({ RULES_FILE: other });
  expect(lines.map(({ msg }) => msg)).toContain(
    '2 dead threads are ready again, the rules have changed since the last run',
  );
  expect(writes()).toBe(before + 1);
  before = writes();
  await sync({ RULES_FILE: other });
  expect(writes()).toBe(before);
  archive.tag(first, 'changed');
  await sync({ RULES_FILE: other });
  expect(writes()).toBe(before + 1);
});

test('it does so also where the run that saw the new rules came to nothing', async () => {
  await twoDead();
  const other = rulesFile('version: 1\nfields: [{ field: leadSource, value: Chat, write: on-create }]\n');
  sandbox.faults.add({ server: 'livechat', effect: { kind: 'error', type: 'authentication', status: 401 }, times: 1 });
  await expect(sync({ RULES_FILE: other })).rejects.toMatchObject({ exitCode: 77 });
  const { lines } = await sync({ RULES_FILE: other });
  expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^2 dead threads are ready again/));
});

test('the commands choose by code and by thread, and refuse what chooses nothing', async () => {
  const [first = '', second = ''] = await twoDead();
  const command = async (...args: string[]) => {
    const ended = await runService('sync', env, args);
    return { code: ended.code, said: ended.lines.map(({ msg }) => msg) };
  };
  const state = async (id: string) =>
    (await db.selectFrom('chat_thread').select(['state', 'reason']).where('thread_id', '=', id).executeTakeFirst()) ??
    {};
  expect((await command('--dismiss-dead', '--code', 'run-failed')).said).toContainEqual(
    expect.stringMatching(/^0 dead threads are dismissed/),
  );
  expect((await command('--dismiss-dead', '--thread', first)).code).toBe(0);
  expect(await state(first)).toEqual({ state: 'ignored', reason: 'dismissed' });
  expect(await state(second)).toMatchObject({ state: 'dead' });
  // It rests, for as long as nothing in it changes.
  await sync({ SYNC_REPLAY_DEAD: 'true' });
  expect(await state(first)).toEqual({ state: 'ignored', reason: 'dismissed' });
  expect((await command('--dismiss-dead', '--code', 'lead-refused')).code).toBe(0);
  expect(await state(second)).toEqual({ state: 'ignored', reason: 'dismissed' });
  for (const wrong of [
    ['--code', 'lead-refused'],
    ['--replay-dead', '--code', 'nothing-like-it'],
    ['--thread', first],
    ['--explain'],
    ['--dismiss-dead', '--dry-run'],
    ['--dismiss-dead', '--replay-dead'],
  ]) {
    expect((await command(...wrong)).code, wrong.join(' ')).toBe(64);
  }
}, 60_000);
