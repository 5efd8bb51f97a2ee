import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { tools } from '../chart/tools.ts';

const CHART = 'charts/livechat-marketo-sync';
const RELEASE = 'lcm';
const NAME = `${RELEASE}-livechat-marketo-sync`;

/**
 * The product's whole life on the cluster of the current context: installed with the sandbox into a namespace of its own
 * that enforces the restricted Pod Security Standard, synced by schedule and by hand, upgraded, uninstalled.
 *
 * @param image what the cluster runs, as repository:tag; it must be able to pull it, or have it on its nodes.
 * @returns 0 where everything held, 1 where something did not, or there is no cluster.
 */
async function main(image: string): Promise<number> {
  const found = tools();
  if (!found) return refuse('make e2e needs helm (4) and kubectl on the PATH of this machine.');
  const context = run(found.kubectl, ['config', 'current-context']).stdout.trim();
  if (context === '' || run(found.kubectl, ['version', '--request-timeout=5s']).status !== 0) {
    const which =
      context === '' ? 'kubectl has no current context' : `the cluster of the context ${context} does not answer`;
    return refuse(
      `make e2e needs a Kubernetes cluster, and ${which}: start one (kind create cluster, k3d cluster create, …), build the image (make image), and try again.`,
    );
  }
  const cluster = clusterOf(found, `lcm-e2e-${Date.now().toString(36)}`);
  say(`On ${context}, in the namespace ${cluster.namespace}, with ${image}`);
  try {
    await wholeLife(cluster, context, image);
    say('Everything held.');
    return 0;
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n\n${cluster.story()}\n`);
    return 1;
  } finally {
    cluster.kubectl(['delete', 'namespace', cluster.namespace, '--ignore-not-found', '--wait=false']);
  }
}

async function wholeLife(cluster: Cluster, context: string, image: string): Promise<void> {
  const { helm, kubectl, json } = cluster;
  loadImage(context, image);
  const colon = image.lastIndexOf(':');
  const values = [
    ['sandbox.enabled', 'true'],
    ['postgresql.enabled', 'true'],
    ['image.repository', image.slice(0, colon)],
    ['image.tag', image.slice(colon + 1)],
  ].flatMap(([path, value]) => ['--set', `${path}=${value}`]);

  step('install');
  kubectl(['create', 'namespace', cluster.namespace]);
  kubectl(['label', 'namespace', cluster.namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  helm(['install', RELEASE, CHART, ...values, '--wait', '--timeout', '5m']);

  step('a scheduled run');
  await until('a scheduled Job of the sync has completed', 180, () => {
    const { items } = jobs.parse(json(['get', 'jobs', '--selector', 'app.kubernetes.io/component=sync']));
    return items.some(({ metadata, status }) => /-sync-\d{8,}$/.test(metadata.name) && (status.succeeded ?? 0) > 0);
  });

  await runsByHand(cluster);

  step('helm test');
  process.stdout.write(helm(['test', RELEASE, '--logs', '--timeout', '5m']));

  step('upgrade');
  helm(['upgrade', RELEASE, CHART, ...values, '--set', 'logLevel=debug', '--wait', '--timeout', '5m']);
  kubectl(['rollout', 'status', `deployment/${NAME}-status`, '--timeout=120s']);

  step('the digest');
  await until('the digest has arrived', 240, () => {
    const { messages } = mailbox.parse(JSON.parse(cluster.get(`${NAME}-sandbox:7400`, '/mailbox/messages')));
    return messages.length > 0;
  });

  step('uninstall');
  helm(['uninstall', RELEASE, '--wait', '--timeout', '3m']);
}

/** A run now, a dry run and a backfill, each held against what it leaves behind. */
async function runsByHand(cluster: Cluster): Promise<void> {
  const { kubectl, json } = cluster;
  step('runs by hand, while the schedule rests');
  kubectl(['patch', 'cronjob', `${NAME}-sync`, '-p', '{"spec":{"suspend":true}}']);
  await until('no run is under way any more', 90, () => {
    const { items } = jobs.parse(json(['get', 'jobs', '--selector', 'app.kubernetes.io/component=sync']));
    return items.every(({ status }) => (status.active ?? 0) === 0);
  });
  kubectl(['create', 'job', 'sync-now', `--from=cronjob/${NAME}-sync`]);
  completed(cluster, 'sync-now');
  const now = await lastRun(cluster, 'sync-now');
  expectSame('sync-now', pick(now), { trigger: 'manual', outcome: 'done' });

  // Chats that turn up late, from before what each run reads again (24 hours): only a backfill finds them.
  const range = { from: daysAgo(4), to: daysAgo(2) };
  const { threads } = z
    .object({ threads: z.number().min(20) })
    .parse(
      JSON.parse(
        cluster.post(`${NAME}-sandbox:7400`, '/livechat/chats', { count: 20, from: daysAgo(3.5), to: daysAgo(2.5) }),
      ),
    );
  const assignments = [`SYNC_FROM=${range.from}`, `SYNC_TO=${range.to}`];
  const before = await standing(cluster, 'sync-now');

  step('a dry run');
  runByHand(cluster, 'sync-dry', [...assignments, 'SYNC_DRY_RUN=true']);
  const said = kubectl(['logs', 'job/sync-dry']);
  if (!/^ *Leads to create +[1-9]/m.test(said)) throw new Error(`The dry run plans to create no lead:\n${said}`);
  expectSame('what was there before the dry run', await standing(cluster, 'sync-now'), before);

  step('a backfill');
  runByHand(cluster, 'sync-backfill', assignments);
  const backfill = await lastRun(cluster, 'sync-backfill');
  expectSame('the backfill', pick(backfill), { trigger: 'manual', outcome: 'done' });
  expectSame('what the backfill read', millisecondsOf(backfill.window), millisecondsOf(range));
  expectSame('the chats that were new to the backfill', backfill.counts['new'], threads);
  const after = await standing(cluster, 'sync-backfill');
  expectSame('the watermark after the backfill', after.watermark, before.watermark);
  expectSame('runs after the backfill', after.runs, [backfill.id, ...before.runs]);
  if (after.leads <= before.leads) throw new Error(`The backfill made no lead: there are ${after.leads}.`);

  step('metrics');
  for (const line of [
    /^lcm_database_up 1$/m,
    /^lcm_sync_last_success_timestamp_seconds [1-9]/m,
    /^lcm_leads_total\{action="created"\} [1-9]/m,
    /^lcm_runs_total\{command="sync",trigger="schedule",outcome="done"\} [1-9]/m,
    // The dry run is none.
    /^lcm_runs_total\{command="sync",trigger="manual",outcome="done"\} 2$/m,
  ]) {
    // What a scrape tells is a few seconds old.
    await until(`the metrics have ${line}`, 15, () => line.test(cluster.get(`${NAME}-status:80`, '/metrics')));
  }
  kubectl(['patch', 'cronjob', `${NAME}-sync`, '-p', '{"spec":{"suspend":false}}']);
}

/** The run of this Job, once the status service knows it as the last that has ended. */
async function lastRun(cluster: Cluster, job: string): Promise<z.infer<typeof runAnswer>> {
  const read = () => status.parse(JSON.parse(cluster.get(`${NAME}-status:80`, '/api/v1/status'))).lastRun;
  await until(`the status service has ${job} as its last run`, 30, () => read()?.name === job);
  const last = read();
  if (last?.name !== job) throw new Error(`After ${job} there was another run, ${last?.name}.`);
  return last;
}

/** What a dry run must leave as it is, as soon as the status service knows that this Job's run has ended. */
async function standing(cluster: Cluster, job: string) {
  await lastRun(cluster, job);
  const { watermark, ledger } = status.parse(JSON.parse(cluster.get(`${NAME}-status:80`, '/api/v1/status')));
  const { runs } = runsOfSync.parse(JSON.parse(cluster.get(`${NAME}-status:80`, '/api/v1/runs?job=sync&limit=100')));
  const { leads } = marketo.parse(JSON.parse(cluster.get(`${NAME}-sandbox:7400`, '/marketo/leads')));
  return { watermark, ledger, runs: runs.map(({ id }) => id), leads: leads.length };
}

function expectSame(what: string, is: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(is, expected))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(is)}.`);
}

