import { sql } from 'kysely';
import { type Instant, parseInstant } from '../runtime/instant.ts';
import type { Database } from './database.ts';
import { oneMoment } from './readings-runs.ts';
import type { ThreadState } from './schema.ts';

/** One thread as lists show it. */
export type ThreadReading = {
  threadId: string;
  email: string | null;
  state: ThreadState;
  reason: string | null;
  attempts: number;
  leadId: number | null;
  startedAt: Instant;
  updatedAt: Instant;
};

export type DeadReading = {
  /** How many are dead of each code; the most frequent first. */
  codes: { code: string; threads: number }[];
  entries: ThreadReading[];
  /** Where the next part starts (pass it as `before`); null at the end. */
  next: string | null;
};

/**
 * The dead threads, those that died last first.
 *
 * @param before where an earlier part ended (its `next`); from the start where that is nothing of ours.
 * @param code only those that died of it.
 */
export async function listDead(
  db: Database,
  before: string | undefined,
  limit: number,
  code: string | undefined,
): Promise<DeadReading> {
  const from = before === undefined ? undefined : placeOf(before);
  return oneMoment(db, async (moment) => {
    const codes = await moment
      .selectFrom('chat_thread')
      .select((row) => [diedOf.as('code'), row.fn.countAll<number>().as('threads')])
      .where('state', '=', 'dead')
      .groupBy(diedOf)
      .orderBy('threads', 'desc')
      .orderBy('code')
      .execute();
    const rows = await threads(moment)
      .where('state', '=', 'dead')
      .$if(code !== undefined, (query) => query.where(diedOf, '=', code ?? ''))
      .$if(from !== undefined, (query) =>
        query.where(sql<boolean>`(updated_at, thread_id) < (${from?.at}::timestamptz, ${from?.threadId}::text)`),
      )
      .orderBy('updated_at', 'desc')
      .orderBy('thread_id', 'desc')
      .limit(limit + 1)
      .execute();
    const entries = rows.slice(0, limit);
    const last = entries.at(-1);
    return { codes, entries, next: rows.length > limit && last ? `${last.updatedAt}~${last.threadId}` : null };
  });
}

/** The threads of one address, the newest first; at most 100. */
export async function threadsOfAddress(db: Database, address: string): Promise<ThreadReading[]> {
  return threads(db)
    .where(sql<boolean>`lower(email) = lower(${address})`)
    .orderBy('started_at', 'desc')
    .limit(100)
    .execute();
}

/** A dead thread's reason begins with the code of its last error. */
const diedOf = sql<string>`coalesce(split_part(reason, ' ', 1), '')`;

function threads(db: Pick<Database, 'selectFrom'>) {
  return db
    .selectFrom('chat_thread')
    .select([
      'thread_id as threadId',
      'email',
      'state',
      'reason',
      'attempts',
      'lead_id as leadId',
      'started_at as startedAt',
      'updated_at as updatedAt',
    ]);
}

function placeOf(text: string): { at: Instant; threadId: string } | undefined {
  const at = parseInstant(text.slice(0, text.indexOf('~')));
  return at && { at, threadId: text.slice(text.indexOf('~') + 1) };
}
