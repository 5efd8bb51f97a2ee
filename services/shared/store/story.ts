import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';
import type { ThreadState } from './schema.ts';

/** Everything that is known of one thread. */
export type ThreadStory = {
  thread: {
    threadId: string;
    chatId: string;
    email: string | null;
    startedAt: Instant;
    endedAt: Instant | null;
    state: ThreadState;
    reason: string | null;
    attempts: number;
    nextAttemptAt: Instant | null;
    leadId: number | null;
    firstSeenAt: Instant;
    updatedAt: Instant;
    /** Null where nothing was read of it yet, or where it was erased. */
    visit: unknown;
  };
  /** What was written for it, oldest first; `threadId` is the thread that it is kept under. */
  changes: {
    at: Instant;
    runId: number;
    threadId: string;
    leadId: number | null;
    action: string;
    changes: unknown;
  }[];
  /** What went wrong with it, oldest first; `threadId` as above. */
  errors: { at: Instant; runId: number | null; threadId: string | null; code: string; message: string }[];
};

/**
 * The story of one thread; undefined where the ledger does not have it.
 *
 * Threads of one visitor that are delivered together are one write, which is kept under the last of them. So what the run
 * that took the thread last wrote to its lead is told too, and what went wrong in that run with the threads of its address;
 * of earlier runs, what is kept under the thread itself. Nothing of it is kept twice: what is erased or forgotten there is
 * gone from here.
 */
export async function readThreadStory(db: Database, threadId: string): Promise<ThreadStory | undefined> {
  const found = await db
    .selectFrom('chat_thread')
    .select([
      'thread_id as threadId',
      'chat_id as chatId',
      'email',
      'started_at as startedAt',
      'ended_at as endedAt',
      'state',
      'reason',
      'attempts',
      'next_attempt_at as nextAttemptAt',
      'lead_id as leadId',
      'first_seen_at as firstSeenAt',
      'updated_at as updatedAt',
      'visitor as visit',
      'run_id as runId',
    ])
    .where('thread_id', '=', threadId)
    .executeTakeFirst();
  if (!found) return undefined;
  const { runId, ...thread } = found;
  const changes = await db
    .selectFrom('lead_change')
    .select(['at', 'run_id as runId', 'thread_id as threadId', 'lead_id as leadId', 'action', 'changes'])
    .where((row) =>
      row.or([
        row('thread_id', '=', threadId),
        // Without a run or a lead, neither of these is ever true.
        row.and([row('run_id', '=', runId), row('lead_id', '=', thread.leadId)]),
      ]),
    )
    .orderBy('id')
    .execute();
  const errors = await db
    .selectFrom('sync_error')
    .select(['at', 'run_id as runId', 'thread_id as threadId', 'code', 'message'])
    .where((row) =>
      row.or([
        row('thread_id', '=', threadId),
        row.and([
          row('run_id', '=', runId),
          row('code', '!=', 'thread-dead'),
          row('thread_id', 'in', (together) =>
            together
              .selectFrom('chat_thread')
              .select('thread_id')
              .where('run_id', '=', runId)
              .where(sql<boolean>`lower(email) = lower(${thread.email}::text)`),
          ),
        ]),
      ]),
    )
    .orderBy('id')
    .execute();
  return { thread, changes, errors };
}