function pick({ trigger, outcome }: z.infer<typeof runAnswer>) {
  return { trigger, outcome };
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}

function millisecondsOf(window: { from: string; to: string } | null) {
  return window && { from: Date.parse(window.from), to: Date.parse(window.to) };
}

const jobs = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ succeeded: z.number().optional(), active: z.number().optional() }),
    }),
  ),
});
const runAnswer = z.object({
  id: z.number(),
  name: z.string().nullable(),
  trigger: z.string(),
  outcome: z.string().nullable(),
  window: z.object({ from: z.string(), to: z.string() }).nullable(),
  counts: z.record(z.string(), z.number()),
});
const runsOfSync = z.object({ runs: z.array(runAnswer) });
const status = z.object({
  watermark: z.string().nullable(),
  ledger: z.record(z.string(), z.number()),
  lastRun: runAnswer.nullable(),
});
const marketo = z.object({ leads: z.array(z.unknown()) });
const mailbox = z.object({ messages: z.array(z.unknown()) });

type Cluster = ReturnType<typeof clusterOf>;

/** The commands of one namespace; each throws with what it said where it fails. */
function clusterOf(programs: { helm: string; kubectl: string }, namespace: string) {
  const within = ['--namespace', namespace];
  const kubectl = (args: readonly string[], input?: string) => succeed(programs.kubectl, [...within, ...args], input);
  return {
    namespace,
    kubectl,
    helm: (args: readonly string[]) => succeed(programs.helm, [...within, ...args]),
    json: (args: readonly string[]): unknown => JSON.parse(kubectl([...args, '--output', 'json'])),
    /** Through the API server, so that nothing need be forwarded. */
    get: (service: string, path: string) =>
      kubectl(['get', '--raw', `/api/v1/namespaces/${namespace}/services/http:${service}/proxy${path}`]),
    post: (service: string, path: string, body: unknown) =>
      kubectl(
        ['create', '--raw', `/api/v1/namespaces/${namespace}/services/http:${service}/proxy${path}`, '-f', '-'],
        JSON.stringify(body),
      ),
    /** What a person would look at next. */
    story: () =>
      [
        ['get', 'pods,jobs'],
        ['get', 'events', '--sort-by=.lastTimestamp'],
      ]
        .map((args) => run(programs.kubectl, [...within, ...args]).stdout)
        .join('\n'),
  };
}

