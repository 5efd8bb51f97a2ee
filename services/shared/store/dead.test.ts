import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import { instantOf } from '../runtime/instant.ts';
import { dismissDead, replayDead } from './dead.ts';
import { dueAddresses, takeReady } from './ledger.ts';

const { db, empty } = await testDatabase();

const NOW = instantOf(Date.parse('2026-11-23T12:00:00Z'));

beforeEach(async () => {
  await empty();
  await sql`insert into livechat_marketo.chat_thread
    (thread_id, chat_id, email, visitor, started_at, ended_at, state, attempts, reason, content_hash, first_seen_at, updated_at, run_id) values
    ('D1', 'C', 'a@b.example', '{}', now(), now(), 'dead', 8, 'lead-refused 1003 phone', 'h', now(), now(), 1),
    ('D2', 'C', 'c@d.example', '{}', now(), now(), 'dead', 8, 'lead-refused', 'h', now(), now(), 1),
    ('D3', 'C', 'e@f.example', '{}', now(), now(), 'dead', 9, 'run-failed', 'h', now(), now(), 1),
    ('R1', 'C', 'g@h.example', '{}', now(), now(), 'ready', 3, 'lead-refused 1003 phone', 'h', now(), now(), 1),
    ('S1', 'C', 'i@j.example', '{}', now(), now(), 'synced', 1, null, 'h', now(), now(), 1)`.execute(db);
});

const states = async () => {
  const rows = await db
    .selectFrom('chat_thread')
    .select(['thread_id', 'state', 'reason'])
    .orderBy('thread_id')
    .execute();
  return rows.map(({ thread_id, state, reason }) =>
    [thread_id, state, reason].filter((part) => part !== null).join(' '),
  );
};

const UNTOUCHED = ['R1 ready lead-refused 1003 phone', 'S1 synced'];

test('replayed, a dead thread is ready from its first attempt on, and the run that is at work takes it', async () => {
  expect(await replayDead(db, { threadIds: ['D1', 'R1', 'S1', 'no such'] }, NOW)).toBe(1);
  expect(await states()).toEqual(['D1 ready', 'D2 dead lead-refused', 'D3 dead run-failed', ...UNTOUCHED]);
  expect(await dueAddresses(db, 1, NOW, 10)).toEqual(['a@b.example']);
  expect(await takeReady(db, 1, NOW, ['a@b.example'])).toMatchObject([{ threadId: 'D1', attempts: 1 }]);
});

test('a code names the threads that died of it, whatever its subject', async () => {
  expect(await replayDead(db, { code: 'lead-refused' }, NOW)).toBe(2);
  expect(await states()).toEqual(['D1 ready', 'D2 ready', 'D3 dead run-failed', ...UNTOUCHED]);
  expect(await replayDead(db, { code: 'lead' }, NOW)).toBe(0);
  expect(await replayDead(db, { code: 'run-failed', threadIds: ['D1'] }, NOW)).toBe(0);
});

test('without a choice, all of them are meant', async () => {
  expect(await replayDead(db, {}, NOW)).toBe(3);
  expect(await states()).toEqual(['D1 ready', 'D2 ready', 'D3 ready', ...UNTOUCHED]);
  expect(await replayDead(db, {}, NOW)).toBe(0);
});

test('dismissed, a dead thread is ignored, and only that one', async () => {
  expect(await dismissDead(db, { threadIds: ['D2'] }, NOW)).toBe(1);
  expect(await dismissDead(db, { code: 'run-failed' }, NOW)).toBe(1);
  expect(await states()).toEqual([
    'D1 dead lead-refused 1003 phone',
    'D2 ignored dismissed',
    'D3 ignored dismissed',
    ...UNTOUCHED,
  ]);
});

test('a dead thread without its visitor’s data cannot be replayed, and does not stop the others', async () => {
  await sql`update livechat_marketo.chat_thread set visitor = null where thread_id = 'D1'`.execute(db);
  expect(await replayDead(db, {}, NOW)).toBe(2);
  expect((await states())[0]).toBe('D1 dead lead-refused 1003 phone');
});
