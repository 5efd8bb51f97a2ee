import { expect, test } from 'vitest';
import { createRandom } from './random.ts';

test('the same seed gives the same sequence, another seed another one', () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test('integers cover both ends of their range and nothing outside it', () => {
  const random = createRandom(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.integer(3, 6)));
  expect([...seen].sort()).toEqual([3, 4, 5, 6]);
});

test('pick and chance are spread over what they are given', () => {
  const random = createRandom(2);
  expect(new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c']))).size).toBe(3);
  const hits = Array.from({ length: 4_000 }, () => random.chance(0.25)).filter(Boolean).length;
  expect(hits / 4_000).toBeCloseTo(0.25, 1);
  expect(() => random.pick([])).toThrow(RangeError);
});

test('lognormal values have the median and the 99th percentile that were asked for', () => {
  const random = createRandom(3);
  const values = Array.from({ length: 20_000 }, () => random.lognormal(200, 2_000)).sort((a, b) => a - b);
  expect(values[10_000]).toBeGreaterThan(190);
  expect(values[10_000]).toBeLessThan(210);
  expect(values[19_800]).toBeGreaterThan(1_700);
  expect(values[19_800]).toBeLessThan(2_300);
});
