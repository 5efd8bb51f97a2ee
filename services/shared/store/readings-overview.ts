import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import { DAY_AGO, type Limits, type LimitsHistory, limitsNow, readLimitsHistory } from './readings-limits.ts';
import { type CallsReading, calls, oneMoment, type RunReading, runs } from './readings-runs.ts';
import type { ThreadState } from './schema.ts';

/** What the status page's first screen tells, all of one moment. */
export type Overview = {
  /** The database's clock: every age on the page is counted from it, and every time in the tables was written by it. */
  now: Instant;
  /** How far LiveChat has been read; null before the first run's end. */
  watermark: Instant | null;
  /** The newest sync run that has not ended. */
  working: RunReading | null;
  /** The sync run that ended last; one that found another at work does not count. */
  lastEnded: RunReading | null;
  lastSuccess: RunReading | null;
  lastDigestAt: Instant | null;
  /** The newest sync runs. */
  syncRuns: RunReading[];
  ledger: Record<ThreadState, number>;
  /** Ready threads that were sent before: refused, and waiting for their next attempt. */
  retrying: number;
  /** Why threads are ignored, the most frequent reasons first. */
  ignored: { reason: string; threads: number }[];
  newErrors: NewErrors[];
  /** Calls to Marketo of the last 24 hours. */
  calls: CallsReading[];
  /** Null before the first run that called Marketo. */
  limits: (Limits & LimitsHistory) | null;
};

/** The errors of one code that no digest has carried yet. */
export type NewErrors = {
  code: string;
  errors: number;
  firstAt: Instant;
  lastAt: Instant;
  /** Of the newest one. */
  message: string;
  threadId: string | null;
};

/**
 * Reads the overview.
 *
 * @param runCount how many of the newest sync runs it names.
 */
export async function readOverview(db: Database, runCount: number): Promise<Overview> {
  return oneMoment(db, async (moment) => {
    const syncRuns = () => runs(moment).where('job', '=', 'sync');
    const latest = await syncRuns().orderBy('id', 'desc').limit(runCount).execute();
    const ended = syncRuns().where('outcome', '<>', 'skipped').orderBy('finished_at', 'desc').limit(1);
    return {
      ...(await clockAndWatermark(moment)),
      working:
        (await syncRuns().where('finished_at', 'is', null).orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null,
      lastEnded: (await ended.executeTakeFirst()) ?? null,
      lastSuccess: (await ended.where('outcome', '=', 'done').executeTakeFirst()) ?? null,
      syncRuns: latest,
      ...(await ledger(moment)),
      newErrors: await newErrors(moment),
      calls: await calls(moment).where('sent_at', '>', DAY_AGO).execute(),
      limits: await limits(moment),
    };
  });
}

async function limits(moment: DatabaseTransaction): Promise<Overview['limits']> {
  const now = await limitsNow(moment).executeTakeFirst();
  return now ? { ...now, ...(await readLimitsHistory(moment, now)) } : null;
}

async function clockAndWatermark(
  moment: DatabaseTransaction,
): Promise<Pick<Overview, 'now' | 'watermark' | 'lastDigestAt'>> {
  return moment
    .selectNoFrom((from) => [
      sql<Instant>`clock_timestamp()`.as('now'),
      from.selectFrom('watermark').select('position').where('stream', '=', 'livechat').as('watermark'),
      from
        .selectFrom('run')
        .select('finished_at')
        .where('job', '=', 'digest')
        .where('outcome', '=', 'done')
        .orderBy('finished_at', 'desc')
        .limit(1)
        .as('lastDigestAt'),
    ])
    .executeTakeFirstOrThrow();
}

async function ledger(moment: DatabaseTransaction): Promise<Pick<Overview, 'ledger' | 'retrying' | 'ignored'>> {
  // One look at the index of states and reasons serves both: it is the one reading that grows with the ledger.
  const counts = await moment
    .selectFrom('chat_thread')
    .select((row) => ['state', 'reason', row.fn.countAll<number>().as('threads')])
    .groupBy(['state', 'reason'])
    .execute();
  const { retrying } = await moment
    .selectFrom('chat_thread')
    .select((row) => row.fn.countAll<number>().as('retrying'))
    .where('state', '=', 'ready')
    .where('attempts', '>', 0)
    .executeTakeFirstOrThrow();
  const ignored = counts
    .filter(({ state }) => state === 'ignored')
    .map(({ reason, threads }) => ({ reason: reason ?? 'no reason', threads }))
    .sort((a, b) => b.threads - a.threads)
    .slice(0, 5);
  const ledger = { open: 0, ready: 0, synced: 0, ignored: 0, dead: 0 };
  for (const { state, threads } of counts) ledger[state] += threads;
  return { ledger, retrying, ignored };
}

async function newErrors(moment: DatabaseTransaction): Promise<NewErrors[]> {
  return moment
    .selectFrom('sync_error')
    .select((row) => [
      'code',
      row.fn.countAll<number>().as('errors'),
      row.fn.min('at').as('firstAt'),
      row.fn.max('at').as('lastAt'),
      sql<string>`(array_agg(message order by id desc))[1]`.as('message'),
      sql<string | null>`(array_agg(thread_id order by id desc))[1]`.as('threadId'),
    ])
    .where('digest_id', 'is', null)
    .groupBy('code')
    .orderBy('lastAt', 'desc')
    .execute();
}
