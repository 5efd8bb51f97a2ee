import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { callsOfDay, logCall } from '../../services/shared/store/calls.ts';
import { startRun } from '../../services/shared/store/runs.ts';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { DEFAULT_CLIENT } from '../sandbox/marketo/server.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment } from '../services.ts';
import { connect, WAYS, WINDOW_MS } from './connect.ts';
import { good, scriptedMarketo } from './scripted.ts';

const { db, url, empty } = await testDatabase();
const OTHERS = { ...DEFAULT_CLIENT, clientId: 'others', clientSecret: 'others-secret', user: 'crm@api.example.com' };
const sandbox = await startSandbox({
  chats: 120,
  marketo: { limits: { windowMs: WINDOW_MS }, clients: [DEFAULT_CLIENT, OTHERS] },
});
afterAll(() => sandbox.close());

const DAY = 86_400_000;
/** Noon in Chicago (more or less, with daylight saving), not before now: far from the midnight at which the day changes. */
const NOON = Math.ceil(Date.now() / DAY) * DAY + 18 * 3_600_000;

beforeEach(async () => {
  sandbox.reset();
  sandbox.clock.set(NOON);
  await empty();
});

/** A client as a run has it: its calls are logged, and its own calls of the day are counted from that log. */
async function asRun(limits: { dailyCalls?: number; dailyQuota?: number } = {}) {
  const address = sandbox.index().marketo;
  const instance = new URL(address.url).host;
  const runId = await startRun(db, 'sync', undefined);
  return connect(db, address, {
    budget: { dailyCalls: 10_000, dailyQuota: 50_000, ownCalls: (day) => callsOfDay(db, instance, day), ...limits },
    onCall: (call) => logCall(db, runId, instance, call),
  });
}

/** Calls until the budget ends it. */
async function callUntilQuota({ marketo }: Awaited<ReturnType<typeof asRun>>, most = 500): Promise<number> {
  for (let calls = 0; calls < most; calls += 1) {
    try {
      await WAYS.lookup(marketo);
    } catch (error) {
      expect(error).toMatchObject({ name: 'MarketoError', kind: 'quota', endpoint: 'leads-lookup' });
      return calls;
    }
  }
  throw new Error('the budget did not end');
}

const called = (endpoint: string) => sandbox.marketo.calls().filter((call) => call.endpoint === endpoint).length;
const order = () => sandbox.marketo.calls().flatMap(({ endpoint }) => (endpoint === 'identity' ? [] : [endpoint]));

describe('the day’s budget', () => {
  test('is read before the first call, and again after every 200', async () => {
    const { marketo } = await asRun();
    for (let call = 0; call < 401; call += 1) await WAYS.lookup(marketo);
    const readings = order().flatMap((endpoint, place) => (endpoint === 'usage' ? [place] : []));
    expect(readings).toEqual([0, 201, 402]);
    expect(called('leads-lookup')).toBe(401);
  });

  test('is read once, however many calls wait for the reading', async () => {
    const { marketo } = await asRun();
    await Promise.all(Array.from({ length: 20 }, () => WAYS.lookup(marketo)));
    expect(called('usage')).toBe(1);
    expect(order()[0]).toBe('usage');
  });

  test('is no more calls of our own than configured, in however many runs', async () => {
    expect(await callUntilQuota(await asRun({ dailyCalls: 12 }))).toBe(12);
    for (let run = 0; run < 3; run += 1) expect(await callUntilQuota(await asRun({ dailyCalls: 12 }))).toBe(0);
    expect(called('leads-lookup')).toBe(12);
  });

  test('counts the calls of runs before it on the same day', async () => {
    const first = await asRun({ dailyCalls: 12 });
    for (let call = 0; call < 7; call += 1) await WAYS.lookup(first.marketo);
    expect(await callUntilQuota(await asRun({ dailyCalls: 12 }))).toBe(5);
  });

  test('counts every attempt, also one that failed', async () => {
    sandbox.faults.add({
      server: 'marketo',
      endpoint: 'leads-lookup',
      effect: { kind: 'code', code: '608' },
      times: 4,
    });
    expect(await callUntilQuota(await asRun({ dailyCalls: 12 }))).toBe(8);
    expect(called('leads-lookup')).toBe(12);
  });

  test('leaves a fifth of the instance’s quota to others', async () => {
    await callUntilQuota(await asRun({ dailyQuota: 100 }));
    expect(sandbox.marketo.report().calls).toBe(80);
  });

  test('counts what others have used', async () => {
    const others = await connect(db, { ...sandbox.index().marketo, ...OTHERS });
    // With the reading of its own usage, 50 calls.
    for (let call = 0; call < 49; call += 1) await WAYS.lookup(others.marketo);
    const ours = await callUntilQuota(await asRun({ dailyQuota: 100 }));
    // Of the 80, 50 are theirs and one is our reading.
    expect(ours).toBe(29);
    expect(sandbox.marketo.report().calls).toBe(80);
  });

  test('is gone where others have used up the quota: nothing is sent but the question', async () => {
    const others = await connect(db, { ...sandbox.index().marketo, ...OTHERS });
    for (let call = 0; call < 85; call += 1) await WAYS.lookup(others.marketo);
    const before = sandbox.marketo.report().calls;
    expect(await callUntilQuota(await asRun({ dailyQuota: 100 }))).toBe(0);
    expect(sandbox.marketo.report().calls - before).toBe(1);
  });

  test('starts anew with the instance’s day, for our own calls and for everybody’s', async () => {
    expect(await callUntilQuota(await asRun({ dailyCalls: 12 }))).toBe(12);
    sandbox.clock.shift(DAY);
    expect(await callUntilQuota(await asRun({ dailyCalls: 12 }))).toBe(12);
    await callUntilQuota(await asRun({ dailyQuota: 100 }));
    sandbox.clock.shift(DAY);
    expect(await callUntilQuota(await asRun({ dailyQuota: 100 }))).toBe(79);
    const days = await db.selectFrom('marketo_day').select('day').orderBy('day').execute();
    expect(days).toHaveLength(3);
  });

  test('takes what we counted where the instance’s own count lags behind', async () => {
    const server = await scriptedMarketo({ usage: () => good([{ date: '2026-11-23', total: 0 }]) });
    const connection = await connect(db, server, {
      budget: { dailyCalls: 1000, dailyQuota: 100, ownCalls: async () => 70 },
    });
    for (let call = 0; call < 10; call += 1) await WAYS.lookup(connection.marketo);
    await expect(WAYS.lookup(connection.marketo)).rejects.toMatchObject({ kind: 'quota' });
    await server.close();
  });

  test('asks for nobody’s calls of a day that the instance does not name yet, and counts for none', async () => {
    const asked: string[] = [];
    const server = await scriptedMarketo({
      usage: (_received, count) => good(count === 1 ? [] : [{ date: '2026-11-24', total: 201 }]),
    });
    const connection = await connect(db, server, {
      budget: {
        dailyCalls: 1000,
        dailyQuota: 50_000,
        ownCalls: async (day) => {
          asked.push(day);
          return 0;
        },
      },
    });
    for (let call = 0; call < 201; call += 1) await WAYS.lookup(connection.marketo);
    expect(asked).toEqual(['2026-11-24']);
    const days = connection.attempts.filter(({ endpoint }) => endpoint === 'leads-lookup').map(({ day }) => day);
    expect(new Set(days.slice(0, 200))).toEqual(new Set([undefined]));
    expect(days[200]).toBe('2026-11-24');
    await server.close();
  });
});

