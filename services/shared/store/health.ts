import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import type { RunOutcome } from './schema.ts';

/** What goes wrong without an error being logged. */
export type SyncHealth = {
  /** The end of the last sync that was done; null where there was none yet. */
  lastSuccessAt: Instant | null;
  /** The sync that was started last, whatever became of it; null where there was none yet. */
  lastRun: { startedAt: Instant; heartbeatAt: Instant /** null while it works */; outcome: RunOutcome | null } | null;
  /** When this installation ran anything for the first time, a digest included. */
  firstRunAt: Instant | null;
  /** Up to when LiveChat has been read; null before the first sync. */
  watermark: Instant | null;
  dead: number;
  /** Those of the dead whose data was erased: they can be dismissed, and not replayed. */
  deadErased: number;
  ready: number;
  open: number;
  /** Our calls of each instance's latest day, as `2026-11-23`. */
  calls: { instance: string; day: string; calls: number }[];
  /** When the shared rate limit last made us slow down, for each instance where it did. */
  slowed: { instance: string; at: Instant }[];
};

/** How the sync is, apart from its errors. */
export async function syncHealth(db: Database | DatabaseTransaction): Promise<SyncHealth> {
  const syncs = db.selectFrom('run').where('job', '=', 'sync').orderBy('id', 'desc').limit(1);
  const success = await syncs.select('finished_at').where('outcome', '=', 'done').executeTakeFirst();
  const lastRun = await syncs
    .select(['started_at as startedAt', 'heartbeat_at as heartbeatAt', 'outcome'])
    .executeTakeFirst();
  const first = await db.selectFrom('run').select('started_at').orderBy('id').limit(1).executeTakeFirst();
  const watermark = await db
    .selectFrom('watermark')
    .select('position')
    .where('stream', '=', 'livechat')
    .executeTakeFirst();
  const threads = await db
    .selectFrom('chat_thread')
    .select((select) => [
      'state',
      select.fn.countAll<number>().as('count'),
      sql<number>`count(*) filter (where visitor is null or email is null)`.as('erased'),
    ])
    .where('state', 'in', ['dead', 'ready', 'open'])
    .groupBy('state')
    .execute();
  const inState = (state: 'dead' | 'ready' | 'open') => threads.find((row) => row.state === state)?.count ?? 0;
  return {
    lastSuccessAt: success?.finished_at ?? null,
    lastRun: lastRun ?? null,
    firstRunAt: first?.started_at ?? null,
    watermark: watermark?.position ?? null,
    dead: inState('dead'),
    deadErased: threads.find((row) => row.state === 'dead')?.erased ?? 0,
    ready: inState('ready'),
    open: inState('open'),
    calls: await latestDays(db),
    slowed: await slowedInstances(db),
  };
}

async function latestDays(db: Database | DatabaseTransaction): Promise<SyncHealth['calls']> {
  return db
    .selectFrom('marketo_day')
    .distinctOn('instance')
    .select(['instance', 'day', 'calls'])
    .orderBy('instance')
    .orderBy('day', 'desc')
    .execute();
}

async function slowedInstances(db: Database | DatabaseTransaction): Promise<SyncHealth['slowed']> {
  const rows = await db
    .selectFrom('limit_state')
    .select(['instance', 'reduced_at as at'])
    .where('reduced_at', 'is not', null)
    .orderBy('instance')
    .execute();
  return rows.flatMap(({ instance, at }) => (at === null ? [] : [{ instance, at }]));
}
