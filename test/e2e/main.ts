import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
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

  step('runs by hand: now, a backfill, a dry run');
  kubectl(['create', 'job', 'sync-now', `--from=cronjob/${NAME}-sync`]);
  completed(cluster, 'sync-now');
  // One after the other: each would wait for the one before, and with the sandbox a Job has less than a minute.
  runByHand(cluster, 'sync-backfill', ['SYNC_FROM=2026-01-01T00:00:00Z', 'SYNC_TO=2026-01-02T00:00:00Z']);
  runByHand(cluster, 'sync-dry', ['SYNC_DRY_RUN=true']);

  step('metrics');
  const metrics = cluster.get(`${NAME}-status:80`, '/metrics');
  for (const line of [
    /^lcm_database_up 1$/m,
    /^lcm_sync_last_success_timestamp_seconds [1-9]/m,
    /^lcm_leads_total\{action="created"\} [1-9]/m,
  ]) {
    if (!line.test(metrics)) throw new Error(`the metrics lack ${line}`);
  }

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

const jobs = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string() }), status: z.object({ succeeded: z.number().optional() }) }),
  ),
});
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
  cluster.kubectl(['apply', '-f', '-'], changed);
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
