import { expect, test } from 'vitest';
import { createClock } from './clock.ts';

test('the clock starts where it is told and runs on in real time', async () => {
  const clock = createClock(new Date('2026-01-01T00:00:00Z'));
  const first = clock.now();
  expect(first).toBeGreaterThanOrEqual(Date.parse('2026-01-01T00:00:00Z'));
  expect(first).toBeLessThan(Date.parse('2026-01-01T00:00:05Z'));
  const real = Date.now();
  while (Date.now() === real) await new Promise(setImmediate);
  expect(clock.now()).toBeGreaterThan(first);
});

test('a shift moves the clock by that much, and a set puts it at that instant', () => {
  const clock = createClock();
  const before = clock.now();
  clock.shift(3_600_000);
  expect(clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
  clock.set(0);
  expect(clock.now()).toBeLessThan(5_000);
  expect(() => clock.shift(Number.NaN)).toThrow(RangeError);
});
