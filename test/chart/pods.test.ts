import { describe, expect, test } from 'vitest';
import { canRender, given, podsOf, render } from './render.ts';

const OF_POD = {
  nodeSelector: { 'example.com/pool': 'jobs' },
  tolerations: [{ key: 'example.com/pool', operator: 'Exists' }],
  affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  priorityClassName: 'low',
  imagePullSecrets: [{ name: 'pull' }],
};
const OF_METADATA = { podLabels: { 'example.com/team': 'chats' }, podAnnotations: { 'example.com/scan': 'yes' } };
const OF_CONTAINER = {
  extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/root.pem' }],
  extraEnvFrom: [{ configMapRef: { name: 'more' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/ca', readOnly: true }],
};
const OF_PRODUCT = {
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraInitContainers: [{ name: 'proxy', image: 'proxy:1', resources: { requests: {}, limits: {} } }],
};

/** Between them they have every pod that there is. */
describe.skipIf(!canRender).each([
  ['try-out-values.yaml', ['digest', 'doctor', 'postgresql', 'sandbox', 'status', 'sync']],
  ['database-parts-values.yaml', ['doctor', 'migrate', 'status', 'sync']],
])('pods of %s (skipped where there is no helm)', (file, components) => {
  const pods = canRender
    ? podsOf(render(given(file, { ...OF_POD, ...OF_METADATA, ...OF_CONTAINER, ...OF_PRODUCT }))).map((pod) => ({
        ...pod,
        component: pod.labels['app.kubernetes.io/component'] ?? '',
      }))
    : [];

  test('what is said of all pods is true of all pods', () => {
    expect(pods.map(({ component }) => component).sort()).toEqual(components);
    for (const { component, spec, labels, annotations } of pods) {
      expect(spec, component).toMatchObject(OF_POD);
      expect(labels, component).toMatchObject(OF_METADATA.podLabels);
      expect(annotations, component).toMatchObject(OF_METADATA.podAnnotations);
    }
  });

  test('what is said of the product’s pods and containers is true of each, and others’ init containers come first', () => {
    for (const { component, spec } of pods.filter(({ component }) => !['postgresql', 'sandbox'].includes(component))) {
      expect(spec.volumes, component).toEqual(expect.arrayContaining(OF_PRODUCT.extraVolumes));
      const [first, ...migrations] = spec.initContainers;
      expect(first, component).toMatchObject(OF_PRODUCT.extraInitContainers[0] ?? {});
      for (const container of [...migrations, ...spec.containers]) {
        expect(container.env, component).toEqual(expect.arrayContaining(OF_CONTAINER.extraEnv));
        expect(container.volumeMounts, component).toEqual(expect.arrayContaining(OF_CONTAINER.extraVolumeMounts));
        expect(container, component).toMatchObject({ envFrom: OF_CONTAINER.extraEnvFrom });
      }
    }
  });

  test('where the cluster chooses the users (OpenShift), no pod does; where it does not, each has one of its own', () => {
    const free = { 'podSecurityContext.runAsUser': null, 'podSecurityContext.runAsGroup': null };
    expect(JSON.stringify(podsOf(render(given(file, free))))).not.toMatch(/runAsUser|runAsGroup|fsGroup/);
    for (const { component, spec } of pods) {
      const ids =
        component === 'postgresql'
          ? { runAsUser: 999, runAsGroup: 999, fsGroup: 999 }
          : { runAsUser: 65532, runAsGroup: 65532 };
      expect(spec.securityContext, component).toEqual({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
        ...ids,
      });
    }
  });
});
