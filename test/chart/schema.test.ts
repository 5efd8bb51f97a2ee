import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { CronJob } from 'kubernetes-models/batch/v1/CronJob';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { describe, expect, test } from 'vitest';
import { CASES, CHART, canRender, given, helm, type KubeObject, one, render } from './render.ts';

/** What validates each kind, and where its types are. */
const KINDS: Record<string, { from: string; Model: new (object: never) => { validate(): void } }> = {
  CronJob: { from: 'kubernetes-models/batch/v1/CronJob', Model: CronJob },
  Job: { from: 'kubernetes-models/batch/v1/Job', Model: Job },
  Deployment: { from: 'kubernetes-models/apps/v1/Deployment', Model: Deployment },
  StatefulSet: { from: 'kubernetes-models/apps/v1/StatefulSet', Model: StatefulSet },
  PersistentVolumeClaim: { from: 'kubernetes-models/v1/PersistentVolumeClaim', Model: PersistentVolumeClaim },
  Pod: { from: 'kubernetes-models/v1/Pod', Model: Pod },
  Service: { from: 'kubernetes-models/v1/Service', Model: Service },
  Secret: { from: 'kubernetes-models/v1/Secret', Model: Secret },
  ConfigMap: { from: 'kubernetes-models/v1/ConfigMap', Model: ConfigMap },
  ServiceAccount: { from: 'kubernetes-models/v1/ServiceAccount', Model: ServiceAccount },
  Role: { from: 'kubernetes-models/rbac.authorization.k8s.io/v1/Role', Model: Role },
  RoleBinding: { from: 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding', Model: RoleBinding },
  NetworkPolicy: { from: 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy', Model: NetworkPolicy },
  PodDisruptionBudget: { from: 'kubernetes-models/policy/v1/PodDisruptionBudget', Model: PodDisruptionBudget },
  ServiceMonitor: {
    from: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor',
    Model: ServiceMonitor,
  },
  PrometheusRule: {
    from: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule',
    Model: PrometheusRule,
  },
};

describe.skipIf(!canRender)('every set of values in ci/ (skipped where there is no helm)', () => {
  test.each(CASES)('%s: helm lint finds nothing', (file) => {
    const { status, stdout } = helm(['lint', '--strict', CHART, ...given(file)]);
    expect([status, stdout.match(/\[(?:WARNING|ERROR)\].*/g)]).toEqual([0, null]);
  });

  test.each(CASES)('%s: every object has the values that its kind takes', (file) => {
    expectValid(render(given(file)));
  });

  const lookalikes = ['123', '1e3', '0x1', 'on', 'no', 'true', 'null', '2026-01-01', '12-30'];

  test.each(lookalikes)('what is called %s everywhere stays a text', (text) => {
    const keys = { 'livechat.secretKeys.accountId': text, 'marketo.secretKeys.clientId': text };
    const secrets = ['database', 'livechat', 'marketo', 'smtp', 'status', 'migrations'];
    const needed = { database: 'uri', livechat: 'pat', marketo: 'clientSecret', smtp: 'url', status: 'token' };
    const values = {
      ...Object.fromEntries(secrets.map((one) => [`${one}.existingSecret`, text])),
      ...Object.fromEntries(Object.entries(needed).map(([one, key]) => [`${one}.secretKeys.${key}`, text])),
      ...keys,
      'livechat.accountId': '',
      'marketo.clientId': '',
      'migrations.secretKeys.uri': text,
      'migrations.grantTo': text,
      fullnameOverride: 'lcm',
      nameOverride: text,
      'serviceAccount.name': text,
      'serviceAccount.statusName': `${text}-1`,
      priorityClassName: text,
      imagePullSecrets: [{ name: text }],
      podLabels: { team: text },
      podAnnotations: { team: text },
      nodeSelector: { team: text },
      'serviceAccount.annotations': { team: text },
      'status.service.annotations': { team: text },
      'metrics.serviceMonitor.labels': { team: text },
      'digest.from': `${text} <a@b.c>`,
      extraEnv: [{ name: 'PGSSLMODE', value: text }],
    };
    const everything = render(given('production-values.yaml', values), text, text);
    expectValid(everything);
    const others = { 'migrations.mode': 'hook', 'serviceAccount.name': 'jobs', 'serviceAccount.statusName': text };
    expectValid(render(given('production-values.yaml', { ...values, ...others }), text, text));
    expect(JSON.stringify(everything)).toContain(`{"secretKeyRef":{"name":"${text}","key":"${text}"}}`);
    expect(JSON.stringify(everything)).toContain(`"namespace":"${text}"`);
  });

  test.each(lookalikes.filter((text) => /^[a-z]/.test(text)))('objects whose whole name is %s', (text) => {
    const set = { fullnameOverride: text, 'postgresql.persistence': { enabled: true, storageClass: text } };
    const objects = render(given('everything-values.yaml', set));
    expectValid(objects);
    expect(objects.filter(({ metadata }) => metadata.name === text).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['Secret', 'ServiceAccount', 'ServiceMonitor', 'PrometheusRule']),
    );
  });

  test('a secret whose Base64 is all figures stays one', () => {
    const objects = render(given('inline-secrets-values.yaml', { 'livechat.pat': 'Ӎ4' }));
    expectValid(objects);
    expect(one(objects, 'Secret')['data']).toMatchObject({ 'livechat-pat': '0400' });
  });

  test('labels of the user’s may stand in place of the chart’s', () => {
    const labels = { 'app.kubernetes.io/part-of': 'shop', 'app.kubernetes.io/version': '1' };
    const set = {
      podLabels: labels,
      metrics: { serviceMonitor: { enabled: true, labels }, prometheusRule: { enabled: true, labels } },
      'grafana.dashboard.labels': labels,
    };
    const objects = render(given('everything-values.yaml', { ...set, 'metrics.runbookUrl': 'https://x.example' }));
    expectValid(objects);
    for (const kind of ['Pod', 'ServiceMonitor', 'PrometheusRule']) {
      expect(objects.find((object) => object.kind === kind)?.metadata.labels, kind).toMatchObject(labels);
    }
  });

  test('no object has a field that its kind does not know', () => {
    const objects = CASES.flatMap((file) => render(given(file)));
    expect(unknownFields(objects)).toEqual([]);
    expect(new Set(objects.map(({ kind }) => kind))).toEqual(new Set(Object.keys(KINDS)));
  });

  test('a field with a slip in its name would be found', () => {
    const [pod] = render(given('try-out-values.yaml')).filter(({ kind }) => kind === 'Deployment');
    const wrong = JSON.parse(JSON.stringify(pod).replace('"securityContext"', '"securityContex"'));
    expect(unknownFields([wrong]).join()).toMatch(/securityContex.* does not exist/);
  });
});

function expectValid(objects: readonly KubeObject[]): void {
  for (const object of objects) {
    const kind = KINDS[object.kind];
    expect([object.kind, kind !== undefined]).toEqual([object.kind, true]);
    // Whether it is one is what is asked here.
    const model = kind && new kind.Model(object as never);
    expect(() => model?.validate(), `${object.kind} ${object.metadata.name}`).not.toThrow();
  }
}

/** TypeScript refuses what an object literal has too much; the schemas, like an API server of old, let it pass. */
function unknownFields(objects: readonly KubeObject[]): string[] {
  // Within the repository, so that the packages with the types are found.
  const folder = mkdtempSync(resolve('node_modules/.cache/objects-'));
  try {
    const imports = Object.entries(KINDS).map(([kind, { from }]) => `import type { I${kind} } from '${from}';`);
    const constants = objects.map(
      (object, index) => `export const o${index}: I${object.kind} = ${JSON.stringify(object)};`,
    );
    writeFileSync(join(folder, 'objects.ts'), `${imports.join('\n')}\n${constants.join('\n')}\n`);
    const options = { noEmit: true, strict: true, module: 'nodenext', target: 'es2024', skipLibCheck: true, types: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['objects.ts'] }));
    const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', folder], { encoding: 'utf8' });
    return status === 0 ? [] : stdout.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
