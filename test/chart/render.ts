import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { tools } from './tools.ts';

export const CHART = 'charts/livechat-marketo-sync';

const programs = tools();
/** Whether the chart can be rendered on this machine; each suite that cannot says so. */
export const canRender = programs !== undefined;
if (!canRender)
  process.stderr.write('SKIPPED: there is no helm and kubectl for this machine, the chart was not rendered\n');

/** A rendered object, as far as all have the same. */
export const kubeObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});
export type KubeObject = z.infer<typeof kubeObject>;

/** The sets of values in ci/, one a feature. */
export const CASES = readdirSync(`${CHART}/ci`).sort();

/** Arguments of helm: a case's values, with others on top. */
export function given(file: string, set: Record<string, unknown> = {}): string[] {
  const more = Object.entries(set).flatMap(([path, value]) => ['--set-json', `${path}=${JSON.stringify(value)}`]);
  return ['--values', `${CHART}/ci/${file}`, ...more];
}

export type Ran = { status: number | null; stdout: string; stderr: string };

export function helm(args: readonly string[], input?: string): Ran {
  return run(programs?.helm, args, input);
}

export function kubectl(args: readonly string[], input?: string): Ran {
  return run(programs?.kubectl, args, input);
}

function run(program: string | undefined, args: readonly string[], input?: string): Ran {
  if (program === undefined) throw new Error('helm and kubectl are not there: see canRender');
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    // No cluster of whoever runs the tests is ever asked.
    env: { ...process.env, KUBECONFIG: '/dev/null' },
    ...(input === undefined ? {} : { input }),
  });
  return { status, stdout, stderr };
}

/** What `helm template` writes for each of these lists of arguments, as text: as many at a time as there are processors. */
export async function renderTexts(all: readonly (readonly string[])[]): Promise<string[]> {
  const limit = pLimit(availableParallelism());
  const options = { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, KUBECONFIG: '/dev/null' } };
  return Promise.all(
    all.map((args) =>
      limit(async () => {
        if (programs === undefined) throw new Error('helm is not there: see canRender');
        const whole = ['template', 'lcm', CHART, '--namespace', 'chats', ...args];
        return (await promisify(execFile)(programs.helm, whole, options)).stdout;
      }),
    ),
  );
}

/** What `helm template` makes of these values: every object, hooks included, as Kubernetes reads them. */
export function render(args: readonly string[], release = 'lcm', namespace = 'chats'): KubeObject[] {
  const { status, stdout, stderr } = helm(['template', release, CHART, '--namespace', namespace, ...args]);
  if (status !== 0) throw new Error(`helm template ended with ${status}: ${stderr}`);
  // Kubernetes reads YAML 1.1, where on is true, and a text with two of one key is refused.
  return parseAllDocuments(stdout, { version: '1.1' }).flatMap((document) => {
    if (!('toJS' in document)) return [];
    const [mistake] = document.errors;
    if (mistake) throw mistake;
    const value: unknown = document.toJS();
    return value === null ? [] : [kubeObject.parse(value)];
  });
}

const env = z.array(
  z.looseObject({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }),
);
export const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  env: env.default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
  securityContext: z.looseObject({}).default({}),
  resources: z
    .looseObject({ requests: z.record(z.string(), z.string()), limits: z.record(z.string(), z.string()) })
    .optional(),
  livenessProbe: z.unknown().optional(),
  readinessProbe: z.unknown().optional(),
});
export type Container = z.infer<typeof container>;
export const podSpec = z.looseObject({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.boolean(),
  enableServiceLinks: z.boolean(),
  restartPolicy: z.string().optional(),
  securityContext: z.looseObject({}),
  initContainers: z.array(container).default([]),
  containers: z.array(container),
  volumes: z.array(z.looseObject({ name: z.string() })).default([]),
});
const texts = z.record(z.string(), z.string());
const template = z.object({
  metadata: z.looseObject({ labels: texts, annotations: texts.default({}) }),
  spec: podSpec,
});

export type Pod = {
  owner: KubeObject;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  spec: z.infer<typeof podSpec>;
};

/** Every pod that these objects come to. */
export function podsOf(objects: readonly KubeObject[]): Pod[] {
  return objects.flatMap((owner) => {
    if (owner.kind === 'Pod') {
      const { labels = {}, annotations = {} } = owner.metadata;
      return { owner, labels, annotations, spec: podSpec.parse(owner['spec']) };
    }
    const within =
      owner.kind === 'CronJob'
        ? z.object({ jobTemplate: z.object({ spec: z.object({ template }) }) }).parse(owner['spec']).jobTemplate.spec
            .template
        : ['Deployment', 'StatefulSet', 'Job'].includes(owner.kind)
          ? z.object({ template }).parse(owner['spec']).template
          : undefined;
    return within ? { owner, ...within.metadata, spec: within.spec } : [];
  });
}

/** The one object of a kind whose name ends so. */
export function one(objects: readonly KubeObject[], kind: string, ending = ''): KubeObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name.endsWith(ending));
  const [object] = found;
  if (!object || found.length > 1) throw new Error(`${found.length} objects are ${kind} …${ending}`);
  return object;
}

/** What a Secret holds, decoded. */
export function secretData(secret: KubeObject): Record<string, string> {
  const data = z.record(z.string(), z.string()).parse(secret['data']);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** The first container of the one object of a kind whose name ends so. */
export function containerOf(objects: readonly KubeObject[], kind: string, ending = ''): Container {
  const container = podsOf([one(objects, kind, ending)])[0]?.spec.containers[0];
  if (!container) throw new Error(`${kind} …${ending} has no container`);
  return container;
}

/**
 * What the chart's templates say of expressions, such as `include "lcm.cron" "7 * * * *"`; all in one rendering, as objects
 * that it renders for its user.
 */
export function said(expressions: readonly string[]): string[] {
  const extraObjects = expressions.map((expression, at) =>
    [
      'apiVersion: v1',
      'kind: ConfigMap',
      `metadata: { name: said-${at} }`,
      'data:',
      `  text: {{ ${expression} | quote }}`,
    ].join('\n'),
  );
  const objects = render(given('minimal-values.yaml', { extraObjects }));
  const data = z.object({ text: z.string() });
  return expressions.map((_, at) => {
    const made = objects.find(({ metadata }) => metadata.name === `said-${at}`);
    return data.parse(made?.['data']).text;
  });
}
