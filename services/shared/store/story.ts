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
  /** What was written for it, oldest first. */
  changes: { at: Instant; runId: number; leadId: number | null; action: string; changes: unknown }[];
  /** What went wrong with it, oldest first. */
  errors: { at: Instant; runId: number | null; code: string; message: string }[];
};

/** The story of one thread; undefined where the ledger does not have it. */
export async function readThreadStory(db: Database, threadId: string): Promise<ThreadStory | undefined> {
  const thread = await db
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
    ])
    .where('thread_id', '=', threadId)
    .executeTakeFirst();
  if (!thread) return undefined;
  const changes = await db
    .selectFrom('lead_change')
    .select(['at', 'run_id as runId', 'lead_id as leadId', 'action', 'changes'])
    .where('thread_id', '=', threadId)
    .orderBy('id')
    .execute();
  const errors = await db
    .selectFrom('sync_error')
    .select(['at', 'run_id as runId', 'code', 'message'])
    .where('thread_id', '=', threadId)
    .orderBy('id')
    .execute();
  return { thread, changes, errors };
}
