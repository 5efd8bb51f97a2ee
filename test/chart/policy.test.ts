import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../../services/shared/runtime/config.ts';
import { DEFAULT_CLIENT } from '../sandbox/marketo/server.ts';
import { LIVECHAT_ACCOUNT } from '../sandbox/sandbox.ts';
import { hasLabels, meets, selector as podSelector } from './reach.ts';
import {
  CASES,
  CHART,
  type Container,
  canRender,
  given,
  type KubeObject,
  one,
  podsOf,
  render,
  secretData,
} from './render.ts';

/** What reviewers of a cluster ask of every workload, after the rules of kube-linter and kube-score. */
describe.skipIf(!canRender).each(CASES)('%s (skipped where there is no helm)', (file) => {
  const objects = canRender ? render(given(file)) : [];
  const pods = podsOf(objects);
  const containers = pods.flatMap(({ owner, spec }) =>
    [...spec.initContainers, ...spec.containers].map((one) => ({ owner, spec, one })),
  );
  const selectable = objects.filter(({ kind }) => kind === 'Service');

  test('every pod runs as nobody, without capabilities, on a file system that it cannot write', () => {
    for (const { spec } of pods) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(spec.enableServiceLinks).toBe(false);
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'])
        expect(spec[key]).toBeUndefined();
      expect(spec.volumes.filter((volume) => 'hostPath' in volume)).toEqual([]);
    }
    for (const { one } of containers) {
      expect([one.name, one.securityContext]).toEqual([
        one.name,
        { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      ]);
    }
  });

  test('every container has a fixed image, requests, and limits of memory and disk, but none of CPU', () => {
    for (const { one } of containers) {
      expect(one.image).toMatch(/(?::[\w.-]+|@sha256:[0-9a-f]{64})$/);
      expect(one.image).not.toMatch(/:latest$/);
      expect(Object.keys(one.resources?.requests ?? {}).sort()).toEqual(['cpu', 'ephemeral-storage', 'memory']);
      expect(Object.keys(one.resources?.limits ?? {}).sort()).toEqual(['ephemeral-storage', 'memory']);
    }
  });

  test('no variable is set twice, none carries a secret in plain text, and each is a setting', () => {
    const plain = /password|secret|token|_PAT$|^DATABASE_URL$|^SMTP_URL$/i;
    for (const { one } of containers) {
      const names = one.env.map(({ name }) => name);
      expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
      for (const { name, value } of one.env) {
        if (value === undefined || !plain.test(name)) continue;
        // An address without a password in it is none.
        expect(['DATABASE_URL', 'SMTP_URL']).toContain(name);
        expect([name, new URL(value).password]).toEqual([name, '']);
      }
      if (['sync', 'digest', 'status', 'migrate', 'doctor'].includes(one.name)) {
        expect(names.filter((name) => !isKnown(name))).toEqual([]);
      }
    }
  });

  test('only the status service has a token of the cluster, and its Role is for what it asks', () => {
    const withToken = pods.filter(({ spec }) => spec.automountServiceAccountToken);
    const roles = objects.filter(({ kind }) => kind === 'Role');
    expect(withToken.map(({ labels }) => labels['app.kubernetes.io/component'])).toEqual(
      roles.length > 0 ? ['status'] : [],
    );
    for (const role of roles) {
      const rules = z.array(
        z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
      );
      const [reading, ...more] = rules.parse(role['rules']);
      expect(reading).toEqual({ apiGroups: ['batch'], resources: ['cronjobs', 'jobs'], verbs: ['list'] });
      const mayRun = ['inline-secrets-values.yaml', 'everything-values.yaml'].includes(file);
      expect(more).toEqual(mayRun ? [{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['create'] }] : []);
    }
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding');
    expect(bindings.map(({ roleRef, subjects }) => ({ roleRef, subjects }))).toEqual(
      withToken.map(({ spec }, at) => ({
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roles[at]?.metadata.name },
        subjects: [{ kind: 'ServiceAccount', name: spec.serviceAccountName, namespace: 'chats' }],
      })),
    );
    // The Role is of an account that no other pod has.
    const others = pods.filter((pod) => !withToken.includes(pod)).map(({ spec }) => spec.serviceAccountName);
    for (const { spec } of withToken) expect(others).not.toContain(spec.serviceAccountName);
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
  });

  test('every service account, Secret, ConfigMap and volume that is named is there, or the user’s', () => {
    const accounts = ['default', ...objects.filter(({ kind }) => kind === 'ServiceAccount').map(nameOf)];
    expect(pods.filter(({ spec }) => !accounts.includes(spec.serviceAccountName))).toEqual([]);
    const secrets = objects.filter(({ kind }) => kind === 'Secret');
    const own = secrets[0] ? secretData(secrets[0]) : {};
    const chosen = secretsIn(parse(readFileSync(`${CHART}/ci/${file}`, 'utf8')));
    for (const { name, key } of containers.flatMap(({ one }) => secretRefs(one))) {
      if (secrets.some((secret) => nameOf(secret) === name)) expect(Object.keys(own)).toContain(key);
      else expect(chosen).toContain(name);
    }
    for (const { spec, one } of containers) {
      const volumes = spec.volumes.map(({ name }) => name);
      expect(one.volumeMounts.filter(({ name }) => !volumes.includes(name))).toEqual([]);
    }
    const claims = objects.filter(({ kind }) => kind === 'PersistentVolumeClaim').map(nameOf);
    const claimed = [...JSON.stringify(pods.map(({ spec }) => spec)).matchAll(/"claimName":"([^"]+)"/g)].map(
      ([, claim]) => claim,
    );
    expect(claimed).toEqual(claims);
    const maps = objects.filter(({ kind }) => kind === 'ConfigMap').map(nameOf);
    for (const { spec } of pods) {
      for (const volume of spec.volumes) {
        const map = z.object({ configMap: z.object({ name: z.string() }) }).safeParse(volume).data?.configMap.name;
        if (map !== undefined && volume.name === 'rules') expect(maps).toContain(map);
      }
    }
  });

  test('what server-side apply compares as a whole is said whole, or an unchanged value would be a conflict', () => {
    const parts = objects.flatMap(partsOf);
    const references = parts.filter((part) => 'fieldPath' in part);
    expect(references.filter(({ apiVersion }) => apiVersion !== 'v1')).toEqual([]);
    const ports = objects
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .flatMap(partsOf)
      .filter((part) => 'port' in part);
    expect(ports.filter(({ protocol }) => protocol === undefined)).toEqual([]);
    // Keys that are gone from stringData stay in the cluster; those of data go.
    expect(parts.filter((part) => 'stringData' in part)).toEqual([]);
  });

  test('every Service and every policy meets pods, and every port that is named is there', () => {
    for (const service of selectable) {
      const { selector, ports } = z
        .object({ selector: z.record(z.string(), z.string()), ports: z.array(z.object({ targetPort: z.string() })) })
        .parse(service['spec']);
      const met = pods.filter(({ labels }) => hasLabels(labels, selector));
      expect([nameOf(service), met.length]).toEqual([nameOf(service), 1]);
      const offered = met.flatMap(({ spec }) => spec.containers.flatMap(({ ports }) => ports.map(({ name }) => name)));
      for (const { targetPort } of ports) expect(offered).toContain(targetPort);
    }
    for (const { one } of containers) {
      const named = [...JSON.stringify([one.livenessProbe, one.readinessProbe]).matchAll(/"port":"([a-z]+)"/g)];
      for (const [, port] of named) expect(one.ports.map(({ name }) => name)).toContain(port);
    }
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
    for (const { labels } of policies.length > 0 ? pods : []) {
      const selecting = policies.filter((policy) => selects(policy, labels));
      expect([labels['app.kubernetes.io/component'], selecting.length]).toEqual([
        labels['app.kubernetes.io/component'],
        1,
      ]);
    }
    for (const policy of policies) {
      expect([nameOf(policy), pods.some(({ labels }) => selects(policy, labels))]).toEqual([nameOf(policy), true]);
    }
  });

  test('Prometheus is led to a port of a Service that has the metrics', () => {
    for (const monitor of objects.filter(({ kind }) => kind === 'ServiceMonitor')) {
      const { selector, endpoints } = z
        .object({
          selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
          endpoints: z.array(z.object({ port: z.string(), path: z.string() })),
        })
        .parse(monitor['spec']);
      const met = selectable.filter(({ metadata }) => hasLabels(metadata.labels ?? {}, selector.matchLabels));
      expect(met.map(nameOf)).toEqual([expect.stringMatching(/-status$/)]);
      expect(endpoints).toEqual([{ port: 'http', path: '/metrics' }]);
      expect(met[0]?.['spec']).toMatchObject({ ports: [{ name: 'http', targetPort: 'http' }] });
    }
  });

  test('the rules are where the program looks for them, and are those of the values', () => {
    for (const { spec, one } of containers) {
      const file = one.env.find(({ name }) => name === 'RULES_FILE')?.value;
      if (file === undefined) {
        expect(one.volumeMounts.filter(({ name }) => name === 'rules')).toEqual([]);
        continue;
      }
      const mount = one.volumeMounts.find(({ mountPath }) => mountPath === dirname(file));
      const volume = z
        .object({ configMap: z.strictObject({ name: z.string() }) })
        .parse(spec.volumes.find(({ name }) => name === mount?.name));
      const map = objects.find((object) => object.kind === 'ConfigMap' && nameOf(object) === volume.configMap.name);
      expect(map?.['data']).toEqual({ [basename(file)]: readFileSync('rules.yaml', 'utf8') });
    }
    expect(containers.filter(({ one }) => one.env.some(({ name }) => name === 'RULES_FILE')).length).toBe(2);
  });

  test('what runs for ever has probes, which differ; a pod that ends has none', () => {
    for (const { owner, one } of containers) {
      const stays = ['Deployment', 'StatefulSet'].includes(owner.kind) && one.ports.length > 0;
      expect([one.name, one.livenessProbe !== undefined, one.readinessProbe !== undefined]).toEqual([
        one.name,
        stays,
        stays,
      ]);
      if (stays) expect(one.livenessProbe).not.toEqual(one.readinessProbe);
    }
  });

  test('a selector names what never changes, and its pods bear it', () => {
    for (const object of objects.filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind))) {
      const selector = z
        .object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) })
        .parse(object['spec']).selector.matchLabels;
      expect(Object.keys(selector).sort()).toEqual(
        ['component', 'instance', 'name'].map((label) => `app.kubernetes.io/${label}`),
      );
      const pod = pods.find(({ owner }) => owner === object);
      expect(pod && hasLabels(pod.labels, selector)).toBe(true);
    }
  });

  test('every object says what it belongs to, in labels that Kubernetes takes, and none a namespace', () => {
    for (const object of objects.filter(({ metadata }) => !/-(?:more|text)$/.test(metadata.name))) {
      expect(object.metadata.labels).toMatchObject({
        'app.kubernetes.io/instance': 'lcm',
        'app.kubernetes.io/managed-by': 'Helm',
      });
      for (const value of Object.values(object.metadata.labels ?? {}))
        expect(value).toMatch(/^[A-Za-z0-9][\w.-]{0,62}$/);
      expect(object.metadata['namespace']).toBeUndefined();
    }
    const keys = objects.map((object) => `${object.kind}/${nameOf(object)}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('a CronJob has a deadline, a time zone, and Jobs that end', () => {
    for (const object of objects.filter(({ kind }) => kind === 'CronJob')) {
      expect(object['spec']).toMatchObject({
        concurrencyPolicy: 'Forbid',
        timeZone: expect.any(String),
        startingDeadlineSeconds: expect.any(Number),
        jobTemplate: {
          spec: {
            activeDeadlineSeconds: expect.any(Number),
            ttlSecondsAfterFinished: expect.any(Number),
            podReplacementPolicy: 'Failed',
            podFailurePolicy: {
              rules: [
                { action: 'FailJob', onExitCodes: { operator: 'In', values: [64, 69, 77, 78] } },
                { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
              ],
            },
            template: { spec: { restartPolicy: 'Never' } },
          },
        },
      });
    }
  });
});

describe.skipIf(!canRender)('values and the program say the same', () => {
  test('what the sandbox’s Secret has is what the sandbox takes', () => {
    const secret = one(render(given('try-out-values.yaml')), 'Secret');
    expect(secretData(secret)).toMatchObject({
      'livechat-account-id': LIVECHAT_ACCOUNT.accountId,
      'livechat-pat': LIVECHAT_ACCOUNT.pat,
      'marketo-client-id': DEFAULT_CLIENT.clientId,
      'marketo-client-secret': DEFAULT_CLIENT.clientSecret,
    });
  });

  test('the defaults of values.yaml are those of the program', () => {
    const pods = podsOf(render(given('inline-secrets-values.yaml')));
    const chosen = new Set([
      'DATABASE_URL',
      'DATABASE_WAIT',
      'DIGEST_FROM',
      'DIGEST_TO',
      'DIGEST_HEARTBEAT',
      'RULES_FILE',
    ]);
    const compared = pods
      .flatMap(({ spec }) => spec.containers.flatMap(({ env }) => env))
      .flatMap(({ name, value }) => {
        const setting = Object.entries(SETTINGS).find(([key]) => key === name)?.[1];
        return value !== undefined && setting?.need === 'optional' && !chosen.has(name)
          ? [[name, value, setting.default]]
          : [];
      });
    expect(compared.filter(([, value, standard]) => value !== standard)).toEqual([]);
    expect(compared.length).toBeGreaterThan(20);
  });

  test('every setting can be set, by a value or for one run', () => {
    const everywhere = CASES.flatMap((file) => podsOf(render(given(file)))).flatMap(({ spec }) =>
      [...spec.initContainers, ...spec.containers].flatMap(({ env }) => env.map(({ name }) => name)),
    );
    const ofOneRun = [
      'SYNC_TO',
      'SYNC_AUDIT',
      'SYNC_DRY_RUN',
      'SYNC_SHOW_VALUES',
      'SYNC_REPLAY_DEAD',
      'SYNC_DEAD_CODE',
    ];
    expect(Object.keys(SETTINGS).filter((name) => !everywhere.includes(name) && !ofOneRun.includes(name))).toEqual([]);
  });
});

/** STATUS_TOKEN and KUBERNETES_… are the status service’s own; PGPASSWORD is the Postgres client’s. */
function isKnown(name: string): boolean {
  const others = ['PGPASSWORD', 'PGSSLMODE', 'NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'STATUS_TOKEN'];
  return name in SETTINGS || others.includes(name) || name.startsWith('KUBERNETES_');
}

function nameOf(object: KubeObject): string {
  return object.metadata.name;
}

function secretRefs({ env }: Container): { name: string; key: string }[] {
  const reference = z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) });
  return env.flatMap(({ valueFrom }) => reference.safeParse(valueFrom).data?.secretKeyRef ?? []);
}

/** The values of every existingSecret, however deep. */
function secretsIn(values: unknown): unknown[] {
  if (typeof values !== 'object' || values === null) return [];
  return Object.entries(values).flatMap(([key, value]) => (key === 'existingSecret' ? [value] : secretsIn(value)));
}

function selects(policy: KubeObject, labels: Record<string, string>): boolean {
  return meets(z.object({ podSelector }).parse(policy['spec']).podSelector, labels);
}

/** Each object in a value, however deep. */
function partsOf(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (value === null || typeof value !== 'object') return [];
  return [{ ...value }, ...Object.values(value).flatMap(partsOf)];
}
