import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Instant, instantOf } from '../../services/shared/runtime/instant.ts';
import { forget } from '../../services/shared/store/forgetting.ts';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../services.ts';
import { syncHere } from './in-process.ts';

const { db, url, empty } = await testDatabase();
const sandbox = await startSandbox({ timeScale: 100 });
afterAll(() => sandbox.close());
const { archive } = sandbox.livechat;

const MINUTE = 60_000;
const env = {
  ...sandboxEnvironment(sandbox, url),
  SYNC_SETTLE: '1m',
  SYNC_OVERLAP: '2h',
  RULES_FILE: rulesFile(`version: 1
fields:
  - { field: lastName, from: visitor.lastName, write: if-empty }
  - { field: chatTags, from: thread.tags, write: always }
`),
};

beforeEach(async () => {
  sandbox.reset();
  sandbox.clock.set(Date.UTC(2026, 7, 3, 12));
  await empty();
});

async function sync() {
  sandbox.clock.shift(2 * MINUTE);
  return syncHere(db, env, () => sandbox.clock.now());
}

const chat = (email: string | undefined, id = 'customer-ann') =>
  archive.startChat({ customer: { id, name: 'Ann Canary', ...(email === undefined ? {} : { email }) }, text: 'Hello' });

/** Forgets as a person would, at the sandbox's time. */
async function forgetAnn() {
  await forget(db, 'Ann.Canary@example.com');
  const now: Instant = instantOf(sandbox.clock.now());
  await sql`update livechat_marketo.forgotten_address set forgotten_at = ${now}`.execute(db);
}

const ledger = () =>
  db.selectFrom('chat_thread').select(['thread_id', 'state', 'reason', 'email', 'customer_id', 'visitor']).execute();

test('whoever was forgotten is not filed nor written again by the runs that read their chats once more', async () => {
  const delivered = chat('ann.canary@example.com');
  archive.closeThread(delivered.threadId);
  await sync();
  const goingOn = chat('ann.canary@example.com');
  const nameless = chat(undefined);
  archive.closeThread(nameless.threadId);
  await sync();
  const unseen = chat('ANN.canary@example.com');
  archive.closeThread(unseen.threadId);
  await forgetAnn();
  const calls = sandbox.marketo.calls().length;

  await sync();
  archive.closeThread(goingOn.threadId);
  archive.tag(delivered.threadId, 'late');
  await sync();
  await sync();

  const rows = await ledger();
  expect(Object.fromEntries(rows.map(({ thread_id, state, reason }) => [thread_id, [state, reason]]))).toEqual({
    [delivered.threadId]: ['synced', null],
    [goingOn.threadId]: ['ignored', 'forgotten'],
    [unseen.threadId]: ['ignored', 'forgotten'],
    [nameless.threadId]: ['ignored', 'forgotten'],
  });
  expect(JSON.stringify(rows)).not.toMatch(/canary/i);
  const later = sandbox.marketo.calls().slice(calls);
  expect(later.filter(({ endpoint }) => endpoint.startsWith('leads-'))).toEqual([]);
});

test('whoever comes back later and gives the address anew is a new visitor', async () => {
  await forgetAnn();
  sandbox.clock.shift(MINUTE);
  const back = chat('ann.canary@example.com');
  archive.closeThread(back.threadId);
  await sync();
  expect(await ledger()).toMatchObject([{ state: 'synced', email: 'ann.canary@example.com' }]);
  expect(sandbox.marketo.leads()).toHaveLength(1);
});
