import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memorySlots } from './slots.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const never = new AbortController().signal;

test('whatever the latencies, no window at the server holds more calls than allowed, nor more in flight', async () => {
  const latency = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.integer({ min: 0, max: 3000 }),
    fc.integer({ min: 0, max: 40_000 }),
  );
  const call = fc.record({
    up: latency,
    server: latency,
    down: latency,
    answered: fc.integer({ min: 0, max: 19 }).map((n) => n > 0),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 120 }), async (calls) => {
      const limits = { callsPerWindow: 10, windowMs: 20_000, concurrency: 4 };
      const slots = memorySlots({ ...limits, leaseMs: 130_000 });
      const counted: number[] = [];
      const working: { from: number; to: number }[] = [];
      const done = Promise.all(
        calls.map(async ({ up, server, down, answered }) => {
          const slot = await slots.take(never);
          const sent = performance.now();
          counted.push(sent + up);
          working.push({ from: sent + up, to: sent + up + server });
          await new Promise((resolve) => setTimeout(resolve, up + server + down));
          await slot.giveBack(answered ? 'answered' : 'unknown');
        }),
      );
      await vi.runAllTimersAsync();
      await done;
      for (const at of counted) {
        const inWindow = counted.filter((other) => other > at - limits.windowMs && other <= at).length;
        expect(inWindow).toBeLessThanOrEqual(limits.callsPerWindow);
        const inFlight = working.filter(({ from, to }) => from <= at && at < to).length;
        expect(inFlight).toBeLessThanOrEqual(limits.concurrency);
      }
    }),
    { numRuns: 300 },
  );
});

test('a call without an answer holds its slot until its lease ends', async () => {
  const slots = memorySlots({ callsPerWindow: 10, windowMs: 1000, concurrency: 1, leaseMs: 100_000 });
  await (await slots.take(never)).giveBack('unknown');
  const second = slots.take(never).then(() => performance.now());
  const before = performance.now();
  await vi.runAllTimersAsync();
  expect((await second) - before).toBeGreaterThanOrEqual(100_000 - 5);
});

test('who waits can leave, and nobody behind them waits for ever', async () => {
  const slots = memorySlots({ callsPerWindow: 1, windowMs: 1000, concurrency: 1 });
  const first = await slots.take(never);
  const leaving = new AbortController();
  const left = slots.take(leaving.signal).catch(() => 'left');
  const stayed = slots.take(never).then(() => 'served');
  leaving.abort();
  expect(await left).toBe('left');
  await first.giveBack('answered');
  await vi.runAllTimersAsync();
  expect(await stayed).toBe('served');
});
