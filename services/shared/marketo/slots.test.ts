import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSlots, type Fate, type SlotStore, type Slots } from './slots.ts';

// The schedules are long, and who waits for a place in flight looks again and again: that is no endless loop.
beforeEach(() => vi.useFakeTimers({ loopLimit: 10_000_000 }));
afterEach(() => vi.useRealTimers());

const never = new AbortController().signal;
type Rule = { callsPerWindow: number; windowMs: number; concurrency: number; leaseMs: number };

/**
 * The slots of the store, in memory and in virtual time, for thousands of schedules; that the database's answer the
 * same is held by services/shared/store/slots.test.ts and by the run of real processes.
 *
 * @param roundTrip how long the store takes to answer, in milliseconds, the way there and the way back.
 */
function virtualStore(rule: Rule, roundTrip: () => number) {
  const rows = (count: number) => Array.from({ length: count }, () => ({ freeAt: 0, holder: '' }));
  const rate = rows(rule.callsPerWindow);
  const flight = rows(rule.concurrency);
  const way = () => new Promise((resolve) => setTimeout(resolve, roundTrip()));
  let asked = 0;
  const store: SlotStore = {
    async prepare() {},
    async take(holders) {
      asked += 1;
      await way();
      const now = performance.now();
      const freeRate = rate.filter((row) => row.freeAt <= now);
      const freeFlight = flight.filter((row) => row.freeAt <= now);
      const granted = holders.slice(0, Math.min(freeRate.length, freeFlight.length));
      granted.forEach((holder, index) => {
        Object.assign(freeRate[index] ?? {}, { holder, freeAt: now + rule.leaseMs + rule.windowMs });
        Object.assign(freeFlight[index] ?? {}, { holder, freeAt: now + rule.leaseMs });
      });
      const short = freeRate.length <= granted.length ? 'rate' : 'in-flight';
      const next = Math.min(...rate.map((row) => row.freeAt).filter((at) => at > now));
      await way();
      return { granted, short, waitMs: short === 'rate' ? Math.min(next - now, rule.windowMs) : 50 };
    },
    async giveBack(holder, fate) {
      await way();
      const now = performance.now();
      for (const row of rate) {
        if (row.holder === holder)
          Object.assign(row, { holder: '', freeAt: fate === 'unsent' ? now : now + rule.windowMs });
      }
      for (const row of flight) if (row.holder === holder) Object.assign(row, { holder: '', freeAt: now });
      await way();
    },
    async throttled() {},
  };
  return { store, asked: () => asked };
}

/** A server that counts a call at the moment it arrives, and works on it for a while, also for one that has died. */
function referee(rule: Rule) {
  const arrivals: { at: number; done: number }[] = [];
  return {
    arrives: (at: number, server: number) => arrivals.push({ at, done: at + server }),
    count: () => arrivals.length,
    mostInAnyWindow: () =>
      Math.max(
        0,
        ...arrivals.map(({ at }) => arrivals.filter((other) => other.at > at - rule.windowMs && other.at <= at).length),
      ),
    mostAtOnce: () =>
      Math.max(0, ...arrivals.map(({ at }) => arrivals.filter((other) => other.at <= at && at < other.done).length)),
  };
}

const latency = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 4000 }) },
  // Stalls: a congested uplink, a server that thinks for its whole minute and a half.
  { weight: 1, arbitrary: fc.integer({ min: 5000, max: 90_000 }) },
);
const call = fc.record({
  process: fc.integer({ min: 0, max: 2 }),
  asksAt: fc.integer({ min: 0, max: 120_000 }),
  up: fc.integer({ min: 0, max: 4000 }),
  server: latency,
  down: fc.integer({ min: 0, max: 4000 }),
  /** One in twelve: its process is killed after sending, and nobody gives anything back. */
  dies: fc.integer({ min: 0, max: 11 }).map((n) => n === 0),
});

describe('never more than the limit, whatever happens', () => {
  test('three processes, adversarial latencies, stalls and crashes: two thousand schedules', async () => {
    const rule = { callsPerWindow: 8, windowMs: 20_000, concurrency: 3, leaseMs: 100_000 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 5, maxLength: 60 }),
        fc.integer({ min: 0, max: 30 }),
        async (calls, trip) => {
          const { store } = virtualStore(rule, () => trip);
          const judge = referee(rule);
          const processes: Slots[] = await Promise.all([createSlots(store), createSlots(store), createSlots(store)]);
          const ended = Promise.all(
            calls.map(async ({ process, asksAt, up, server, down, dies }) => {
              await new Promise((resolve) => setTimeout(resolve, asksAt));
              const slot = await processes[process]?.take(never);
              // The client gives up on an answer after 95 s; the server works for 90 s at the most.
              const working = Math.min(server, 90_000);
              judge.arrives(performance.now() + up, working);
              await new Promise((resolve) => setTimeout(resolve, Math.min(up + working + down, 95_000)));
              const fate: Fate = dies || up + working + down >= 95_000 ? 'unknown' : 'answered';
              await slot?.giveBack(fate);
            }),
          );
          await vi.runAllTimersAsync();
          await ended;
          expect(judge.count()).toBe(calls.length);
          expect(judge.mostInAnyWindow()).toBeLessThanOrEqual(rule.callsPerWindow);
          expect(judge.mostAtOnce()).toBeLessThanOrEqual(rule.concurrency);
        },
      ),
      { numRuns: 2000 },
    );
  }, 120_000);

  test('the referee is no fool: slots that are given back by the time of the send let more through', async () => {
    const rule = { callsPerWindow: 8, windowMs: 20_000, concurrency: 3, leaseMs: 100_000 };
    const { store } = virtualStore(rule, () => 0);
    const judge = referee(rule);
    const slots = await createSlots(store);
    const done = Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const slot = await slots.take(never);
        // Released at once, as a limiter by send time would; every other window's calls are slow on their way.
        await slot.giveBack('answered');
        judge.arrives(performance.now() + (Math.floor(index / rule.callsPerWindow) % 2 === 0 ? 15_000 : 0), 100);
      }),
    );
    await vi.runAllTimersAsync();
    await done;
    expect(judge.mostInAnyWindow()).toBeGreaterThan(rule.callsPerWindow);
  });
});

