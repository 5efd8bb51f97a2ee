import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { type Running, runService, sandboxEnvironment, startService } from '../services.ts';

/* A scheduled run and one by hand, as processes of their own, at the same time: one works, the other says so. */

const { db, url, empty } = await testDatabase();
const sandbox = await startSandbox({ chats: 40, timeScale: 20 });
afterAll(() => sandbox.close());
const env = {
  ...sandboxEnvironment(sandbox, url),
  SYNC_FROM: '2020-01-01T00:00:00Z',
  SYNC_SETTLE: '1s',
  MARKETO_WINDOW_SECONDS: '1',
};
const scheduled = (): string => `livechat-sync-${Math.floor(Date.now() / 60_000)}`;

beforeEach(async () => {
  sandbox.reset();
  await empty();
});

/** A run that works on something slow, and has its lease. */
async function atWork(name: string, marketoMs: number): Promise<Running> {
  sandbox.faults.setLatency('marketo', { kind: 'fixed', ms: marketoMs });
  const run = startService('sync', { ...env, RUN_NAME: name });
  while (!(await db.selectFrom('lease').selectAll().executeTakeFirst())) await sleep(20);
  return run;
}

const runs = () => db.selectFrom('run').select(['name', 'trigger', 'outcome', 'error']).orderBy('id').execute();

test('scheduled beside one by hand: the scheduled one says that it was skipped and ends with 0, the other works', async () => {
  const byHand = await atWork('by-hand', 500);
  const second = await runService('sync', { ...env, RUN_NAME: scheduled() });
  expect(second.code).toBe(0);
  expect(second.lines.map(({ msg }) => msg).join('\n')).toContain('another sync is at work');
  expect((await byHand.ended).code).toBe(0);
  expect(await runs()).toMatchObject([
    { name: 'by-hand', trigger: 'manual', outcome: 'done' },
    { trigger: 'schedule', outcome: 'skipped', error: expect.stringContaining('at work') },
  ]);
});

test('by hand beside a scheduled one: it waits for its turn, does its own work, and nobody is a lead twice', async () => {
  const first = await atWork(scheduled(), 300);
  const second = startService('sync', { ...env, RUN_NAME: 'by-hand', SYNC_PATIENCE: '2m' });
  expect((await first.ended).code).toBe(0);
  const wrote = sandbox.marketo.report().byEndpoint['leads-sync'];
  sandbox.faults.clear();
  const ended = await second.ended;
  expect(ended.code).toBe(0);
  expect(ended.lines.some(({ msg }) => msg.includes('waiting'))).toBe(true);
  expect(await runs()).toMatchObject([
    { trigger: 'schedule', outcome: 'done' },
    { name: 'by-hand', trigger: 'manual', outcome: 'done', error: null },
  ]);
  // There was nothing left to write for it.
  expect(sandbox.marketo.report().byEndpoint['leads-sync']).toBe(wrote);
  const addresses = sandbox.marketo.leads().map((lead) => String(lead['email']).toLowerCase());
  expect(addresses.length).toBeGreaterThan(10);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test('by hand, with less patience than the scheduled one needs: it says so, and ends with 75', async () => {
  const first = await atWork(scheduled(), 20_000);
  const ended = await runService('sync', { ...env, RUN_NAME: 'by-hand', SYNC_PATIENCE: '1s' });
  expect(ended.code).toBe(75);
  expect(ended.output).toMatch(/another sync/i);
  expect(await runs()).toMatchObject([
    { trigger: 'schedule', outcome: null },
    { name: 'by-hand', trigger: 'manual', outcome: 'failed', error: expect.stringMatching(/another sync/i) },
  ]);
  first.kill('SIGKILL');
  await first.ended;
});
