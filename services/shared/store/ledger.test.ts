import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import { type Instant, instantOf } from '../runtime/instant.ts';
import { dueAddresses, giveBack, markUnseen, takeReady } from './ledger.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

const NOW = instantOf(Date.parse('2026-11-23T12:00:00Z'));
const LATER = instantOf(Date.parse('2026-11-24T11:55:00Z'));

async function ready(id: string, due: Instant, attempts: number): Promise<void> {
  await sql`insert into livechat_marketo.chat_thread
    (thread_id, chat_id, email, visitor, started_at, ended_at, state, attempts, next_attempt_at, content_hash, first_seen_at, updated_at)
    values (${id}, 'C', 'ann@example.com', '{}', ${NOW}, ${NOW}, 'ready', ${attempts}, ${due}, 'h', ${NOW}, ${NOW})`.execute(
    db,
  );
}

test('closed, a thread keeps its visitor where it is only hidden, and not where it was erased in LiveChat', async () => {
  await sql`insert into livechat_marketo.chat_thread
    (thread_id, chat_id, customer_id, email, visitor, started_at, state, content_hash, first_seen_at, updated_at)
    select id, 'C', 'customer', 'ann@example.com', '{"visitor": {}}', ${NOW}, state, 'h', ${NOW}, ${NOW}
    from (values ('deleted', 'open'), ('elsewhere', 'open'), ('done', 'synced')) threads (id, state)`.execute(db);
  await markUnseen(db, ['deleted', 'done'], 'gone', LATER);
  await markUnseen(db, ['elsewhere', 'done'], 'hidden', LATER);
  const kept = { email: 'ann@example.com', customer_id: 'customer', visitor: { visitor: {} } };
  const erased = { email: null, customer_id: null, visitor: null };
  expect(
    await db
      .selectFrom('chat_thread')
      .select(['thread_id', 'state', 'reason', 'email', 'customer_id', 'visitor'])
      .orderBy('thread_id')
      .execute(),
  ).toEqual([
    { thread_id: 'deleted', state: 'ignored', reason: 'gone', ...erased },
    { thread_id: 'done', state: 'synced', reason: null, ...kept },
    { thread_id: 'elsewhere', state: 'ignored', reason: 'hidden', ...kept },
  ]);
});

test('given back, a thread that waited and was brought along goes on waiting, and one that was due is due', async () => {
  await ready('due', NOW, 0);
  await ready('waiting', LATER, 4);
  const taken = await takeReady(db, 1, NOW, ['ann@example.com']);
  expect(taken.map(({ threadId }) => threadId)).toEqual(['due', 'waiting']);
  await giveBack(db, 1, ['due', 'waiting']);
  const rows = await db
    .selectFrom('chat_thread')
    .select(['thread_id', 'attempts', 'next_attempt_at', 'run_id'])
    .orderBy('thread_id')
    .execute();
  expect(rows.map((row) => ({ ...row, next_attempt_at: Date.parse(row.next_attempt_at ?? '') }))).toEqual([
    { thread_id: 'due', attempts: 0, next_attempt_at: Date.parse(NOW), run_id: null },
    { thread_id: 'waiting', attempts: 4, next_attempt_at: Date.parse(LATER), run_id: null },
  ]);
  expect(await dueAddresses(db, 2, NOW, 10)).toEqual(['ann@example.com']);
  await db.deleteFrom('chat_thread').where('thread_id', '=', 'due').execute();
  expect(await dueAddresses(db, 2, NOW, 10)).toEqual([]);
});
