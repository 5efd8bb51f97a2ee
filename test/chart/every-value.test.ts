import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { valuesOf } from '../../scripts/chart-doc.ts';
import { CHART, canRender, given, helm, renderTexts } from './render.ts';

// Some 150 renderings of a tenth of a second each.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

type Values = Record<string, unknown>;

const RESOURCES = { requests: { cpu: '41m' }, limits: { memory: '41Mi' } };

/** Every value that there is, on top of a case in which it counts, as neither that nor a default has it. */
const CHANGED: { file: string; beside?: Values; values: Values }[] = [
  {
    file: 'production-values.yaml',
    values: {
      nameOverride: 'canary',
      fullnameOverride: 'canary',
      'image.registry': 'canary.example.com',
      'image.repository': 'canary/image',
      'image.tag': 'canary',
      'image.digest': `sha256:${'c'.repeat(64)}`,
      'image.pullPolicy': 'Always',
      imagePullSecrets: [{ name: 'canary' }],
      logLevel: 'trace',
      'database.existingSecret': 'canary',
      'database.secretKeys.uri': 'canary',
      'database.schema': 'canary',
      'migrations.mode': 'hook',
      'livechat.endpoint': 'https://canary.example.com',
      'livechat.accountId': 'canary',
      'livechat.existingSecret': 'canary',
      'livechat.secretKeys.pat': 'canary',
      'marketo.endpoint': 'https://canary.mktorest.com',
      'marketo.clientId': 'canary',
      'marketo.existingSecret': 'canary',
      'marketo.secretKeys.clientSecret': 'canary',
      'marketo.profile': 'exclusive',
      'marketo.callsPerWindow': 41,
      'marketo.windowSeconds': 41,
      'marketo.concurrency': 7,
      'marketo.batchSize': 41,
      'marketo.pace': '41s',
      'marketo.readTimeout': '41s',
      'marketo.writeTimeout': '41s',
      'marketo.dailyCalls': 41,
      'marketo.dailyQuota': 41_000,
      'smtp.existingSecret': 'canary',
      'smtp.secretKeys.url': 'canary',
      'sync.schedule': '41 * * * *',
      'sync.timeZone': 'Asia/Kathmandu',
      'sync.suspend': true,
      'sync.startingDeadlineSeconds': 41,
      'sync.activeDeadlineSeconds': 41,
      'sync.backoffLimit': 5,
      'sync.ttlSecondsAfterFinished': 4141,
      'sync.successfulJobsHistoryLimit': 41,
      'sync.failedJobsHistoryLimit': 41,
      'sync.from': '2024-04-01T00:00:00Z',
      'sync.overlap': '41h',
      'sync.settle': '41m',
      'sync.patience': '41s',
      'sync.maxAttempts': 41,
      'sync.excludedDomains': ['canary.example.com'],
      'sync.resources': RESOURCES,
      'digest.enabled': false,
      'digest.schedule': '41 4 * * *',
      'digest.timeZone': 'Asia/Kathmandu',
      'digest.suspend': true,
      'digest.from': 'canary@example.com',
      'digest.to': ['canary@example.com'],
      'digest.heartbeat': true,
      'digest.startingDeadlineSeconds': 41,
      'digest.activeDeadlineSeconds': 441,
      'digest.backoffLimit': 5,
      'digest.ttlSecondsAfterFinished': 4141,
      'digest.successfulJobsHistoryLimit': 41,
      'digest.failedJobsHistoryLimit': 41,
      'digest.retention.visitors': '41d',
      'digest.retention.changes': '41d',
      'digest.retention.errors': '41d',
      'digest.retention.calls': '41d',
      'digest.retention.runs': '41d',
      'digest.retention.digests': '41d',
      'digest.resources': RESOURCES,
      'status.replicas': 14,
      'status.url': 'https://canary.example.com',
      'status.existingSecret': 'canary',
      'status.secretKeys.token': 'canary',
      'status.cluster.enabled': false,
      'status.cluster.runNow': true,
      'status.service.type': 'LoadBalancer',
      'status.service.port': 41,
      'status.service.annotations': { canary: 'yellow' },
      'status.resources': RESOURCES,
      'serviceAccount.name': 'canary',
      'serviceAccount.statusName': 'canary',
      'serviceAccount.annotations': { canary: 'yellow' },
      podSecurityContext: { runAsUser: 41 },
      securityContext: { runAsUser: 41 },
      podLabels: { canary: 'yellow' },
      podAnnotations: { canary: 'yellow' },
      nodeSelector: { canary: 'yellow' },
      tolerations: [{ key: 'canary', operator: 'Exists' }],
      affinity: { podAffinity: { canary: 'yellow' } },
      priorityClassName: 'canary',
      extraEnv: [{ name: 'CANARY', value: 'yellow' }],
      extraEnvFrom: [{ secretRef: { name: 'canary' } }],
      extraVolumes: [{ name: 'canary', emptyDir: {} }],
      extraVolumeMounts: [{ name: 'canary', mountPath: '/yellow' }],
      extraInitContainers: [{ name: 'canary', image: 'yellow' }],
      extraObjects: ['{ apiVersion: v1, kind: ConfigMap, metadata: { name: canary } }'],
      'networkPolicy.enabled': false,
      'networkPolicy.ingressFrom': [{ podSelector: { matchLabels: { canary: 'yellow' } } }],
      'networkPolicy.jobPorts': [41],
      'networkPolicy.statusPorts': [41],
      'metrics.serviceMonitor.enabled': false,
      'metrics.serviceMonitor.labels': { canary: 'yellow' },
      'metrics.serviceMonitor.interval': '41s',
      'metrics.serviceMonitor.scrapeTimeout': '41s',
      'metrics.prometheusRule.enabled': false,
      'metrics.prometheusRule.labels': { canary: 'yellow' },
      'metrics.runbookUrl': 'https://canary.example.com',
      'grafana.dashboard.enabled': false,
      'grafana.dashboard.labels': { canary: 'yellow' },
      'grafana.dashboard.annotations': { canary: 'yellow' },
      rules: 'version: 1\nfields: [{ field: canary, value: yellow, write: always }]\n',
    },
  },
  {
    file: 'database-parts-values.yaml',
    values: {
      'database.existingSecret': 'canary',
      'database.secretKeys.password': 'canary',
      'database.host': 'canary.example.com',
      'database.port': 4141,
      'database.name': 'canary',
      'database.user': 'canary',
      'database.sslMode': 'disable',
      'migrations.existingSecret': 'canary',
      'migrations.secretKeys.uri': 'canary',
      'migrations.grantTo': 'canary',
      'livechat.secretKeys.accountId': 'canary',
      'marketo.secretKeys.clientId': 'canary',
      'serviceAccount.create': false,
    },
  },
  {
    file: 'inline-secrets-values.yaml',
    values: {
      'database.url': 'postgres://canary@example.com/name',
      'livechat.pat': 'canary',
      'marketo.clientSecret': 'canary',
      'smtp.url': 'smtps://canary.example.com',
      'status.enabled': false,
      'status.token': 'canaryStatusToken',
    },
  },
  {
    file: 'everything-values.yaml',
    values: {
      'status.podDisruptionBudget.enabled': false,
      'status.topologySpreadConstraints': [{ maxSkew: 41, topologyKey: 'canary', whenUnsatisfiable: 'DoNotSchedule' }],
      'grafana.alerts.enabled': false,
      'grafana.alerts.labels': { canary: 'yellow' },
      'grafana.alerts.datasourceUid': 'canary',
      'grafana.alerts.folder': 'canary',
      'sandbox.chats': 4141,
      'sandbox.chatsPerMinute': 41,
      'sandbox.resources': RESOURCES,
      'postgresql.image': 'canary.example.com/postgres:41',
      'postgresql.password': 'canary',
      'postgresql.persistence.enabled': false,
      'postgresql.persistence.size': '41Gi',
      'postgresql.persistence.storageClass': 'canary',
      'postgresql.resources': RESOURCES,
    },
  },
  // Only where the days of a month decide may it be said at all.
  {
    file: 'production-values.yaml',
    beside: { 'sync.schedule': '7 1 1 * *', 'sync.interval': '31d' },
    values: { 'sync.interval': '41d' },
  },
];

