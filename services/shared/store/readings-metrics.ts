import { sql } from 'kysely';
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/postgres';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';
import { COOLING } from './lease.ts';
import { type Limits, limitsNow } from './readings-limits.ts';
import type { ThreadState } from './schema.ts';

/** What /metrics needs to know; times are seconds since 1970, null where there is none yet. */
export type MetricsReading = {
  counters: { name: string; labels: Record<string, string>; value: number }[];
  ledger: { state: ThreadState; threads: number }[];
  /** When the ready thread that waits longest was first seen. */
  oldestReady: number | null;
  lastSuccess: number | null;
  /** The sync run that ended last, however it ended; one that found another at work does not count. */
  lastRun: { ended: number; seconds: number } | null;
  watermark: number | null;
  lastDigest: number | null;
  undigested: number;
  /** The leases that are held now: since when, and until when if nobody renews them. */
  leases: { name: string; since: number; until: number }[];
  /** The limits of the instance that was used last, and how far they are used now; null before the first run. */
  limits: Limits | null;
  /** When the first migration was applied. */
  installed: number | null;
};

/**
 * Reads everything that /metrics shows, as one statement: one round trip, one moment.
 *
 * @param counterNames the counters that are wanted; others stay where they are.
 */
export async function readMetrics(db: Database, counterNames: readonly string[]): Promise<MetricsReading> {
  return db
    .withTables<{ kysely_migration: { name: string; timestamp: string } }>()
    .selectNoFrom((from) => [
      jsonArrayFrom(
        from.selectFrom('counter').select(['name', 'labels', 'value']).where('name', 'in', counterNames),
      ).as('counters'),
      jsonArrayFrom(
        from
          .selectFrom('chat_thread')
          .select((row) => ['state', row.fn.countAll<number>().as('threads')])
          .groupBy('state'),
      ).as('ledger'),
      from
        .selectFrom('chat_thread')
        .select(sql<number | null>`extract(epoch from min(first_seen_at))::float8`.as('at'))
        .where('state', '=', 'ready')
        .as('oldestReady'),
      from
        .selectFrom('run')
        .select(sql<number>`extract(epoch from finished_at)::float8`.as('at'))
        .where('job', '=', 'sync')
        .where('outcome', '=', 'done')
        .orderBy('finished_at', 'desc')
        .limit(1)
        .as('lastSuccess'),
      jsonObjectFrom(
        from
          .selectFrom('run')
          .select([
            sql<number>`extract(epoch from finished_at)::float8`.as('ended'),
            sql<number>`extract(epoch from finished_at - started_at)::float8`.as('seconds'),
          ])
          .where('job', '=', 'sync')
          .where('outcome', '<>', 'skipped')
          .orderBy('finished_at', 'desc')
          .limit(1),
      ).as('lastRun'),
      from
        .selectFrom('watermark')
        .select(sql<number>`extract(epoch from position)::float8`.as('at'))
        .where('stream', '=', 'livechat')
        .as('watermark'),
      from
        .selectFrom('run')
        .select(sql<number>`extract(epoch from finished_at)::float8`.as('at'))
        .where('job', '=', 'digest')
        .where('outcome', '=', 'done')
        .orderBy('finished_at', 'desc')
        .limit(1)
        .as('lastDigest'),
      from.fn
        .coalesce(
          from
            .selectFrom('sync_error')
            .select((row) => row.fn.countAll<number>().as('errors'))
            .where('digest_id', 'is', null),
          sql.lit(0),
        )
        .as('undigested'),
      jsonArrayFrom(
        from
          .selectFrom('lease')
          .select([
            'name',
            sql<number>`extract(epoch from acquired_at)::float8`.as('since'),
            sql<number>`extract(epoch from expires_at)::float8`.as('until'),
          ])
          .where('expires_at', '>', sql<Instant>`clock_timestamp()`)
          .where('owner', '<>', COOLING),
      ).as('leases'),
      jsonObjectFrom(limitsNow(from)).as('limits'),
      from
        .selectFrom('kysely_migration')
        // Kysely writes the time as text, RFC 3339.
        .select(sql<number>`extract(epoch from timestamp::timestamptz)::float8`.as('at'))
        .orderBy('name')
        .limit(1)
        .as('installed'),
    ])
    .executeTakeFirstOrThrow();
}
