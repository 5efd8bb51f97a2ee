import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { freePort } from '../free-port.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment } from '../services.ts';
import { HOUR, silent } from './story.ts';

/** Where Debian's package puts it. */
const PROMETHEUS = '/usr/bin/prometheus';
const hasPrometheus = existsSync(PROMETHEUS);
if (!hasPrometheus)
  process.stderr.write(`SKIPPED: ${PROMETHEUS} is not installed, no real Prometheus scraped /metrics\n`);

const EVERY_MS = 500;
const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
let prometheus: ChildProcess | undefined;
const releases: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  if (prometheus && prometheus.exitCode === null) {
    prometheus.kill('SIGTERM');
    await once(prometheus, 'exit');
  }
  for (const release of releases) await release();
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(!hasPrometheus)(
  'what a real Prometheus makes of two replicas, over runs side by side, a run that fails and a replica that dies, is what Marketo counted (skipped where it is not installed)',
  async () => {
    const { url } = await testDatabase();
    const sandbox = await startSandbox({ chats: 120, timeScale: 20 });
    releases.push(sandbox.close);
    const first = await replica(url, 0, 0);
    const second = await replica(url, 2000, 0);
    const replicas = [first.address, second.address];
    const { query, alerts, labelNames } = await startPrometheus(replicas);
    // Every series is there, at 0, before anything happens: so increase() misses nothing.
    await until(async () => (await query('count(marketo_requests_total == 0)'))[0]?.value === 60);

    const env = {
      ...sandboxEnvironment(sandbox, url),
      SYNC_FROM: new Date(Date.now() - 8 * 24 * HOUR).toISOString(),
      SYNC_PATIENCE: '1s',
      MARKETO_WINDOW_SECONDS: '1',
      MARKETO_BATCH_SIZE: '20',
    };
    // A dry run looks up beside the real one: both add to the same counters.
    const beside = await Promise.all([runService('sync', env), runService('sync', env, ['--dry-run'])]);
    expect(beside.map(({ code }) => code)).toEqual([0, 0]);
    // A pod dies, and another takes its place; and a run comes that has to fail.
    await first.close();
    const again = await replica(url, 0, Number(first.address.split(':')[1]));
    expect(again.address).toBe(first.address);
    expect((await runService('sync', { ...env, LIVECHAT_PAT: 'refused' })).code).toBe(77);
    const firing = async () => (await alerts()).filter(({ state }) => state === 'firing').map(({ name }) => name);
    // A first run from before the first chat that LiveChat has (livechat-history-cut), and credentials that are refused.
    await until(firing, (names) => names.includes('LcmCredentialsRefused'));
    expect(await firing()).toEqual(['LcmCredentialsRefused', 'LcmChatsIncomplete']);
    expect((await runService('sync', env)).code).toBe(0);

    const { byEndpoint } = sandbox.marketo.report();
    const seen = {
      lookups: byEndpoint['leads-lookup'] ?? 0,
      writes: byEndpoint['leads-sync'] ?? 0,
      describes: byEndpoint['describe'] ?? 0,
    };
    expect(seen.lookups * seen.writes).toBeGreaterThan(0);
    const calls = { lookups: 'leads-lookup', writes: 'leads-create|leads-update', describes: 'describe' };
    // The last scrape that both have made since the last run ended.
    const settled = Date.now() / 1000 + 3 * (EVERY_MS / 1000);
    await until(
      async () => (await query('min(timestamp(lcm_database_up))'))[0]?.value ?? 0,
      (at) => at > settled,
    );
    const [last] = await query('min(timestamp(lcm_database_up))');
    for (const [what, call] of Object.entries(calls)) {
      const series = `marketo_requests_total{call=~"${call}"}`;
      for (const replica of replicas) {
        // At the time of a sample, from a series that began at 0, Prometheus has nothing to extrapolate.
        const [at] = await query(`max(timestamp(${series.replace('}', `,instance="${replica}"}`)}))`, last?.value);
        const [increase] = await query(
          `sum(increase(${series.replace('}', `,instance="${replica}"}`)}[10m]))`,
          at?.value,
        );
        const [rate] = await query(
          `sum(rate(${series.replace('}', `,instance="${replica}"}`)}[10m])) * 600`,
          at?.value,
        );
        expect([what, replica, round(increase?.value)]).toEqual([what, replica, seen[what as keyof typeof seen]]);
        expect(round(rate?.value)).toBe(round(increase?.value));
      }
    }
    const [created] = await query('max(lcm_leads_total{action="created"})');
    expect(created?.value).toBe(sandbox.marketo.leads().length);
    const [failed] = await query('max(increase(lcm_errors_total{code="livechat-credentials"}[10m]))');
    expect(Math.round(failed?.value ?? 0)).toBe(1);
    const [ended] = await query('max(increase(lcm_runs_total{command="sync",outcome="failed"}[10m]))');
    expect(Math.round(ended?.value ?? 0)).toBe(1);
    // No label of ours is one that the scrape adds: nothing had to be renamed.
    const names = await labelNames();
    expect(names).toEqual(expect.arrayContaining(['job', 'endpoint', 'command', 'call']));
    expect(names.filter((name) => name.startsWith('exported_'))).toEqual([]);
    // Every alert can be evaluated on what two replicas export; the run that succeeded has ended the one about credentials.
    const states = await alerts();
    expect(states.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(await firing()).toEqual(['LcmChatsIncomplete']);
    expect(states.length).toBeGreaterThan(15);
    // Never less than before, on neither replica, whoever died.
    expect(await query('sum(resets(marketo_requests_total[10m])) + sum(resets(lcm_leads_total[10m])) > 0')).toEqual([]);
  },
  60_000,
);

