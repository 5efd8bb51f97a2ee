import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SETTINGS } from '../../services/shared/runtime/config.ts';
import { meets, selector } from './reach.ts';
import { CASES, canRender, containerOf, given, type KubeObject, one, podsOf, render } from './render.ts';

const TWO = {
  'status.replicas': 2,
  'status.podDisruptionBudget.enabled': true,
};

/** That drains, upgrades, outages and ends leave what they should. */
describe.skipIf(!canRender)('availability (skipped where there is no helm)', () => {
  test('a drain takes one pod of the status service at a time, and a broken one is in no drain’s way', () => {
    const objects = render(given('production-values.yaml', TWO));
    const budget = one(objects, 'PodDisruptionBudget');
    const { selector: chosen, ...rest } = z.looseObject({ selector }).parse(budget['spec']);
    expect(rest).toEqual({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    const met = podsOf(objects).filter(({ labels }) => meets(chosen, labels));
    expect(met.map(({ owner }) => owner)).toEqual([one(objects, 'Deployment', '-status')]);
  });

  test('several pods of the status service are spread over nodes, or as the values say', () => {
    const spread = (set: Record<string, unknown>) => {
      const [pod] = podsOf([one(render(given('production-values.yaml', set)), 'Deployment', '-status')]);
      return { labels: pod?.labels, constraints: pod?.spec['topologySpreadConstraints'] };
    };
    const { labels, constraints } = spread({ 'status.replicas': 2 });
    expect(constraints).toEqual([
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labels },
      },
    ]);
    const own = [{ maxSkew: 2, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' }];
    expect(spread({ 'status.replicas': 2, 'status.topologySpreadConstraints': own }).constraints).toEqual(own);
    expect(spread({}).constraints).toBeUndefined();
  });

  test('an upgrade takes no page away before the next is ready; of the sandbox and the database there are never two', () => {
    const objects = render(given('everything-values.yaml'));
    expect(strategyOf(objects, 'Deployment', '-status')).toEqual({ rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
    expect(strategyOf(objects, 'Deployment', '-sandbox')).toEqual({ type: 'Recreate' });
    expect(one(objects, 'StatefulSet')['spec']).toMatchObject({ replicas: 1 });
  });

  test('where the cluster has IPv6 alone, the status service and the sandbox are reached by it', () => {
    const objects = render(given('try-out-values.yaml'));
    expect(containerOf(objects, 'Deployment', '-sandbox').args).toContain('--host=::');
    expect(containerOf(objects, 'Deployment', '-status').env).toContainEqual({ name: 'STATUS_HOST', value: '::' });
  });

  test.each(CASES)('%s: a restart is for what a restart mends: no liveness probe asks for the database', (file) => {
    const paths = podsOf(render(given(file))).flatMap(({ spec }) =>
      spec.containers.map(({ name, livenessProbe, readinessProbe }) => [
        name,
        pathOf(livenessProbe),
        pathOf(readinessProbe),
      ]),
    );
    for (const [name, alive, ready] of paths.filter(([name]) => name === 'status'))
      expect([name, alive, ready]).toEqual(['status', '/healthz', '/readyz']);
    // Nothing else may be restarted because of what it answers over HTTP.
    expect(paths.filter(([name, alive]) => name !== 'status' && alive !== undefined)).toEqual([]);
  });

  test.each(CASES)('%s: a job that is told to stop may wait for the write that is under way', (file) => {
    const longest = SETTINGS.MARKETO_WRITE_TIMEOUT.parse(SETTINGS.MARKETO_WRITE_TIMEOUT.default ?? '') / 1000;
    expect(longest).toBe(95);
    for (const { spec } of podsOf(render(given(file)).filter(({ kind }) => kind === 'CronJob')))
      expect(spec['terminationGracePeriodSeconds']).toBeGreaterThan(longest);
  });
});

function strategyOf(objects: readonly KubeObject[], kind: string, ending: string): unknown {
  return z.object({ strategy: z.unknown() }).parse(one(objects, kind, ending)['spec']).strategy;
}

function pathOf(probe: unknown): string | undefined {
  return z.object({ httpGet: z.object({ path: z.string() }) }).safeParse(probe).data?.httpGet.path;
}