/** As the notes and the runbook say it. */
function runByHand(cluster: Cluster, name: string, assignments: readonly string[]): void {
  const job = cluster.kubectl(['create', 'job', name, `--from=cronjob/${NAME}-sync`, '--dry-run=client', '-o', 'yaml']);
  const changed = cluster.kubectl(['set', 'env', '--local', '-f', '-', ...assignments, '-o', 'yaml'], job);
  cluster.kubectl(['create', '-f', '-'], changed);
  completed(cluster, name);
}

function completed({ kubectl }: Cluster, job: string): void {
  kubectl(['wait', '--for=condition=complete', `job/${job}`, '--timeout=180s']);
}

/** Clusters in containers cannot see the machine's own images. */
function loadImage(context: string, image: string): void {
  const [, kind, name = ''] = /^(kind|k3d)-(.+)$/.exec(context) ?? [];
  if (kind === 'kind') succeed('kind', ['load', 'docker-image', image, '--name', name]);
  if (kind === 'k3d') succeed('k3d', ['image', 'import', image, '--cluster', name]);
}

async function until(what: string, seconds: number, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(3000)) if (holds()) return;
  throw new Error(`Within ${seconds} s it did not come to this: ${what}.`);
}

function succeed(program: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = run(program, args, input);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

function run(program: string, args: readonly string[], input?: string) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  });
  return { status, stdout: stdout ?? '', stderr: error ? error.message : stderr };
}

function step(what: string): void {
  say(`— ${what}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 1;
}

// Last, because it waits: what stands below a wait at the top level is not there before the wait is over.
process.exitCode = await main(process.env['IMAGE'] || 'livechat-marketo-sync:0.1.0');