/** A status service that listens; closed at the end at the latest. */
async function replica(url: string, keepFor: number, port: number) {
  const readings = openReadings(url, SCHEMA, 5000);
  const app = buildApp({
    readings,
    log: silent,
    syncInterval: HOUR,
    digestSchedule: { schedule: '5 7 * * *', timeZone: 'Etc/UTC' },
    cronJobs: ['lcm-sync', 'lcm-digest'],
    keepFor,
  });
  await app.listen({ host: '127.0.0.1', port });
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') throw new Error('it does not listen');
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= app.close().then(() => readings.close());
    return closed;
  };
  releases.push(close);
  return { address: `127.0.0.1:${bound.port}`, close };
}

function round(value: number | undefined): number {
  return Math.round((value ?? Number.NaN) * 1000) / 1000;
}

/** What Prometheus' operator adds to each series that a ServiceMonitor leads to. */
const ADDED_BY_THE_OPERATOR = {
  namespace: 'chats',
  service: 'lcm-status',
  pod: 'lcm-status-0',
  container: 'status',
  endpoint: 'http',
};

type Watching = {
  query: Query;
  alerts: () => Promise<z.infer<typeof RULES>['data']['groups'][number]['rules']>;
  labelNames: () => Promise<string[]>;
};

type Query = (promql: string, at?: number) => Promise<{ value: number }[]>;

async function startPrometheus(targets: readonly string[]): Promise<Watching> {
  const port = await freePort();
  const config = {
    global: {
      scrape_interval: `${EVERY_MS}ms`,
      scrape_timeout: `${EVERY_MS}ms`,
      evaluation_interval: `${EVERY_MS}ms`,
    },
    rule_files: [resolve('charts/livechat-marketo-sync/files/prometheus/alerts.yaml')],
    scrape_configs: [{ job_name: 'status', static_configs: [{ targets, labels: ADDED_BY_THE_OPERATOR }] }],
  };
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  prometheus = spawn(
    PROMETHEUS,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const query: Query = async (promql, at) => {
    const url = new URL(`http://127.0.0.1:${port}/api/v1/query`);
    url.searchParams.set('query', promql);
    if (at !== undefined) url.searchParams.set('time', String(at));
    const answer = RESULT.parse(await (await fetch(url)).json());
    return answer.data.result.map(({ value: [, text] }) => ({ value: Number(text) }));
  };
  await until(() =>
    query('up').then(
      () => true,
      () => false,
    ),
  );
  const alerts = async () => {
    const answer = RULES.parse(await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json());
    return answer.data.groups.flatMap(({ rules }) => rules);
  };
  const labelNames = async () =>
    LABELS.parse(await (await fetch(`http://127.0.0.1:${port}/api/v1/labels`)).json()).data;
  return { query, alerts, labelNames };
}

const LABELS = z.object({ status: z.literal('success'), data: z.array(z.string()) });

const RULES = z.object({
  status: z.literal('success'),
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            name: z.string(),
            state: z.enum(['inactive', 'pending', 'firing']),
            health: z.string(),
            lastError: z.string().optional(),
          }),
        ),
      }),
    ),
  }),
});

const RESULT = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

async function until<T>(of: () => Promise<T>, holds: (value: T) => boolean = Boolean): Promise<void> {
  for (let look = 0; !holds(await of()); look++) {
    if (look > 300) throw new Error('it never came to be');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
