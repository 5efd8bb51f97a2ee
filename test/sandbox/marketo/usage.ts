import type { Clock } from '../clock.ts';

/** Calls and errors by day, as the stats endpoints show them. */
export type Usage = {
  /** Counts a call of an API user on today's account; the result takes it back (for codes that do not count). */
  count(user: string): () => void;
  /** Counts an error of today. */
  countError(code: string): void;
  /** Today's calls, of all users. */
  today(): number;
  /** The elements of stats/usage.json for so many days, the earliest first, today last. */
  calls(days: number): unknown[];
  /** The elements of stats/errors.json for so many days, the earliest first, today last. */
  errors(days: number): unknown[];
  clear(): void;
};

/**
 * Keeps the day's account. Marketo's days begin at "12:00 AM CST"; whether that follows daylight saving is not said, so days
 * are those of America/Chicago on the sandbox clock.
 *
 * @param clock the sandbox clock
 */
export function createUsage(clock: Clock): Usage {
  const callsByDay = new Map<string, Map<string, number>>();
  const errorsByDay = new Map<string, Map<string, number>>();

  return {
    count(user) {
      const day = today(clock);
      add(callsByDay, day, user, 1);
      return () => add(callsByDay, day, user, -1);
    },
    countError: (code) => add(errorsByDay, today(clock), code, 1),
    today: () => sum(callsByDay.get(today(clock))),
    calls: (days) =>
      lastDays(clock, days).map((date) => ({
        date,
        total: sum(callsByDay.get(date)),
        users: entries(callsByDay.get(date)).map(([userId, count]) => ({ userId, count })),
      })),
    errors: (days) =>
      lastDays(clock, days).map((date) => ({
        date,
        total: sum(errorsByDay.get(date)),
        errors: entries(errorsByDay.get(date)).map(([errorCode, count]) => ({ errorCode, count })),
      })),
    clear() {
      callsByDay.clear();
      errorsByDay.clear();
    },
  };
}

const CENTRAL = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Chicago',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

function today(clock: Clock): string {
  return CENTRAL.format(clock.now());
}

/** Counting back from a day's noon in UTC cannot slip over a change of clocks. */
function lastDays(clock: Clock, days: number): string[] {
  const noon = Date.parse(`${today(clock)}T12:00:00Z`);
  return Array.from({ length: days }, (_, index) =>
    new Date(noon - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  );
}

function add(byDay: Map<string, Map<string, number>>, day: string, key: string, by: number): void {
  const counts = byDay.get(day) ?? new Map<string, number>();
  counts.set(key, (counts.get(key) ?? 0) + by);
  byDay.set(day, counts);
}

function entries(counts: Map<string, number> | undefined): [string, number][] {
  return [...(counts ?? [])].filter(([, count]) => count > 0);
}

function sum(counts: Map<string, number> | undefined): number {
  return entries(counts).reduce((total, [, count]) => total + count, 0);
}
