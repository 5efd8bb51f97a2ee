import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addMilliseconds, instantOf, millisecondsOf, parseInstant } from './instant.ts';

test('microseconds survive, whatever the offset and the number of decimals', () => {
  expect(parseInstant('2026-11-23T14:07:11.383001Z')).toBe('2026-11-23T14:07:11.383001Z');
  expect(parseInstant('2026-11-23T15:07:11.383001+01:00')).toBe('2026-11-23T14:07:11.383001Z');
  expect(parseInstant('2026-11-23 14:07:11.38+00')).toBe('2026-11-23T14:07:11.380000Z');
  expect(parseInstant('2026-11-23T14:07:11Z')).toBe('2026-11-23T14:07:11.000000Z');
  expect(parseInstant('2026-11-23 19:37:11.5+05:30')).toBe('2026-11-23T14:07:11.500000Z');
});

test('decimals beyond the sixth are cut, so that a window never starts too late', () => {
  expect(parseInstant('2026-11-23T14:07:11.999999999Z')).toBe('2026-11-23T14:07:11.999999Z');
});

test('what is not a time with an offset is not an instant', () => {
  for (const text of [
    '',
    'now',
    '2026-11-23',
    '2026-11-23T14:07:11',
    '2026-13-01T00:00:00Z',
    '2026-02-31T00:00:00Z',
    '1700000000',
  ]) {
    expect(parseInstant(text), text).toBeUndefined();
  }
});

test('instants compare as text exactly as they do as times, and moving one there and back changes nothing', () => {
  const micros = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
  const instant = (value: number) => {
    const text = instantOf(Math.floor(value / 1000));
    return parseInstant(text.replace(/000Z$/, `${String(value % 1000).padStart(3, '0')}Z`)) ?? text;
  };
  fc.assert(
    fc.property(micros, micros, fc.integer({ min: -1e9, max: 1e9 }), (a, b, by) => {
      expect(instant(a) < instant(b)).toBe(a < b);
      expect(addMilliseconds(addMilliseconds(instant(a), by), -by)).toBe(instant(a));
      expect(millisecondsOf(instant(a))).toBe(Math.floor(a / 1000));
    }),
  );
});
