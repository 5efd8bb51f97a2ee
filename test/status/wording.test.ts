import { expect, test } from 'vitest';
import { addMilliseconds, instantOf } from '../../services/shared/runtime/instant.ts';
import { conceal } from '../../services/status/conceal.ts';
import { ago, clock, counted, inWords, shortClock, took } from '../../services/status/wording.ts';

const now = instantOf(Date.UTC(2026, 10, 23, 14, 19, 30));
const minute = 60_000;

test('a span of time is told in its largest unit, and never rounded up', () => {
  expect(
    [999, 1000, 59_999, minute, 60 * minute - 1, 60 * minute, 47 * 60 * minute, 48 * 60 * minute].map(inWords),
  ).toEqual(['0 seconds', '1 second', '59 seconds', '1 minute', '59 minutes', '1 hour', '1 day', '2 days']);
  expect(ago(now, now)).toBe('just now');
  // The clocks of two machines differ by a little: what seems to lie ahead was just now.
  expect(ago(addMilliseconds(now, 3000), now)).toBe('just now');
});

test('how long a run took is told short', () => {
  const after = (milliseconds: number) => took(now, addMilliseconds(now, milliseconds));
  expect([400, 9900, 48_000, 2 * minute, 125_000, 80 * minute, 120 * minute, -5].map(after)).toEqual([
    '0.4 s',
    '9.9 s',
    '48 s',
    '2 min',
    '2 min 5 s',
    '1 h 20 min',
    '2 h',
    '0.0 s',
  ]);
});

test('a time says its day, and its year, where they are not the present ones', () => {
  expect(clock(addMilliseconds(now, -15 * minute), now)).toBe('14:04 UTC');
  expect(shortClock(addMilliseconds(now, -24 * 60 * minute), now)).toBe('22 Nov, 14:19');
  expect(shortClock(addMilliseconds(now, -365 * 24 * 60 * minute), now)).toBe('23 Nov 2025, 14:19');
});

test('numbers are told with their noun and with their thousands set apart', () => {
  expect([0, 1, 2, 1200].map((number) => counted(number, 'new error'))).toEqual([
    '0 new errors',
    '1 new error',
    '2 new errors',
    '1,200 new errors',
  ]);
});

test('every mail address in a text is masked, and nothing else', () => {
  expect(conceal('<a.b+c@mail.example.com>, "Zoe@example.org". Call 3 @ 14:07, user@localhost')).toBe(
    '<a•••@mail.example.com>, "Z•••@example.org". Call 3 @ 14:07, user@localhost',
  );
});
