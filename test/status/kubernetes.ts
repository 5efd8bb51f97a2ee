import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig, type V1CronJob, type V1Job } from '@kubernetes/client-node';

/** What the API server holds: objects as they go over the wire. */
export type StoredObject = {
  metadata: {
    name: string;
    uid: string;
    namespace: string;
    creationTimestamp: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: object[];
  };
  spec: Record<string, unknown>;
  status: Record<string, unknown>;
};

export type Kubernetes = {
  /** A configuration of the real client that leads here. */
  config: KubeConfig;
  cronJobs: StoredObject[];
  jobs: StoredObject[];
  /** Requests so far, as `GET /apis/…`. */
  asked: string[];
  /** `refuse`: 403 to all · `hang`: no answer · `break`: 500. */
  mode: 'well' | 'refuse' | 'hang' | 'break';
  close(): Promise<void>;
};

/**
 * A small API server: namespaced CronJobs and Jobs of batch/v1, listed by label, Jobs created; with a bearer token, as a
 * pod's service account has one. It refuses what the real one refuses: another token, a name that is taken, and an owner
 * that blocks its owner's deletion (which needs a right to the finalizers of CronJobs that nobody gives this service).
 */
export async function startKubernetes(namespace: string): Promise<Kubernetes> {
  const state: Omit<Kubernetes, 'config' | 'close'> = { cronJobs: [], jobs: [], asked: [], mode: 'well' };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://kubernetes');
    state.asked.push(`${request.method} ${url.pathname}`);
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const refuse = (code: number, reason: string, message: string) =>
      answer(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
    if (state.mode === 'hang') return;
    if (state.mode === 'break') return refuse(500, 'InternalError', 'etcd: canary-detail');
    if (request.headers.authorization !== 'Bearer account-token') return refuse(401, 'Unauthorized', 'Unauthorized');
    if (state.mode === 'refuse') return refuse(403, 'Forbidden', 'cronjobs.batch is forbidden: canary-detail');
    const [, kind] = new RegExp(`^/apis/batch/v1/namespaces/${namespace}/(cronjobs|jobs)$`).exec(url.pathname) ?? [];
    const store = kind === 'cronjobs' ? state.cronJobs : kind === 'jobs' ? state.jobs : undefined;
    if (!store) return refuse(404, 'NotFound', 'not found');
    if (request.method === 'GET') {
      const [label = '', value] = (url.searchParams.get('labelSelector') ?? '').split('=');
      const items = store.filter(({ metadata }) => label === '' || metadata.labels?.[label] === value);
      return answer(200, { apiVersion: 'batch/v1', kind: 'List', metadata: { resourceVersion: '1' }, items });
    }
    if (request.method !== 'POST' || kind !== 'jobs') return refuse(405, 'MethodNotAllowed', 'not allowed');
    let text = '';
    for await (const chunk of request) text += chunk;
    const given: V1Job = JSON.parse(text);
    const name = given.metadata?.name ?? '';
    if (name === '' || name.length > 63) return refuse(422, 'Invalid', 'name');
    if (state.jobs.some(({ metadata }) => metadata.name === name)) return refuse(409, 'AlreadyExists', name);
    if (given.metadata?.ownerReferences?.some((owner) => owner.blockOwnerDeletion)) {
      return refuse(403, 'Forbidden', 'cannot set blockOwnerDeletion');
    }
    const created: StoredObject = JSON.parse(text);
    Object.assign(created.metadata, { namespace, uid: `uid-${name}`, creationTimestamp: new Date().toISOString() });
    created.status = {};
    state.jobs.push(created);
    return answer(201, created);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = new KubeConfig();
  // The client takes plain http only where it is told not to verify TLS.
  config.loadFromOptions({
    clusters: [{ name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'account', token: 'account-token' }],
    contexts: [{ name: 'test', cluster: 'test', user: 'account', namespace }],
    currentContext: 'test',
  });
  return Object.assign(state, {
    config,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

const LABELS = { 'app.kubernetes.io/name': 'livechat-marketo-sync', 'app.kubernetes.io/instance': 'shop' };

/** A CronJob as the chart renders it and the controller keeps it. */
export function cronJob(
  component: 'sync' | 'digest',
  spec: Partial<V1CronJob['spec'] & object> = {},
  status: Record<string, unknown> = {},
): StoredObject {
  const labels = { ...LABELS, 'app.kubernetes.io/component': component };
  return {
    metadata: {
      name: `shop-livechat-marketo-sync-${component}`,
      uid: `uid-${component}`,
      namespace: 'marketing',
      creationTimestamp: '2026-11-01T00:00:00Z',
      labels,
    },
    spec: {
      schedule: component === 'sync' ? '7 * * * *' : '30 6 * * *',
      timeZone: component === 'sync' ? 'Etc/UTC' : 'Europe/Berlin',
      concurrencyPolicy: 'Forbid',
      suspend: false,
      jobTemplate: {
        metadata: { labels, annotations: { 'example.com/team': 'marketing' } },
        spec: {
          activeDeadlineSeconds: 3000,
          backoffLimit: 2,
          podReplacementPolicy: 'Failed',
          ttlSecondsAfterFinished: 86_400,
          template: {
            metadata: { labels },
            spec: {
              restartPolicy: 'Never',
              containers: [{ name: component, image: 'sync:1', args: [component], env: [{ name: 'X', value: '1' }] }],
            },
          },
        },
      },
      ...spec,
    },
    status,
  };
}

/** A Job of the release: scheduled where it has a time, else by hand. */
export function job(
  component: 'sync' | 'digest',
  name: string,
  created: string,
  status: Record<string, unknown>,
  scheduled?: string,
): StoredObject {
  return {
    metadata: {
      name: `shop-livechat-marketo-sync-${component}-${name}`,
      uid: `uid-${name}`,
      namespace: 'marketing',
      creationTimestamp: created,
      labels: { ...LABELS, 'app.kubernetes.io/component': component },
      annotations: scheduled
        ? { 'batch.kubernetes.io/cronjob-scheduled-timestamp': scheduled }
        : { 'cronjob.kubernetes.io/instantiate': 'manual' },
    },
    spec: {},
    status,
  };
}

/** A release at work: the schedules, a scheduled run that was done, one that failed, and one that a person has started. */
export function tellCluster(kubernetes: Kubernetes): void {
  const at = (minutes: number) => `${new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19)}Z`;
  kubernetes.cronJobs.push(
    cronJob('sync', {}, { lastScheduleTime: at(40), lastSuccessfulTime: at(100) }),
    cronJob('digest', { suspend: true }, { lastScheduleTime: at(900), lastSuccessfulTime: at(899) }),
  );
  kubernetes.jobs.push(
    job(
      'sync',
      '29401207',
      at(101),
      { startTime: at(101), completionTime: at(100), conditions: [{ type: 'Complete', status: 'True' }] },
      at(101),
    ),
    job(
      'sync',
      '29401267',
      at(40),
      {
        startTime: at(40),
        conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', lastTransitionTime: at(38) }],
      },
      at(40),
    ),
    job('sync', 'backfill-of-january', at(3), { startTime: at(3), active: 1 }),
  );
}
