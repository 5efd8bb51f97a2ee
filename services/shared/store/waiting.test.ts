import { beforeEach, expect, test, vi } from 'vitest';
import { EXIT, Failure } from '../runtime/failure.ts';
import { createLog } from '../runtime/log.ts';
import { patiently } from './waiting.ts';

// Time passes by being slept.
vi.mock('node:timers/promises', () => ({
  setTimeout: async (milliseconds: number) => void vi.advanceTimersByTime(milliseconds),
}));
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  return () => vi.useRealTimers();
});

/** How it ended, how often it was tried, and what was told meanwhile. */
async function waited(milliseconds: number, trouble: Failure) {
  const log = createLog('test', 'silent');
  const told = vi.spyOn(log, 'warn');
  const attempt = vi.fn(async () => {
    throw trouble;
  });
  const until = performance.now() + milliseconds;
  const isEarly = ({ exitCode }: Failure) => exitCode === EXIT.tryLater;
  const { signal } = new AbortController();
  const end: unknown = await patiently(attempt, { until, isEarly, log, signal }).catch((error: unknown) => error);
  return { end, attempts: attempt.mock.calls.length, told: told.mock.calls.map(([text]) => text) };
}

test('it tries every second, tells at first and then every half minute, and ends with the last trouble', async () => {
  const away = new Failure(EXIT.tryLater, 'Away.');
  const { end, attempts, told } = await waited(70_000, away);
  expect([end, attempts]).toEqual([away, 71]);
  expect(told).toEqual([70, 40, 10].map((left) => `Away. It is tried again every second, for ${left} s at most.`));
  expect(await waited(0, away)).toEqual({ end: away, attempts: 1, told: [] });
});

test('what waiting cannot mend ends it at once', async () => {
  const refused = new Failure(EXIT.credentialsRefused, 'Refused.');
  expect(await waited(70_000, refused)).toEqual({ end: refused, attempts: 1, told: [] });
});
