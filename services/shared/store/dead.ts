import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';

/** Which dead threads are meant; without either, all of them. */
export type WhichDead = {
  /** The code of the error that they died of, such as `lead-refused`. */
  code?: string;
  threadIds?: readonly string[];
};

/**
 * Gives dead threads another life: they are ready again, from their first attempt on.
 *
 * @param at they are due from then on.
 * @returns how many there were.
 */
export async function replayDead(db: Database | DatabaseTransaction, which: WhichDead, at: Instant): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('chat_thread')
    .where('state', '=', 'dead')
    .where(meant(which))
    // Else it could not be delivered, nor be ready by the table's own rule.
    .where('email', 'is not', null)
    .where('visitor', 'is not', null)
    .set({ state: 'ready', attempts: 0, next_attempt_at: at, reason: null, run_id: null, updated_at: at })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/**
 * Lets dead threads rest: they are ignored, with the reason `dismissed`, until something in them changes.
 *
 * @returns how many there were.
 */
export async function dismissDead(db: Database, which: WhichDead, at: Instant): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('chat_thread')
    .where('state', '=', 'dead')
    .where(meant(which))
    .set({ state: 'ignored', reason: 'dismissed', next_attempt_at: null, updated_at: at })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** A dead thread's reason is the code of its last error, and what that was about: `lead-refused 1003 phone`. */
function meant({ code, threadIds }: WhichDead) {
  const ofCode = code === undefined ? sql`true` : sql`split_part(reason, ' ', 1) = ${code}`;
  const named = threadIds === undefined ? sql`true` : sql`thread_id = any(${[...threadIds]}::text[])`;
  return sql<boolean>`${ofCode} and ${named}`;
}
