import { afterEach, beforeEach, expect, test } from 'vitest';
import { isScheduled } from '../../services/shared/store/runs.ts';
import { connectCluster } from '../../services/status/cluster/api.ts';
import { nextRunOf, schedulesOf } from '../../services/status/cluster/view.ts';
import { type Cluster, watchCluster } from '../../services/status/cluster/watch.ts';
import { cronJob, job, type Kubernetes, startKubernetes } from './kubernetes.ts';
import { silent } from './story.ts';

let kubernetes: Kubernetes;
let cluster: Cluster | undefined;
beforeEach(async () => {
  kubernetes = await startKubernetes('marketing');
});
afterEach(async () => {
  cluster?.close();
  cluster = undefined;
  await kubernetes.close();
});

const release = { namespace: 'marketing', release: 'shop' };
const watch = (every = 25) => watchCluster(() => connectCluster(release, kubernetes.config), silent, every);

/** Waits until the view is as it should be. */
async function until<T>(of: () => T, holds: (value: T) => boolean): Promise<T> {
  for (let look = 0; ; look++) {
    const value = of();
    if (holds(value)) return value;
    if (look > 1000) throw new Error(`it stayed at ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function known() {
  cluster ??= watch();
  const view = await until(cluster.view, ({ state }) => state === 'known');
  if (view.state !== 'known') throw new Error('not known');
  return view;
}

test('tells schedules and jobs of this release and of no other', async () => {
  const other = cronJob('sync');
  other.metadata.labels = { ...other.metadata.labels, 'app.kubernetes.io/instance': 'another' };
  kubernetes.cronJobs.push(
    cronJob(
      'sync',
      {},
      {
        active: [{ kind: 'Job', name: 'x' }],
        lastScheduleTime: '2026-11-24T14:07:00Z',
        lastSuccessfulTime: '2026-11-24T13:09:11Z',
      },
    ),
    cronJob('digest', { suspend: true }),
    other,
  );
  kubernetes.jobs.push(
    job(
      'sync',
      '29401207',
      '2026-11-24T12:07:00Z',
      {
        startTime: '2026-11-24T12:07:01Z',
        completionTime: '2026-11-24T12:09:00Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
      '2026-11-24T12:07:00Z',
    ),
    job(
      'sync',
      '29401267',
      '2026-11-24T13:07:00Z',
      {
        startTime: '2026-11-24T13:07:01Z',
        conditions: [
          { type: 'FailureTarget', status: 'True', reason: 'PodFailurePolicy' },
          { type: 'Failed', status: 'True', reason: 'PodFailurePolicy', lastTransitionTime: '2026-11-24T13:08:00Z' },
        ],
      },
      '2026-11-24T13:07:00Z',
    ),
    job('sync', 'backfill', '2026-11-24T14:00:00Z', { startTime: '2026-11-24T14:00:01Z', active: 1 }),
  );
  const view = await known();
  expect(view.schedules).toMatchObject([
    { component: 'digest', suspended: true, nextRunAt: null, timeZone: 'Europe/Berlin' },
    { component: 'sync', suspended: false, running: 1, lastSuccessAt: '2026-11-24T13:09:11.000000Z' },
  ]);
  expect(view.jobs.map(({ name, state, trigger, reason }) => [name.slice(27), state, trigger, reason])).toEqual([
    ['sync-backfill', 'running', 'manual', null],
    ['sync-29401267', 'failed', 'schedule', 'PodFailurePolicy'],
    ['sync-29401207', 'complete', 'schedule', null],
  ]);
  expect(view.jobs[1]?.finishedAt).toBe('2026-11-24T13:08:00.000000Z');
});

test.each([
  // As robfig/cron, which the controller uses, reads them; over the end of summer time in Berlin, and its begin.
  ['7 * * * *', 'Etc/UTC', '2026-11-24T14:07:00Z', '2026-11-24T15:07:00.000000Z'],
  ['7 * * * *', null, '2026-11-24T14:06:59Z', '2026-11-24T14:07:00.000000Z'],
  ['30 6 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T05:30:00.000000Z'],
  ['30 6 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T04:30:00.000000Z'],
  ['0 9 * * 1-5', 'America/New_York', '2026-11-27T15:00:00Z', '2026-11-30T14:00:00.000000Z'],
  ['0 0 13 * 5', 'Etc/UTC', '2026-11-24T00:00:00Z', '2026-11-27T00:00:00.000000Z'],
  ['@hourly', 'Etc/UTC', '2026-11-24T14:07:00Z', '2026-11-24T15:00:00.000000Z'],
  ['@every 1h', 'Etc/UTC', '2026-11-24T14:07:00Z', null],
  ['7 * * * *', 'Mars/Olympus', '2026-11-24T14:07:00Z', null],
  ['nonsense', 'Etc/UTC', '2026-11-24T14:07:00Z', null],
])('the next run of %s in %s after %s is %s', (schedule, timeZone, now, next) => {
  expect(nextRunOf(schedule, timeZone, Date.parse(now))).toBe(next);
});

test('a CronJob with nothing in it is told as what it is, not as a crash', () => {
  expect(schedulesOf([{ spec: { schedule: '', jobTemplate: {} } }], 0)).toMatchObject([
    { name: '', component: '', nextRunAt: null },
  ]);
});

test('run now creates the Job that kubectl create job --from makes', async () => {
  const from = cronJob('sync');
  kubernetes.cronJobs.push(from, cronJob('digest'));
  await known();
  const started = await cluster?.runNow('sync', 'abcdefgh');
  expect(started).toEqual({ result: 'started', job: 'shop-livechat-marketo-sync-sync-mabcdefgh' });
  const [created] = kubernetes.jobs;
  const { jobTemplate } = from.spec as { jobTemplate: { metadata: StoredMeta; spec: object } };
  expect(created?.spec).toEqual(jobTemplate.spec);
  expect(created?.metadata).toMatchObject({
    labels: jobTemplate.metadata.labels,
    annotations: { ...jobTemplate.metadata.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
    ownerReferences: [
      { apiVersion: 'batch/v1', kind: 'CronJob', name: from.metadata.name, uid: from.metadata.uid, controller: true },
    ],
  });
  // It is told at once, as started by hand; and the run that it becomes knows it too.
  const view = await known();
  expect(view.jobs.map(({ trigger, state }) => [trigger, state])).toEqual([['manual', 'waiting']]);
  expect(isScheduled(created?.metadata.name, Date.now())).toBe(false);
});

test('the same form sent twice starts one run', async () => {
  kubernetes.cronJobs.push(cronJob('sync'));
  await known();
  const results = [await cluster?.runNow('sync', 'abcdefgh'), await cluster?.runNow('sync', 'abcdefgh')];
  expect(results.map((each) => each?.result)).toEqual(['started', 'already-started']);
  expect(kubernetes.jobs).toHaveLength(1);
});

test('a name that is as long as Kubernetes takes it leaves room for the number', async () => {
  const long = cronJob('sync');
  long.metadata.name = 'x'.repeat(52);
  kubernetes.cronJobs.push(long);
  await known();
  expect(await cluster?.runNow('sync', 'abcdefgh')).toMatchObject({ result: 'started' });
});

test('without a right it says which, and nothing of the answer; and it goes on asking', async () => {
  kubernetes.mode = 'refuse';
  cluster = watch();
  const view = await until(cluster.view, (each) => each.state === 'unknown' && each.why.includes('403'));
  expect(JSON.stringify(view)).not.toContain('canary');
  expect(await cluster.runNow('sync', 'abcdefgh')).toMatchObject({ result: 'refused' });
  kubernetes.mode = 'well';
  kubernetes.cronJobs.push(cronJob('sync'));
  expect((await known()).schedules).toHaveLength(1);
});

test('nobody waits for a cluster that does not answer; what was known stays', async () => {
  kubernetes.cronJobs.push(cronJob('sync'));
  await known();
  kubernetes.mode = 'hang';
  const asked = kubernetes.asked.length;
  await until(
    () => kubernetes.asked.length,
    (now) => now > asked,
  );
  expect(cluster?.view().state).toBe('known');
});

test('where there is nothing at the address, it says so', async () => {
  await kubernetes.close();
  cluster = watch();
  expect(await until(cluster.view, (each) => each.state === 'unknown' && each.why.includes('reached'))).toBeDefined();
  kubernetes = await startKubernetes('marketing');
});

type StoredMeta = { labels: Record<string, string>; annotations: Record<string, string> };
