import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { at } from '../../test/digest/example.ts';
import { keptLog } from '../../test/digest/logged.ts';
import { testDatabase } from '../../test/postgres/database.ts';
import { dismissDead, replayDead } from '../shared/store/dead.ts';
import { syncHealth } from '../shared/store/health.ts';
import { fileThreads, knownThreads } from '../shared/store/ledger.ts';
import { applyRetention, type Retention } from './retention.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

const DAY = 86_400_000;
const NOW = at('2026-11-23T12:00:00Z');
const RETENTION: Retention = {
  visitors: 30 * DAY,
  changes: 90 * DAY,
  errors: 60 * DAY,
  calls: 20 * DAY,
  runs: 100 * DAY,
  digests: 80 * DAY,
  overlap: DAY,
};

function clean(changes: Partial<Parameters<typeof applyRetention>[0]> = {}, stillMine = async () => undefined) {
  const { log } = keptLog();
  const signal = new AbortController().signal;
  return applyRetention({ db, log, now: NOW, signal, retention: RETENTION, ...changes }, stillMine);
}

/** An instant so many days before NOW, for SQL. */
const ago = (days: number) => sql`${NOW}::timestamptz - ${days} * interval '1 day'`;

async function thread(id: string, state: string, days: number, ended = days): Promise<void> {
  await sql`insert into livechat_marketo.chat_thread
    (thread_id, chat_id, customer_id, email, visitor, started_at, ended_at, state, content_hash, lead_id, first_seen_at, updated_at)
    values (${id}, 'C', 'customer', 'ann@example.com', '{"visitor": {"name": "Ann"}}', ${ago(ended)}, ${ago(ended)}, ${state}, ${`hash ${id}`}, 7, ${ago(days)}, ${ago(days)})`.execute(
    db,
  );
  await sql`insert into livechat_marketo.lead_change (run_id, thread_id, lead_id, action, changes, at)
    values (1, ${id}, 7, 'created', '[{"field": "firstName", "from": null, "to": "Ann", "rule": "name"}]', ${ago(days)})`.execute(
    db,
  );
}

const threads = () =>
  db
    .selectFrom('chat_thread')
    .select(['thread_id', 'state', 'email', 'customer_id', 'visitor', 'content_hash', 'lead_id'])
    .orderBy('thread_id')
    .execute();
const values = async () => {
  const rows = await db.selectFrom('lead_change').select(['thread_id', 'changes']).orderBy('thread_id').execute();
  return Object.fromEntries(rows.map(({ thread_id, changes }) => [thread_id, changes]));
};