describe('a run whose day is used up', () => {
  const rules = rulesFile(
    `version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: lastName, from: visitor.lastName, write: if-empty }
`,
  );
  const env = (more: Record<string, string>) => ({
    ...sandboxEnvironment(sandbox, url),
    SYNC_FROM: '2020-01-01T00:00:00Z',
    SYNC_SETTLE: '1s',
    RULES_FILE: rules,
    MARKETO_WINDOW_SECONDS: '1',
    MARKETO_BATCH_SIZE: '10',
    ...more,
  });
  const threads = () => db.selectFrom('chat_thread').select(['state', 'attempts', 'run_id']).execute();
  const runs = () => db.selectFrom('run').select(['outcome', 'error', 'finished_at']).orderBy('id').execute();
  // Reading LiveChat has warnings of its own: the sandbox's archive has threads that the plan withholds.
  const errors = () =>
    db.selectFrom('sync_error').select(['code', 'thread_id']).where('stage', '<>', 'ingest').orderBy('id').execute();
  const emails = () => sandbox.marketo.leads().map((lead) => String(lead['email']).toLowerCase());

  test.each([
    ['our own share', { MARKETO_DAILY_CALLS: '7' }],
    ['the quota of all', { MARKETO_DAILY_QUOTA: '10' }],
  ])(
    '(%s) ends in good order, the next one before midnight sends nothing, and one after it goes on',
    async (_name, limit) => {
      const first = await runService('sync', env(limit));
      expect(first.code).toBe(0);
      expect(first.output).not.toContain('"level":"fatal"');
      expect(await runs()).toMatchObject([
        { outcome: 'stopped', error: expect.stringContaining('used up'), finished_at: expect.any(String) },
      ]);
      expect(await errors()).toEqual([{ code: 'marketo-quota', thread_id: null }]);
      const written = called('leads-sync');
      expect(sandbox.marketo.report().calls).toBeLessThanOrEqual(8);
      const waiting = (await threads()).filter(({ state }) => state === 'ready');
      expect(waiting.length).toBeGreaterThan(30);
      for (const thread of waiting) expect(thread.attempts).toBe(0);
      expect(await db.selectFrom('lease').selectAll().execute()).toEqual([]);

      const before = sandbox.marketo.report().calls;
      const second = await runService('sync', env(limit));
      expect(second.code).toBe(0);
      expect((await runs()).at(-1)?.outcome).toBe('stopped');
      // The reading of the usage is a call as well; nothing else is sent.
      expect(sandbox.marketo.report().calls - before).toBe(1);
      expect(called('leads-sync')).toBe(written);

      sandbox.clock.shift(DAY);
      const third = await runService('sync', env({}));
      expect(third.code).toBe(0);
      expect((await runs()).at(-1)?.outcome).toBe('done');
      expect((await threads()).filter(({ state }) => state === 'ready')).toEqual([]);
      expect(emails().length).toBeGreaterThan(50);
      expect(emails()).toHaveLength(new Set(emails()).size);
    },
  );

  test('because Marketo says 607 ends as well, and goes on as soon as Marketo answers', async () => {
    sandbox.faults.add({ server: 'marketo', endpoint: 'leads-lookup', effect: { kind: 'code', code: '607' } });
    const first = await runService('sync', env({}));
    expect(first.code).toBe(0);
    expect(await runs()).toMatchObject([{ outcome: 'stopped' }]);
    expect(await errors()).toEqual([{ code: 'marketo-quota', thread_id: null }]);
    // It is not asked again: that could only use up what is left.
    expect(called('leads-lookup')).toBeLessThanOrEqual(5);
    for (const thread of await threads()) expect(thread.attempts).toBe(0);
    sandbox.faults.clear();
    expect((await runService('sync', env({}))).code).toBe(0);
    expect((await threads()).filter(({ state }) => state === 'ready')).toEqual([]);
  });
});