test('saturated, with calls of a quarter of a second, more than 95 % of the limit is used', async () => {
  const rule = { callsPerWindow: 100, windowMs: 20_000, concurrency: 10, leaseMs: 100_000 };
  const { store, asked } = virtualStore(rule, () => 1);
  const slots = await createSlots(store);
  const start = performance.now();
  let made = 0;
  const lanes = Promise.all(
    Array.from({ length: 10 }, async () => {
      while (performance.now() - start < 200_000) {
        const slot = await slots.take(never);
        if (performance.now() - start >= rule.windowMs) made += 1;
        await new Promise((resolve) => setTimeout(resolve, 250));
        await slot.giveBack('answered');
      }
    }),
  );
  await vi.runAllTimersAsync();
  await lanes;
  // Without the first window, whose burst the limit allows on top.
  const allowed = (200_000 / rule.windowMs - 1) * rule.callsPerWindow;
  expect(made / allowed).toBeGreaterThan(0.95);
  // And nobody hammered the database meanwhile: about one question a call.
  expect(asked()).toBeLessThan(2 * made);
});

test('a call without an answer holds its slot until its lease ends', async () => {
  const { store } = virtualStore({ callsPerWindow: 10, windowMs: 1000, concurrency: 1, leaseMs: 100_000 }, () => 0);
  const slots = await createSlots(store);
  const first = slots.take(never);
  await vi.advanceTimersByTimeAsync(10);
  await (await first).giveBack('unknown');
  const before = performance.now();
  const second = slots.take(never).then(() => performance.now());
  await vi.runAllTimersAsync();
  expect((await second) - before).toBeGreaterThanOrEqual(99_980);
});

test('who waits can leave, nobody behind them waits for ever, and what was taken for them goes back', async () => {
  const { store } = virtualStore({ callsPerWindow: 1, windowMs: 1000, concurrency: 1, leaseMs: 100_000 }, () => 5);
  const slots = await createSlots(store);
  const leaving = new AbortController();
  const left = slots.take(leaving.signal).catch(() => 'left');
  leaving.abort();
  expect(await left).toBe('left');
  const stayed = slots.take(never).then(() => 'served');
  await vi.runAllTimersAsync();
  expect(await stayed).toBe('served');
});

test('a slot that was taken too long ago says so', async () => {
  const { store } = virtualStore({ callsPerWindow: 1, windowMs: 1000, concurrency: 1, leaseMs: 100_000 }, () => 0);
  const slots = await createSlots(store);
  const taken = slots.take(never);
  await vi.runAllTimersAsync();
  const slot = await taken;
  expect(slot.isFresh()).toBe(true);
  await vi.advanceTimersByTimeAsync(5001);
  expect(slot.isFresh()).toBe(false);
});

test('a pace keeps calls of one process apart', async () => {
  const { store } = virtualStore(
    { callsPerWindow: 100, windowMs: 20_000, concurrency: 100, leaseMs: 100_000 },
    () => 0,
  );
  const slots = await createSlots(store, 750);
  const times: number[] = [];
  const done = Promise.all(
    Array.from({ length: 6 }, async () => {
      await slots.take(never);
      times.push(performance.now());
    }),
  );
  await vi.runAllTimersAsync();
  await done;
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(749);
});

test('a store that fails is told to everybody who waits, and does not end the dispatcher', async () => {
  const { store } = virtualStore({ callsPerWindow: 1, windowMs: 1000, concurrency: 1, leaseMs: 100_000 }, () => 0);
  const take = vi.spyOn(store, 'take').mockRejectedValueOnce(new Error('the database is away'));
  const slots = await createSlots(store);
  await expect(slots.take(never)).rejects.toThrow('the database is away');
  const second = slots.take(never);
  await vi.runAllTimersAsync();
  await expect(second).resolves.toBeDefined();
  expect(take).toHaveBeenCalledTimes(2);
});
