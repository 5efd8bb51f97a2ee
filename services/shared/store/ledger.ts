import { type Selectable, sql } from 'kysely';
import { addMilliseconds, type Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import type { ChatThreadTable, ThreadState } from './schema.ts';

/** A thread as ingest wants it filed. */
export type LedgerThread = {
  threadId: string;
  chatId: string;
  customerId: string | undefined;
  email: string | undefined;
  startedAt: Instant;
  endedAt: Instant | undefined;
  state: 'open' | 'ready' | 'ignored';
  /** Why it is ignored. */
  reason: string | undefined;
  contentHash: string;
  /** What the rules see of it, as JSON. */
  visit: object | undefined;
};

export type KnownThread = {
  state: ThreadState;
  /** Why it is ignored, or what it waits for or died of. */
  reason: string | null;
  contentHash: string;
  /** Null where nothing was read of it yet, or where it was erased. */
  visit: unknown;
};

/** A thread that deliver has taken. */
export type TakenThread = { threadId: string; email: string; endedAt: string; attempts: number; visit: unknown };

/** What the ledger holds of these threads. */
export async function knownThreads(
  db: Database | DatabaseTransaction,
  threadIds: readonly string[],
): Promise<Map<string, KnownThread>> {
  if (threadIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('chat_thread')
    .select(['thread_id', 'state', 'reason', 'content_hash', 'visitor'])
    .where(oneOf(threadIds))
    .execute();
  return new Map(
    rows.map((row) => [
      row.thread_id,
      { state: row.state, reason: row.reason, contentHash: row.content_hash, visit: row.visitor },
    ]),
  );
}

/**
 * Files threads: new ones, and those that have changed, which start again from their first attempt.
 *
 * @param at the run's instant; a ready thread is due from then on.
 */
export async function fileThreads(
  transaction: DatabaseTransaction,
  threads: readonly LedgerThread[],
  at: Instant,
): Promise<void> {
  for (let start = 0; start < threads.length; start += ROWS_AT_ONCE) {
    await fileSome(transaction, threads.slice(start, start + ROWS_AT_ONCE), at);
  }
}

/** Postgres takes no more than 65,535 parameters in a statement, and a row has fifteen. */
const ROWS_AT_ONCE = 1000;

async function fileSome(
  transaction: DatabaseTransaction,
  threads: readonly LedgerThread[],
  at: Instant,
): Promise<void> {
  await transaction
    .insertInto('chat_thread')
    .values(
      threads.map((thread) => ({
        thread_id: thread.threadId,
        chat_id: thread.chatId,
        customer_id: thread.customerId ?? null,
        email: thread.email ?? null,
        started_at: thread.startedAt,
        ended_at: thread.endedAt ?? null,
        state: thread.state,
        next_attempt_at: thread.state === 'ready' ? at : null,
        content_hash: thread.contentHash,
        visitor: thread.visit === undefined ? null : JSON.stringify(thread.visit),
        reason: thread.reason ?? null,
        lead_id: null,
        first_seen_at: at,
        updated_at: at,
        run_id: null,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('thread_id').doUpdateSet((row) => ({
        customer_id: row.ref('excluded.customer_id'),
        email: row.ref('excluded.email'),
        ended_at: row.ref('excluded.ended_at'),
        state: row.ref('excluded.state'),
        attempts: 0,
        next_attempt_at: row.ref('excluded.next_attempt_at'),
        content_hash: row.ref('excluded.content_hash'),
        visitor: row.ref('excluded.visitor'),
        reason: row.ref('excluded.reason'),
        updated_at: row.ref('excluded.updated_at'),
        run_id: null,
      })),
    )
    .execute();
}

/**
 * Writes down what has changed in threads without any need to decide about them again: their content, and no more.
 */
export async function refreshThreads(
  transaction: DatabaseTransaction,
  threads: readonly LedgerThread[],
): Promise<void> {
  if (threads.length === 0) return;
  const ids = threads.map(({ threadId }) => threadId);
  const hashes = threads.map(({ contentHash }) => contentHash);
  const visits = threads.map(({ visit }) => JSON.stringify(visit ?? null));
  await transaction
    .updateTable('chat_thread')
    .from(
      sql<{
        id: string;
        hash: string;
        visit: string;
      }>`unnest(${ids}::text[], ${hashes}::text[], ${visits}::jsonb[])`.as<'refreshed'>(
        sql`refreshed(id, hash, visit)`,
      ),
    )
    .whereRef('chat_thread.thread_id', '=', 'refreshed.id')
    .set((row) => ({ content_hash: row.ref('refreshed.hash'), visitor: row.ref('refreshed.visit') }))
    .execute();
}

/** The threads of these customers (LiveChat's ids) that are ignored for the only reason that they have no address. */
export async function threadsWithoutAddress(
  transaction: DatabaseTransaction,
  customerIds: readonly string[],
): Promise<(Omit<LedgerThread, 'state' | 'reason' | 'email' | 'visit'> & { visit: unknown })[]> {
  const rows = await transaction
    .selectFrom('chat_thread')
    .select(['thread_id', 'chat_id', 'customer_id', 'started_at', 'ended_at', 'content_hash', 'visitor'])
    .where('state', '=', 'ignored')
    .where('reason', '=', 'no-address')
    .where(sql<boolean>`customer_id = any(${[...customerIds]}::text[])`)
    .execute();
  return rows.map((row) => ({
    threadId: row.thread_id,
    chatId: row.chat_id,
    customerId: row.customer_id ?? undefined,
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
    contentHash: row.content_hash,
    visit: row.visitor,
  }));
}

/** The addresses under which threads of these customers (LiveChat's ids) are delivered, the earliest thread first. */
export async function addressesOfCustomers(
  transaction: DatabaseTransaction,
  customerIds: readonly string[],
): Promise<{ customerId: string; email: string; startedAt: Instant }[]> {
  const rows = await transaction
    .selectFrom('chat_thread')
    .select(['customer_id', 'email', 'started_at'])
    .where(sql<boolean>`customer_id = any(${[...customerIds]}::text[])`)
    .where('state', 'in', ['ready', 'synced'])
    .where('email', 'is not', null)
    .orderBy('started_at')
    .execute();
  return rows.flatMap(({ customer_id: customerId, email, started_at: startedAt }) =>
    customerId === null || email === null ? [] : [{ customerId, email, startedAt }],
  );
}

/** How many threads have begun since an instant, and the groups that they were in; of those whose content is not erased. */
export async function groupsSeen(db: Database, since: Instant): Promise<{ threads: number; groupIds: number[] }> {
  const begun = db.selectFrom('chat_thread').where('started_at', '>=', since).where('visitor', 'is not', null);
  const { threads } = await begun.select((row) => row.fn.countAll<number>().as('threads')).executeTakeFirstOrThrow();
  const groups = await begun
    .select(sql<number>`jsonb_array_elements(visitor -> 'thread' -> 'groupIds')`.as('id'))
    .distinct()
    .execute();
  return { threads, groupIds: groups.map(({ id }) => id) };
}

/** The threads that were still going on when they were last seen. */
export async function openThreads(db: Database): Promise<{ threadId: string; chatId: string }[]> {
  const rows = await db
    .selectFrom('chat_thread')
    .select(['thread_id', 'chat_id'])
    .where('state', '=', 'open')
    .orderBy('started_at')
    .execute();
  return rows.map((row) => ({ threadId: row.thread_id, chatId: row.chat_id }));
}

/** Closes open threads that LiveChat no longer shows: deleted or anonymised (`gone`), or in no group of the token's (`hidden`). */
export async function markUnseen(
  db: Database,
  threadIds: readonly string[],
  reason: 'gone' | 'hidden',
  at: Instant,
): Promise<void> {
  if (threadIds.length === 0) return;
  await db
    .updateTable('chat_thread')
    .set({ state: 'ignored', reason, updated_at: at })
    .where(oneOf(threadIds))
    .where('state', '=', 'open')
    .execute();
}

/**
 * The addresses, in lower case, that have a thread which is due and which this run has not taken yet, the longest
 * waiting first.
 *
 * @param runId undefined for whoever takes none.
 * @param at the run's instant.
 */
export async function dueAddresses(
  db: Database,
  runId: number | undefined,
  at: Instant,
  most: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('chat_thread')
    .select((row) => [sql<string>`lower(email)`.as('address'), row.fn.min('ended_at').as('first')])
    .where('state', '=', 'ready')
    .where('next_attempt_at', '<=', at)
    .$if(runId !== undefined, (query) => query.where('run_id', 'is distinct from', runId ?? null))
    .groupBy(sql`lower(email)`)
    .orderBy('first')
    .orderBy('address')
    .limit(most)
    .execute();
  return rows.map((row) => row.address);
}

/**
 * Takes the ready threads of these addresses: all of an address together, so that no two writes to one lead are ever in
 * flight, and an address whose thread is due brings its waiting ones along. Attempts are counted here, before anything is
 * sent: a row that kills the process still reaches its last one.
 *
 * A run takes a row once: rows that it gives up on wait for the next run.
 *
 * @param addresses in lower case.
 * @returns the threads, oldest first.
 */
export async function takeReady(
  db: Database,
  runId: number,
  at: Instant,
  addresses: readonly string[],
): Promise<TakenThread[]> {
  const rows = await db
    .updateTable('chat_thread')
    .where('thread_id', 'in', (taken) =>
      taken
        .selectFrom('chat_thread')
        .select('thread_id')
        .where('state', '=', 'ready')
        .where(sql<boolean>`lower(email) = any(${[...addresses]}::text[])`)
        .where('run_id', 'is distinct from', runId)
        .forUpdate()
        .skipLocked(),
    )
    .set((row) => ({ attempts: row('chat_thread.attempts', '+', 1), run_id: runId, updated_at: at }))
    .returning(['thread_id', 'email', 'attempts', 'visitor', 'ended_at'])
    .execute();
  return oldestFirst(rows);
}

type ReadyRow = Pick<Selectable<ChatThreadTable>, 'thread_id' | 'email' | 'attempts' | 'visitor' | 'ended_at'>;

function oldestFirst(rows: readonly ReadyRow[]): TakenThread[] {
  return rows
    .map((row) => ({
      threadId: row.thread_id,
      email: row.email ?? '',
      endedAt: row.ended_at ?? '',
      attempts: row.attempts,
      visit: row.visitor,
    }))
    .sort((a, b) => (a.endedAt + a.threadId < b.endedAt + b.threadId ? -1 : 1));
}

/** The ready threads of these addresses (in lower case), due or waiting, without taking them; oldest first. */
export async function peekReady(db: Database, addresses: readonly string[]): Promise<TakenThread[]> {
  const rows = await db
    .selectFrom('chat_thread')
    .select(['thread_id', 'email', 'attempts', 'visitor', 'ended_at'])
    .where('state', '=', 'ready')
    .where(sql<boolean>`lower(email) = any(${[...addresses]}::text[])`)
    .execute();
  return oldestFirst(rows);
}

/**
 * Threads that were delivered before and are later than one that was taken, of the same address: when an older thread
 * changes (a late rating), what is known from the newer ones must not be taken back.
 *
 * @returns oldest first; none whose content has been erased.
 */
export async function laterThreads(
  db: Database,
  taken: readonly TakenThread[],
): Promise<{ email: string; endedAt: string; visit: unknown }[]> {
  const [oldest] = taken;
  if (!oldest) return [];
  const addresses = [...new Set(taken.map(({ email }) => email.toLowerCase()))];
  const rows = await db
    .selectFrom('chat_thread')
    .select(['email', 'ended_at', 'visitor'])
    .where('state', '=', 'synced')
    .where('visitor', 'is not', null)
    .where(sql<boolean>`lower(email) = any(${addresses}::text[])`)
    .where(sql<boolean>`ended_at > ${oldest.endedAt}::timestamptz`)
    .orderBy('ended_at')
    .execute();
  return rows.map((row) => ({ email: row.email ?? '', endedAt: row.ended_at ?? '', visit: row.visitor }));
}

/** Writes down that threads were delivered to their leads. */
export async function markSynced(
  transaction: DatabaseTransaction,
  runId: number,
  threads: readonly { threadId: string; leadId: number }[],
  at: Instant,
): Promise<void> {
  if (threads.length === 0) return;
  const ids = threads.map((thread) => thread.threadId);
  const leads = threads.map((thread) => thread.leadId);
  await transaction
    .updateTable('chat_thread')
    .from(
      sql<{ id: string; lead: number }>`unnest(${ids}::text[], ${leads}::bigint[])`.as<'delivered'>(
        sql`delivered(id, lead)`,
      ),
    )
    .whereRef('chat_thread.thread_id', '=', 'delivered.id')
    .where('chat_thread.run_id', '=', runId)
    .where('chat_thread.state', '=', 'ready')
    .set((row) => ({
      state: 'synced' as const,
      lead_id: row.ref('delivered.lead'),
      next_attempt_at: null,
      reason: null,
      updated_at: at,
    }))
    .execute();
}

/**
 * Writes down that Marketo refused threads: each waits longer than the time before, or is dead after its last attempt.
 *
 * @returns the threads that are dead now.
 */
export async function markRefused(
  transaction: DatabaseTransaction,
  runId: number,
  threads: readonly { threadId: string; attempts: number; reason: string }[],
  at: Instant,
  maxAttempts: number,
): Promise<string[]> {
  if (threads.length === 0) return [];
  const rows = threads.map((thread) => {
    const last = thread.attempts >= maxAttempts;
    const next = last ? null : addMilliseconds(at, delayAfter(thread.attempts));
    return { id: thread.threadId, state: last ? 'dead' : 'ready', next, reason: thread.reason };
  });
  const ids = rows.map(({ id }) => id);
  const states = rows.map(({ state }) => state);
  const nexts = rows.map(({ next }) => next);
  const reasons = rows.map(({ reason }) => reason);
  await transaction
    .updateTable('chat_thread')
    .from(
      sql<{
        id: string;
        state: 'dead' | 'ready';
        next: Instant | null;
        reason: string;
      }>`unnest(${ids}::text[], ${states}::text[], ${nexts}::timestamptz[], ${reasons}::text[])`.as<'refused'>(
        sql`refused(id, state, next, reason)`,
      ),
    )
    .whereRef('chat_thread.thread_id', '=', 'refused.id')
    .where('chat_thread.run_id', '=', runId)
    .set((row) => ({
      state: row.ref('refused.state'),
      next_attempt_at: row.ref('refused.next'),
      reason: row.ref('refused.reason'),
      updated_at: at,
    }))
    .execute();
  return rows.filter(({ state }) => state === 'dead').map(({ id }) => id);
}

/**
 * Gives threads back untried, because a whole call failed, or the run was stopped: that attempt was not theirs.
 *
 * @param at the run's instant; they are due from then on.
 */
export async function giveBack(db: Database, runId: number, threadIds: readonly string[], at: Instant): Promise<void> {
  if (threadIds.length === 0) return;
  await db
    .updateTable('chat_thread')
    .set((row) => ({ attempts: row('attempts', '-', 1), next_attempt_at: at, run_id: null }))
    .where(oneOf(threadIds))
    .where('run_id', '=', runId)
    .where('state', '=', 'ready')
    .execute();
}

/** 1, 2, 4, 8 and then 24 hours; five minutes less, so that an hourly schedule does not just miss them. */
function delayAfter(attempts: number): number {
  const hours = attempts <= 4 ? 2 ** (attempts - 1) : 24;
  return hours * 3_600_000 - 300_000;
}

/** One parameter, however many there are: Postgres takes no more than 65,535 in a statement. */
function oneOf(threadIds: readonly string[]) {
  return sql<boolean>`thread_id = any(${[...threadIds]}::text[])`;
}
