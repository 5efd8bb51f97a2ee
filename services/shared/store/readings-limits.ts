import { type ExpressionBuilder, sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import { capNow } from './cap.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import type { Tables } from './schema.ts';

/** The limits of the Marketo instance that was used last, and how far they are used now. */
export type Limits = {
  instance: string;
  /** Calls that may be made in a window at this moment, and as configured. */
  cap: number;
  configured: number;
  windowSeconds: number;
  /** Calls that may be in flight at once. */
  concurrency: number;
  /** Slots held now: of the window, and of calls in flight. */
  rateHeld: number;
  inFlightHeld: number;
  /** Our calls of the last day of the instance on which there were some; null before the first. */
  dayCalls: number | null;
};

/** How the limits were used over time. */
export type LimitsHistory = {
  /** For every half hour of the last 24 hours with a call: the calls in its busiest window. */
  windows: { at: Instant; calls: number }[];
  /** Our calls of each of the instance's last 30 days with any, oldest first. */
  days: { day: string; calls: number }[];
};

/** The transaction's time: unlike clock_timestamp(), which is another at each row, it can be looked up in an index. */
export const DAY_AGO = sql<Instant>`now() - interval '24 hours'`;

/** The statement for the limits as they are; the caller puts it into another one, or runs it. */
export function limitsNow(from: Pick<Database, 'selectFrom'> | ExpressionBuilder<Tables, never>) {
  return from
    .selectFrom('limit_state')
    .select((row) => [
      'instance',
      capNow(sql<number>`calls_per_window`, sql<number>`window_ms`, sql<Instant>`clock_timestamp()`).as('cap'),
      'calls_per_window as configured',
      sql<number>`window_ms / 1000.0::float8`.as('windowSeconds'),
      'concurrency',
      held(row, 'rate').as('rateHeld'),
      held(row, 'in-flight').as('inFlightHeld'),
      row
        .selectFrom('marketo_day')
        .select('calls')
        .whereRef('marketo_day.instance', '=', 'limit_state.instance')
        .orderBy('day', 'desc')
        .limit(1)
        .as('dayCalls'),
    ])
    .orderBy('updated_at', 'desc')
    .limit(1);
}

/** How the limits of one instance were used over time. */
export async function readLimitsHistory(
  db: Database | DatabaseTransaction,
  { instance, windowSeconds }: Pick<Limits, 'instance' | 'windowSeconds'>,
): Promise<LimitsHistory> {
  const windows = await db
    .selectFrom(
      db
        .selectFrom('marketo_call')
        .select((row) => [
          sql<Instant>`date_bin('30 minutes', sent_at, 'epoch')`.as('at'),
          sql<number>`floor(extract(epoch from sent_at) / ${windowSeconds}::float8)`.as('window'),
          row.fn.countAll<number>().as('calls'),
        ])
        .where('instance', '=', instance)
        .where('sent_at', '>', DAY_AGO)
        .groupBy(['at', 'window'])
        .as('counted'),
    )
    .select((row) => ['at', row.fn.max('calls').as('calls')])
    .groupBy('at')
    .orderBy('at')
    .execute();
  const days = await db
    .selectFrom('marketo_day')
    .select(['day', 'calls'])
    .where('instance', '=', instance)
    .orderBy('day', 'desc')
    .limit(30)
    .execute();
  return { windows, days: days.reverse() };
}

/** How many slots of a kind are held now. */
function held(row: ExpressionBuilder<Tables, 'limit_state'>, kind: 'rate' | 'in-flight') {
  return row.fn.coalesce(
    row
      .selectFrom('slot')
      .select((slot) => slot.fn.countAll<number>().as('slots'))
      .whereRef('slot.instance', '=', 'limit_state.instance')
      .where('kind', '=', kind)
      .where('free_at', '>', sql<Instant>`clock_timestamp()`),
    sql.lit(0),
  );
}