/**
 * What is never switched alone: credentials must be said without the sandbox, and may not be said with it; so with a
 * database and the chart's own. The try-out's test is on both.
 */
const NEVER_ALONE = ['sandbox.enabled', 'postgresql.enabled'];

/** Variables of the cases’ own extraEnv, and of the chart’s Postgres. */
const OTHERS = /^(NODE_EXTRA_CA_CERTS|PGSSLMODE|HTTPS_PROXY|PGDATA|POSTGRES_.*)$/;

/** Variables for which there is no value. */
const DECIDED = [
  'DATABASE_WAIT',
  'KUBERNETES_CRONJOBS',
  'KUBERNETES_NAMESPACE',
  'KUBERNETES_RELEASE',
  'RULES_FILE',
  'RUN_NAME',
  'STATUS_HOST',
  'STATUS_PORT',
];

const rows = CHANGED.flatMap(({ file, values }) =>
  Object.entries(values).map(([path, value]) => ({ file, path, value })),
);

describe.skipIf(!canRender)('every value (skipped where there is no helm)', () => {
  let texts: Awaited<ReturnType<typeof rendered>> = [];
  beforeAll(async () => {
    texts = await rendered();
  });

  test('has a row here', () => {
    const all = valuesOf(readFileSync(`${CHART}/values.yaml`, 'utf8')).map(({ path }) => path);
    expect([...new Set([...rows.map(({ path }) => path), ...NEVER_ALONE])].sort()).toEqual(all.sort());
  });

  test.each(rows.map((row, at) => ({ ...row, at })))('$path arrives: $value ($file)', ({ value, at }) => {
    const { before = '', after = '' } = texts[at] ?? {};
    expect(after).not.toBe(before);
    const known = new Set(before.split('\n'));
    const added = after.split('\n').filter((line) => !known.has(line));
    for (const text of textsIn(value))
      expect(
        added.some((line) => has(line, text)),
        text,
      ).toBe(true);
  });

  test('a variable of extraEnv that the chart sets is refused with the value that sets it, where there is one', () => {
    const decided = new Set<string>();
    const undone = [...new Set(CHANGED.map(({ file }) => file))].flatMap((file) => {
      const base = texts.find((_, at) => rows[at]?.file === file)?.before ?? '';
      const names = [...new Set([...base.matchAll(/- name: ([A-Z][A-Z0-9_]+)$/gm)].map(([, name = '']) => name))];
      const ours = names.filter((name) => !OTHERS.test(name));
      const extraEnv = ours.map((name) => ({ name, value: 'x' }));
      const { stderr } = helm(['template', 'lcm', CHART, ...given(file, { extraEnv })]);
      return ours.flatMap((name) => {
        const path = new RegExp(`extraEnv sets ${name}, which the chart sets itself: say it in (\\S+)\\.$`, 'm').exec(
          stderr,
        )?.[1];
        if (path === undefined) {
          expect(stderr).toContain(`extraEnv sets ${name}, which the chart decides: leave it out.`);
          decided.add(name);
          return [];
        }
        const isSet = rows.some(
          (row, at) => row.path === path && blocks(texts[at]?.before, name) !== blocks(texts[at]?.after, name),
        );
        return isSet ? [] : [`${name} by ${path}`];
      });
    });
    expect(undone).toEqual([]);
    expect([...decided].sort()).toEqual(DECIDED);
  });
});

/** Each row’s rendering without its value, and with it. */
async function rendered(): Promise<{ before: string; after: string }[]> {
  const found: { before: string; after: string }[] = [];
  for (const { file, beside = {}, values } of CHANGED) {
    const sets = Object.entries(values).map(([path, value]) => ({ ...beside, [path]: value }));
    const [before = '', ...afters] = await renderTexts([beside, ...sets].map((set) => given(file, set)));
    found.push(...afters.map((after) => ({ before, after })));
  }
  return found;
}

/** Texts and numbers in a value, however deep; of a text of several lines the last. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value.trim().split('\n').at(-1) ?? ''];
  if (typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** As a word, or as a Secret has it. */
function has(line: string, text: string): boolean {
  const word = new RegExp(`(?<![A-Za-z0-9])${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![A-Za-z0-9])`);
  return word.test(line) || line.includes(Buffer.from(text).toString('base64'));
}

/** What a rendering says of a variable, in all containers. */
function blocks(text = '', name: string): string {
  return [...text.matchAll(new RegExp(`- name: ${name}\\n(?: +(?!- ).*\\n){1,4}`, 'g'))]
    .map(([block]) => block)
    .join('');
}
