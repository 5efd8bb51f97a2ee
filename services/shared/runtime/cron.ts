import { Cron } from 'croner';

/**
 * A schedule as the controller of CronJobs reads it: five fields, among them steps from a number on (`5/15`), and steps
 * that are longer than their field (an hour has no step of 90 minutes: it starts once).
 *
 * @param timeZone of the IANA list.
 * @throws where it is no schedule.
 */
export function cronOf(schedule: string, timeZone: string): Cron {
  const fields = schedule.split(' ').map((field, at) => {
    const longest = LENGTHS[at] ?? 0;
    return field.replace(/(?<=\/)\d+/g, (step) => (Number(step) > longest ? String(longest) : step));
  });
  return new Cron(fields.join(' '), { timezone: timeZone, paused: true, mode: '5-part', sloppyRanges: true });
}

/** Minutes, hours, days, months, weekdays. */
const LENGTHS = [60, 24, 31, 12, 7];

/**
 * When the schedule last fell due.
 *
 * @param now milliseconds since 1970.
 * @returns milliseconds since 1970; undefined where it never did.
 */
export function lastDue(schedule: string, timeZone: string, now: number): number | undefined {
  return cronOf(schedule, timeZone).previousRuns(1, new Date(now))[0]?.getTime();
}
