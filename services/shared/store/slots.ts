import { type RawBuilder, sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import { capNow } from './cap.ts';
import type { Database } from './database.ts';

/** How one process may use the slots of an instance; others may use the same slots with other numbers. */
export type SlotRule = {
  /** The Marketo instance, by its host. */
  instance: string;
  /** Calls in one window. */
  callsPerWindow: number;
  /** The window in milliseconds. */
  windowMs: number;
  /** Calls in flight. */
  concurrency: number;
  /** How long a call without an answer is held, in milliseconds: longer than the client waits for one. */
  leaseMs: number;
  /** Kept free beyond the window, in milliseconds, for a database clock that is set forward a little. */
  marginMs: number;
};

/** What came of asking for slots. */
export type Taken = {
  /** The holders that have one now, in the order in which they asked. */
  granted: string[];
  /** When asking again can help, in milliseconds; 0 where all have one. */
  waitMs: number;
  /** What there was too little of. */
  short: 'nothing' | 'rate' | 'in-flight' | 'luck';
};

/** After 606 or 615 the cap is never lowered below this many calls a window. */
const LOWEST_CAP = 10;
/**
 * Slots as rows: `callsPerWindow` of kind rate and `concurrency` of kind in-flight. A row is free when its time has
 * come, on the database's clock; taking one moves that time, so a call that never answers frees its rows by itself.
 *
 * Invariant: an attempt holds one row of each kind from before it is sent until its answer (in-flight), and until its
 * answer plus the window (rate). There are never more rows than the limits, so no process, however many there are, can
 * count wrongly; that is all there is to it. Rows above the cap of the moment are left alone.
 *
 * Every operation is one statement, and so one round trip and one transaction, and nothing is kept in the connection:
 * PgBouncer may stand between in transaction mode.
 *
 * @param clock the database's now; a test gives another.
 */
export function slotStore(db: Database, rule: SlotRule, clock: RawBuilder<Instant> = sql<Instant>`clock_timestamp()`) {
  const { instance } = rule;
  const later = (milliseconds: number) => sql<Instant>`${clock} + make_interval(secs => ${milliseconds / 1000})`;

  const configured = sql<number>`${rule.callsPerWindow}`;
  const cap = sql<number>`coalesce((select ${capNow(configured, sql<number>`${rule.windowMs}`, clock)} from limits), ${configured})`;

  /** The rows of a kind that this process may use now. Belongs into a statement that has a CTE `allowed`. */
  const usable = (kind: 'rate' | 'in-flight') =>
    db
      .selectFrom('slot')
      .where('instance', '=', instance)
      .where('kind', '=', kind)
      .where('id', '<=', kind === 'rate' ? sql<number>`(select floor(calls) from allowed)` : rule.concurrency);

  return {
    /** Makes the rows where they are missing, and writes down the rule for whoever shows it. */
    async prepare(): Promise<void> {
      const ids = (kind: 'rate' | 'in-flight', count: number) =>
        Array.from({ length: count }, (_, index) => ({
          instance,
          kind,
          id: index + 1,
          free_at: sql<Instant>`'-infinity'`,
        }));
      await db
        .insertInto('slot')
        .values([...ids('rate', rule.callsPerWindow), ...ids('in-flight', rule.concurrency)])
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const shown = {
        calls_per_window: rule.callsPerWindow,
        window_ms: rule.windowMs,
        concurrency: rule.concurrency,
        updated_at: clock,
      };
      await db
        .insertInto('limit_state')
        .values({ instance, cap: rule.callsPerWindow, ...shown })
        .onConflict((conflict) => conflict.column('instance').doUpdateSet(shown))
        .execute();
    },

    /**
     * Takes a slot for each holder, as far as there are some: both rows of it, or none.
     *
     * @param holders names nobody else uses; with them the slots are given back.
     */
    async take(holders: readonly string[]): Promise<Taken> {
      const row = await db
        .with('limits', (from) => from.selectFrom('limit_state').selectAll().where('instance', '=', instance))
        .with('allowed', (from) => from.selectNoFrom(cap.as('calls')))
        .with('pause', (from) =>
          from.selectNoFrom(
            sql<number>`coalesce((select extract(epoch from paused_until - ${clock}) * 1000 from limits), 0)`.as('ms'),
          ),
        )
        // FOR UPDATE SKIP LOCKED: two processes that ask at once are never given the same row, and never wait.
        .with('rate', () =>
          usable('rate')
            .select('id')
            .where('free_at', '<=', clock)
            .where(sql<boolean>`(select ms from pause) <= 0`)
            .orderBy('id')
            .limit(holders.length)
            .forUpdate()
            .skipLocked(),
        )
        .with('flight', () =>
          usable('in-flight')
            .select('id')
            .where('free_at', '<=', clock)
            .orderBy('id')
            .limit(holders.length)
            .forUpdate()
            .skipLocked(),
        )
        .with('pair', (from) =>
          from
            .selectFrom(
              from
                .selectFrom('rate')
                .select(['id', sql<number>`row_number() over (order by id)`.as('place')])
                .as('r'),
            )
            .innerJoin(
              from
                .selectFrom('flight')
                .select(['id', sql<number>`row_number() over (order by id)`.as('place')])
                .as('f'),
              'f.place',
              'r.place',
            )
            .select(['r.place', 'r.id as rate_id', 'f.id as flight_id']),
        )
        .with('held', (from) =>
          from
            .updateTable('slot')
            .from('pair')
            .where('instance', '=', instance)
            .where((where) =>
              where.or([
                where.and([where('kind', '=', 'rate'), where('slot.id', '=', where.ref('pair.rate_id'))]),
                where.and([where('kind', '=', 'in-flight'), where('slot.id', '=', where.ref('pair.flight_id'))]),
              ]),
            )
            .set({
              free_at: sql<Instant>`case kind when 'rate' then ${later(rule.leaseMs + rule.windowMs + rule.marginMs)} else ${later(rule.leaseMs)} end`,
              holder: sql<string>`(${[...holders]}::text[])[pair.place]`,
            })
            .returning(['kind']),
        )
        .selectNoFrom((from) => [
          from
            .selectFrom('held')
            .select((all) => all.fn.countAll<number>().as('n'))
            .where('kind', '=', 'rate')
            .as('granted'),
          from.selectFrom('pause').select('ms').as('pauseMs'),
          // As it was before this statement: what it has just taken counts as free here.
          usable('rate')
            .select((all) => all.fn.countAll<number>().as('n'))
            .where('free_at', '<=', clock)
            .as('rateFree'),
          usable('rate')
            .select(sql<number>`extract(epoch from min(free_at) - ${clock}) * 1000`.as('ms'))
            .where('free_at', '>', clock)
            .as('rateMs'),
          usable('in-flight')
            .select((all) => all.fn.countAll<number>().as('n'))
            .where('free_at', '<=', clock)
            .as('flightFree'),
        ])
        .executeTakeFirstOrThrow();
      const granted = row.granted ?? 0;
      if (granted === holders.length) return { granted: [...holders], waitMs: 0, short: 'nothing' };
      return { granted: holders.slice(0, granted), ...shortage(rule, { ...row, granted }) };
    },

    /**
     * Gives back the slot of a holder; nothing where its lease has ended and another has it by now.
     *
     * @param fate `answered`: the rate row stays held for a window from now, because that is how long Marketo may count
     *   the call; `unsent`: nothing was counted, both are free.
     */
    async giveBack(holder: string, fate: 'answered' | 'unsent'): Promise<void> {
      await db
        .updateTable('slot')
        .set({
          free_at:
            fate === 'unsent'
              ? clock
              : sql<Instant>`case kind when 'rate' then ${later(rule.windowMs + rule.marginMs)} else ${clock} end`,
          holder: null,
        })
        .where('instance', '=', instance)
        .where('holder', '=', holder)
        .execute();
    },

    /**
     * Marketo throttled a call although the slots were kept: others use the instance too. For all processes, the cap is
     * halved, at most once a window, held for a window, and grows again after that; and nothing is sent for a moment.
     */
    async throttled(): Promise<void> {
      const pause = (0.025 + 0.05 * Math.random()) * rule.windowMs;
      const due = sql<boolean>`(reduced_at is null or reduced_at <= ${later(-rule.windowMs)})`;
      await db
        .with('limits', (from) => from.selectFrom('limit_state').selectAll().where('instance', '=', instance))
        .updateTable('limit_state')
        .set({
          cap: sql<number>`case when ${due} then greatest(${Math.min(LOWEST_CAP, rule.callsPerWindow)}::float8, floor(${cap} / 2)) else cap end`,
          reduced_at: sql<Instant>`case when ${due} then ${clock} else reduced_at end`,
          paused_until: later(pause),
          updated_at: clock,
        })
        .where('instance', '=', instance)
        .execute();
    },
  };
}

type Figures = {
  granted: number;
  pauseMs: number | null;
  rateFree: number | null;
  rateMs: number | null;
  flightFree: number | null;
};

/** What to wait for, and how long. */
function shortage(rule: SlotRule, figures: Figures): Pick<Taken, 'waitMs' | 'short'> {
  const { granted, pauseMs, rateFree, rateMs, flightFree } = figures;
  if ((pauseMs ?? 0) > 0) return { short: 'rate', waitMs: Number(pauseMs) };
  if ((rateFree ?? 0) <= granted) {
    // A row that waits for its answer may come free sooner than its lease says, but never sooner than a window from now.
    return { short: 'rate', waitMs: Math.min(Number(rateMs ?? rule.windowMs), rule.windowMs) };
  }
  // An answer to another process frees its row, and nobody tells us: look again soon.
  if ((flightFree ?? 0) <= granted) return { short: 'in-flight', waitMs: 50 };
  // Another process had its hands on the free rows just now.
  return { short: 'luck', waitMs: 2 };
}
