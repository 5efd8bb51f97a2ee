import { expect, test } from 'vitest';
import { cronOf, lastDue } from './cron.ts';

const last = (schedule: string, timeZone: string, now: string) => {
  const due = lastDue(schedule, timeZone, Date.parse(now));
  return due === undefined ? undefined : new Date(due).toISOString();
};

test.each([
  // Every day, in the schedule's own zone, also where its clock is set.
  ['5 7 * * *', 'Etc/UTC', '2026-11-23T07:05:01Z', '2026-11-23T07:05:00.000Z'],
  ['5 7 * * *', 'Etc/UTC', '2026-11-23T07:04:59Z', '2026-11-22T07:05:00.000Z'],
  ['5 7 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-28T06:05:00.000Z'],
  ['5 7 * * *', 'Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-29T05:05:00.000Z'],
  ['5 7 * * *', 'America/New_York', '2026-11-01T23:00:00Z', '2026-11-01T12:05:00.000Z'],
  // On working days, once a week, every second minute.
  ['5 7 * * 1-5', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-20T07:05:00.000Z'],
  ['5 7 * * MON', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-16T07:05:00.000Z'],
  ['*/2 * * * *', 'Etc/UTC', '2026-11-22T12:03:30Z', '2026-11-22T12:02:00.000Z'],
  // The controller reads these too.
  ['5/15 * * * *', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-22T11:50:00.000Z'],
  ['*/90 * * * *', 'Etc/UTC', '2026-11-22T12:59:00Z', '2026-11-22T12:00:00.000Z'],
  ['5 7 ? * 0,mon/5', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-22T07:05:00.000Z'],
  ['5 7 */40 * 1', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-16T07:05:00.000Z'],
  ['@daily', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-22T00:00:00.000Z'],
  ['@midnight', 'Etc/UTC', '2026-11-22T12:00:00Z', '2026-11-22T00:00:00.000Z'],
  ['0 7 29 2 *', 'Etc/UTC', '2026-11-22T12:00:00Z', '2024-02-29T07:00:00.000Z'],
])('%s in %s, at %s, was last due at %s', (schedule, timeZone, now, expected) => {
  expect(last(schedule, timeZone, now)).toBe(expected);
});

test('a day that never comes was never due', () => {
  expect(last('0 7 31 2 *', 'Etc/UTC', '2026-11-22T12:00:00Z')).toBeUndefined();
});

test('what is no schedule is refused', () => {
  for (const text of ['every day', '7 * * *', '0 0 7 * * *', '61 * * * *', '@reboot'])
    expect(() => cronOf(text, 'Etc/UTC'), text).toThrow();
});
