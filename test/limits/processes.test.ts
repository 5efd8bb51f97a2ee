import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { readMetrics } from '../../services/shared/store/readings-metrics.ts';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';

const { db, url } = await testDatabase();

test('three processes, one of them killed in the middle of its calls and replaced, never pass a limit', async () => {
  const limits = { callsPerWindow: 60, windowMs: 2000, concurrency: 6 };
  const sandbox = await startSandbox({ marketo: { limits: { ...limits, dailyCalls: 1_000_000 } } });
  onTestFinished(() => sandbox.close());
  // Half of the calls are quick, some take as long as half the window.
  sandbox.faults.setLatency('marketo', { kind: 'lognormal', medianMs: 60, p99Ms: 900 });
  const start = (forMs: number) => {
    const argument = JSON.stringify({
      databaseUrl: url,
      marketo: sandbox.index().marketo,
      // The lease is longer than the referee works on any call, as 100 s is than Marketo's 90 s.
      rule: { instance: 'referee', ...limits, leaseMs: 6000, marginMs: 20 },
      lanes: 6,
      forMs,
    });
    const child = spawn(process.execPath, ['test/limits/caller.ts', argument], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return { child, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
  };

  const [first, second, third] = [start(14_000), start(14_000), start(14_000)];
  while (sandbox.marketo.report().calls < 90) await sleep(20);
  third.child.kill('SIGKILL');
  await third.ended;
  // Its calls are still being worked on, and their slots still held.
  const held = await db
    .selectFrom('slot')
    .select('holder')
    .where('kind', '=', 'in-flight')
    .where('holder', 'is not', null)
    .execute();
  expect(held.length).toBeGreaterThan(0);
  const heir = start(6000);
  expect(await Promise.all([first.ended, second.ended, heir.ended])).toEqual([0, 0, 0]);

  const report = sandbox.marketo.report();
  expect(report.throttled).toEqual({ '606': 0, '607': 0, '615': 0 });
  expect(report.maxInAnyWindow).toBeLessThanOrEqual(limits.callsPerWindow);
  expect(report.maxConcurrent).toBeLessThanOrEqual(limits.concurrency);
  // They were not careful by doing nothing.
  expect(report.calls).toBeGreaterThan(200);
}, 60_000);

test('a neighbour that uses the same instance: every process slows down, and it is written where metrics see it', async () => {
  const limits = { callsPerWindow: 40, windowMs: 1000, concurrency: 10 };
  const sandbox = await startSandbox({ marketo: { limits: { ...limits, dailyCalls: 1_000_000 } } });
  onTestFinished(() => sandbox.close());
  sandbox.faults.add({ server: 'marketo', endpoint: 'leads-lookup', effect: { kind: 'code', code: '606' }, times: 1 });
  const argument = JSON.stringify({
    databaseUrl: url,
    marketo: sandbox.index().marketo,
    rule: { instance: 'neighbour', ...limits, leaseMs: 6000, marginMs: 20 },
    lanes: 2,
    forMs: 2500,
  });
  const child = spawn(process.execPath, ['test/limits/caller.ts', argument], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  const state = await db
    .selectFrom('limit_state')
    .selectAll()
    .where('instance', '=', 'neighbour')
    .executeTakeFirstOrThrow();
  expect(state).toMatchObject({ cap: 20, calls_per_window: 40, window_ms: 1000 });
  expect(state.reduced_at).not.toBeNull();
  const { limits: shown } = await readMetrics(db, ['marketo_requests_total']);
  expect(shown).toMatchObject({ configured: 40 });
  // Held at half for a window, then growing by ten a window.
  expect(shown?.cap).toBeGreaterThan(20);
  expect(shown?.rateHeld).toBeGreaterThan(0);
}, 30_000);
