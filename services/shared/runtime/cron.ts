import { Cron } from 'croner';

/**
 * A schedule as the controller of CronJobs reads it: five fields, steps from a number on (`5/15`) among them.
 *
 * @param timeZone of the IANA list.
 * @throws where it is no schedule.
 */
export function cronOf(schedule: string, timeZone: string): Cron {
  return new Cron(schedule, { timezone: timeZone, paused: true, mode: '5-part', sloppyRanges: true });
}

/**
 * When the schedule last fell due.
 *
 * @param now milliseconds since 1970.
 * @returns milliseconds since 1970; undefined where it never did.
 */
export function lastDue(schedule: string, timeZone: string, now: number): number | undefined {
  return cronOf(schedule, timeZone).previousRuns(1, new Date(now))[0]?.getTime();
}
