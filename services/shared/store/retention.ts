import { type RawBuilder, sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';

/**
 * What is kept for a time and then goes, each in a batch of at most `rows`; each returns how many rows it took, fewer than
 * `rows` when there is no more. A row that another transaction works on is skipped: the next batch, or the next day's,
 * takes it.
 *
 * Never touched, however old: the data of threads that are still to be delivered (open, ready), errors that no digest has
 * carried, digests that are not sent or still hold errors, the last run that each job ended well, the totals of days, the
 * counters, and the kinds of errors (there are only so many kinds).
 */
export const RETENTION_STEPS = { visitors, errors, changes, calls, runs, digests } as const;

export type RetentionStep = keyof typeof RETENTION_STEPS;

/** What goes is what is older than these. */
export type Cutoffs = Record<RetentionStep, Instant> & {
  /** Threads that ended after this are read again by every sync: their data is needed to recognise them. */
  readAgainFrom: Instant;
};

/**
 * Erases what is known of visitors. Their rows stay, with state and content hash: that is how a thread that LiveChat shows
 * once more is recognised, and not delivered again. The values in the audit trail of a thread are erased with it; which
 * field was written by which rule stays.
 *
 * A dead thread waits for a person's decision, but not for ever: it is erased as the others are, and can be dismissed then,
 * but not be replayed (`replayDead` passes it over) until LiveChat shows it with something changed.
 */
async function visitors(db: Database, before: Cutoffs, rows: number): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    // As the index chat_thread_erasable has it; the dead, who are few, are found by their state.
    const done = await erase(transaction, sql<boolean>`state in ('synced', 'ignored')`, before, rows);
    const dead = await erase(transaction, sql<boolean>`state = 'dead'`, before, rows - done.length);
    const ids = [...done, ...dead];
    await transaction
      .updateTable('lead_change')
      .set({
        changes: sql<string>`(select coalesce(jsonb_agg(change - 'from' - 'to'), '[]') from jsonb_array_elements(changes) change)`,
      })
      .where(sql<boolean>`thread_id = any(${ids}::text[])`)
      .execute();
    return ids.length;
  });
}

/** @returns the threads whose data is erased now, `rows` at most */
async function erase(
  transaction: DatabaseTransaction,
  inState: RawBuilder<boolean>,
  before: Cutoffs,
  rows: number,
): Promise<string[]> {
  const erased = await transaction
    .updateTable('chat_thread')
    .where('thread_id', 'in', (old) =>
      old
        .selectFrom('chat_thread')
        .select('thread_id')
        .where(inState)
        .where(sql<boolean>`(visitor is not null or email is not null or customer_id is not null)`)
        .where('updated_at', '<', before.visitors)
        .where(sql<boolean>`coalesce(ended_at, updated_at) < ${before.readAgainFrom}::timestamptz`)
        .orderBy('updated_at')
        .limit(rows)
        .forUpdate()
        .skipLocked(),
    )
    .set({ email: null, customer_id: null, visitor: null })
    .returning('thread_id')
    .execute();
  return erased.map(({ thread_id }) => thread_id);
}

async function errors(db: Database, before: Cutoffs, rows: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('sync_error')
    .where('id', 'in', (old) =>
      old
        .selectFrom('sync_error')
        .select('sync_error.id')
        .where('at', '<', before.errors)
        .where('digest_id', 'in', (sent) => sent.selectFrom('digest').select('id').where('state', '=', 'sent'))
        .limit(rows)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}

async function changes(db: Database, before: Cutoffs, rows: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('lead_change')
    .where('id', 'in', (old) =>
      old.selectFrom('lead_change').select('id').where('at', '<', before.changes).limit(rows).forUpdate().skipLocked(),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}

async function calls(db: Database, before: Cutoffs, rows: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('marketo_call')
    .where('id', 'in', (old) =>
      old
        .selectFrom('marketo_call')
        .select('id')
        .where('sent_at', '<', before.calls)
        .limit(rows)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}

async function runs(db: Database, before: Cutoffs, rows: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('run')
    .where('id', 'in', (old) =>
      old
        .selectFrom('run')
        .select('id')
        .where('finished_at', '<', before.runs)
        .where('id', 'not in', (good) =>
          good
            .selectFrom('run')
            .select((select) => select.fn.max('id').as('id'))
            .where('outcome', '=', 'done')
            .groupBy('job'),
        )
        .orderBy('id')
        .limit(rows)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** A digest that still holds an error stays: the error would be without a digest then, and be told once more. */
async function digests(db: Database, before: Cutoffs, rows: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('digest')
    .where('id', 'in', (old) =>
      old
        .selectFrom('digest')
        .select('id')
        .where('state', '=', 'sent')
        .where('created_at', '<', before.digests)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(selectFrom('sync_error').select('sync_error.id').whereRef('sync_error.digest_id', '=', 'digest.id')),
          ),
        )
        .limit(rows)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