describe('visitors’ data', () => {
  test('is erased of old threads that are done with, and of no other; their rows stay as they are', async () => {
    for (const state of ['synced', 'ignored', 'open', 'ready', 'dead']) {
      await thread(`old ${state}`, state, 31);
      await thread(`young ${state}`, state, 29);
    }
    expect(await clean()).toEqual({ erasedVisitors: 3 });
    const kept = { email: 'ann@example.com', customer_id: 'customer', visitor: { visitor: { name: 'Ann' } } };
    const gone = { email: null, customer_id: null, visitor: null };
    expect(await threads()).toEqual(
      ['old', 'young'].flatMap((age) =>
        ['dead', 'ignored', 'open', 'ready', 'synced'].map((state) => ({
          thread_id: `${age} ${state}`,
          state,
          content_hash: `hash ${age} ${state}`,
          lead_id: 7,
          ...(age === 'old' && ['synced', 'ignored', 'dead'].includes(state) ? gone : kept),
        })),
      ),
    );
    const full = [{ field: 'firstName', from: null, to: 'Ann', rule: 'name' }];
    expect(await values()).toMatchObject({
      'old synced': [{ field: 'firstName', rule: 'name' }],
      'old dead': [{ field: 'firstName', rule: 'name' }],
      'old ready': full,
      'young synced': full,
    });
    expect(JSON.stringify((await values())['old synced'])).not.toContain('Ann');
    expect(await clean()).toEqual({});
  });

  test('erased of a dead thread, it is told in the digest, and the thread can be dismissed and no more', async () => {
    await thread('old', 'dead', 31);
    await thread('young', 'dead', 29);
    expect(await syncHealth(db)).toMatchObject({ dead: 2, deadErased: 0 });
    await clean();
    expect(await syncHealth(db)).toMatchObject({ dead: 2, deadErased: 1 });
    expect(await replayDead(db, {}, NOW)).toBe(1);
    expect(await syncHealth(db)).toMatchObject({ dead: 1, deadErased: 1, ready: 1 });
    expect(await dismissDead(db, { threadIds: ['old'] }, NOW)).toBe(1);
    expect(await syncHealth(db)).toMatchObject({ dead: 0, deadErased: 0 });
  });

  test('stays while the sync reads the thread again, however late the sync is', async () => {
    await thread('before', 'synced', 40);
    await thread('in the overlap', 'synced', 40, 35.5);
    await sql`insert into livechat_marketo.watermark (stream, position) values ('livechat', ${ago(35)})`.execute(db);
    expect(await clean()).toEqual({ erasedVisitors: 1 });
    expect((await threads()).map(({ visitor }) => visitor === null)).toEqual([true, false]);
  });

  test('erased, a thread that LiveChat shows again with the same content is still known by its hash', async () => {
    await thread('T', 'synced', 31);
    await clean();
    const known = (await knownThreads(db, ['T'])).get('T');
    expect(known).toMatchObject({ state: 'synced', contentHash: 'hash T', visit: null });
  });

  test('is not erased of a thread that was filed anew: it is ready again', async () => {
    await thread('T', 'synced', 31);
    await db.transaction().execute((transaction) =>
      fileThreads(
        transaction,
        [
          {
            threadId: 'T',
            chatId: 'C',
            customerId: undefined,
            email: 'ann@example.com',
            startedAt: NOW,
            endedAt: NOW,
            state: 'ready',
            reason: undefined,
            contentHash: 'changed',
            visit: {},
          },
        ],
        NOW,
      ),
    );
    expect(await clean()).toEqual({});
  });
});

test('errors go once a digest that was sent has carried them, and the digest after them, and no day is told twice', async () => {
  await sql`insert into livechat_marketo.digest (local_date, state, message_id, recipients, error_count, mail, created_at) values
    ('d1', 'sent', '<1@x>', '[]', 1, '{}', ${ago(90)}), ('d2', 'claimed', '<2@x>', '[]', 1, '{}', ${ago(89)}),
    ('d3', 'sent', '<3@x>', '[]', 1, '{}', ${ago(85)}), ('d4', 'sent', '<4@x>', '[]', 1, '{}', ${ago(70)})`.execute(db);
  await sql`insert into livechat_marketo.sync_error (stage, code, subject, message, fingerprint, digest_id, at) values
    ('run', 'c', '', 'sent', 'f', 1, ${ago(90)}), ('run', 'c', '', 'claimed, not sent', 'f', 2, ${ago(89)}),
    ('run', 'c', '', 'young', 'f', 3, ${ago(59)}), ('run', 'c', '', 'in no digest', 'f', null, ${ago(3000)})`.execute(
    db,
  );
  await sql`insert into livechat_marketo.error_kind values ('f', 'c', '', ${ago(90)}, ${ago(59)}, 4, ${ago(90)}, 1)`.execute(
    db,
  );
  expect(await clean()).toEqual({ deletedErrors: 1, deletedDigests: 1 });
  const errors = await db.selectFrom('sync_error').select(['message', 'digest_id']).orderBy('id').execute();
  expect(errors).toEqual([
    { message: 'claimed, not sent', digest_id: 2 },
    { message: 'young', digest_id: 3 },
    { message: 'in no digest', digest_id: null },
  ]);
  expect((await db.selectFrom('digest').select('id').orderBy('id').execute()).map(({ id }) => id)).toEqual([2, 3, 4]);
  expect(await db.selectFrom('error_kind').select(['count', 'told_in']).execute()).toEqual([
    { count: 4, told_in: null },
  ]);
});

