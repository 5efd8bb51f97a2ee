/** A seeded source of chance: the same seed gives the same sandbox, run after run. */
export type Random = {
  /** A number from 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number;
  /** One element of a list. Throws RangeError for an empty one. */
  pick<T>(list: readonly T[]): T;
  /** True with probability p (0 to 1). */
  chance(p: number): boolean;
  /** Milliseconds, log-normally distributed, half of them below medianMs and 99 % below p99Ms. */
  lognormal(medianMs: number, p99Ms: number): number;
};

/**
 * Creates a seeded random source (mulberry32: 32 bits of state, good enough for test data, and the same on every machine).
 *
 * @param seed any number; its lower 32 bits count
 * @returns the source; each call of one of its functions moves it on
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  return {
    next,
    integer: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick(list) {
      const item = list[Math.floor(next() * list.length)];
      if (item === undefined) throw new RangeError('Nothing can be picked from an empty list.');
      return item;
    },
    chance: (p) => next() < p,
    lognormal: (medianMs, p99Ms) =>
      Math.exp(Math.log(medianMs) + (Math.log(p99Ms / medianMs) / NORMAL_P99) * standardNormal(next)),
  };
}

/** The standard normal distribution has 99 % of its mass below this value. */
const NORMAL_P99 = 2.3263478740408408;

/** Box and Muller's transform; 1 - next() keeps the logarithm away from zero. */
function standardNormal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