test('calls, changes and runs go by their age; totals, counters, unfinished runs and each job’s last good one stay', async () => {
  await sql`insert into livechat_marketo.run (job, trigger, started_at, finished_at, outcome) values
    ('sync', 'manual', ${ago(120)}, ${ago(120)}, 'done'), ('sync', 'manual', ${ago(110)}, ${ago(110)}, 'done'),
    ('sync', 'manual', ${ago(105)}, ${ago(105)}, 'failed'), ('sync', 'manual', ${ago(104)}, null, null),
    ('digest', 'manual', ${ago(101)}, ${ago(101)}, 'done'), ('digest', 'manual', ${ago(2)}, ${ago(2)}, 'failed')`.execute(
    db,
  );
  for (const days of [21, 19]) {
    await sql`insert into livechat_marketo.marketo_call (run_id, instance, endpoint, outcome, sent_at, records, waited_ms)
      values (1, 'i', 'leads-lookup', 'ok', ${ago(days)}, 1, 0)`.execute(db);
  }
  await thread('T91', 'ready', 91);
  await thread('T89', 'ready', 89);
  await sql`update livechat_marketo.chat_thread set run_id = 1`.execute(db);
  await sql`insert into livechat_marketo.marketo_day values ('i', '2020-01-01', 5)`.execute(db);
  await sql`insert into livechat_marketo.counter values ('lcm_runs_total', '{}', 5)`.execute(db);
  expect(await clean()).toEqual({ deletedCalls: 1, deletedChanges: 1, deletedRuns: 2 });
  const runs = await db.selectFrom('run').select('id').orderBy('id').execute();
  expect(runs.map(({ id }) => id)).toEqual([2, 4, 5, 6]);
  const changes = await db.selectFrom('lead_change').select('thread_id').execute();
  expect(changes).toEqual([{ thread_id: 'T89' }]);
  expect(await db.selectFrom('marketo_day').selectAll().execute()).toHaveLength(1);
  expect(await db.selectFrom('counter').selectAll().execute()).toHaveLength(1);
});

describe('however much there is', () => {
  const many = () =>
    sql`insert into livechat_marketo.marketo_call (instance, endpoint, outcome, sent_at, records, waited_ms)
      select 'i', 'leads-lookup', 'ok', ${ago(25)}, 1, 0 from generate_series(1, 3500)`.execute(db);

  test('it goes in batches of a thousand, and every kind has its turn', async () => {
    await many();
    await thread('T', 'synced', 31);
    const left: number[] = [];
    const counts = await clean({}, async () => {
      const { n } = await db
        .selectFrom('marketo_call')
        .select((row) => row.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      left.push(n);
      return undefined;
    });
    expect(counts).toEqual({ erasedVisitors: 1, deletedCalls: 3500 });
    expect(left).toEqual([3500, 2500, 1500, 500]);
  });

  test('it stops when the lease is another’s, or at a signal, and keeps what is done', async () => {
    await many();
    let turns = 0;
    const lost = clean({}, async () => {
      turns += 1;
      if (turns === 2) throw new Error('lost');
      return undefined;
    });
    await expect(lost).rejects.toThrow('lost');
    await expect(clean({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(await clean()).toEqual({ deletedCalls: 2500 });
  });

  test('a row that another works on is left for the next time', async () => {
    await thread('busy', 'synced', 31);
    await thread('free', 'synced', 31);
    const other = await db.startTransaction().execute();
    await sql`select 1 from livechat_marketo.chat_thread where thread_id = 'busy' for update`.execute(other);
    expect(await clean()).toEqual({ erasedVisitors: 1 });
    await other.rollback().execute();
    expect(await clean()).toEqual({ erasedVisitors: 1 });
  });
});
