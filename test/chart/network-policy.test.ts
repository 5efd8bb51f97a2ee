import { describe, expect, test } from 'vitest';
import { type End, mayReach } from './reach.ts';
import { canRender, given, type KubeObject, podsOf, render } from './render.ts';

/** Who is there beside the release's own pods. */
const OTHERS = {
  'another pod': { namespace: 'chats', labels: { app: 'other' }, ports: {} },
  'another release': {
    namespace: 'chats',
    labels: {
      'app.kubernetes.io/name': 'livechat-marketo-sync',
      'app.kubernetes.io/instance': 'other',
      'app.kubernetes.io/component': 'sync',
    },
    ports: {},
  },
  monitoring: { namespace: 'monitoring', labels: { app: 'prometheus' }, ports: {} },
  dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ports: {} },
  outside: { address: '203.0.113.7' },
} satisfies Record<string, End>;

/** Which ports are tried: what is listened on, what should not be asked for, and port 9 for all others. */
const PORTS: Record<string, string[]> = {
  sync: ['9'],
  digest: ['9'],
  doctor: ['9'],
  migrate: ['9'],
  status: ['8080', '9'],
  sandbox: ['7400', '7401', '7402', '7425', '9'],
  postgresql: ['5432', '9'],
  dns: ['53', '53/UDP', '5353', '5353/UDP', '9', '9/UDP'],
  outside: ['9', '25', '80', '443', '465', '587', '5432', '6432', '6443', '443/UDP', '53/UDP', '5353/UDP'],
};

// OpenShift's DNS answers on 5353, and policies are held against that port there.
const DNS = ['dns:53', 'dns:53/UDP', 'dns:5353', 'dns:5353/UDP', 'outside:53/UDP', 'outside:5353/UDP'];
const JOBS = [...DNS, 'outside:443', 'outside:465', 'outside:587', 'outside:5432'];
const STATUS = [...DNS, 'outside:443', 'outside:5432', 'outside:6443'];
// The sandbox and the chart's own Postgres are reached by the release's pods, on whatever port.
const INNER = [PORTS['sandbox'], PORTS['postgresql']].flatMap((ports, i) =>
  (ports ?? []).map((port) => `${['sandbox', 'postgresql'][i]}:${port}`),
);
const NOBODY = { 'another pod': [], 'another release': [], monitoring: [], dns: [], outside: [] };
const ANYBODY = Object.fromEntries(Object.keys(NOBODY).map((name) => [name, ['status:8080']]));
const SWITCHED_ON = { 'networkPolicy.enabled': true };

describe.skipIf(!canRender)('the network policy: who may reach what (skipped where there is no helm)', () => {
  test('in production', () => {
    expect(reached(render(given('production-values.yaml')))).toEqual(
      sorted({ sync: JOBS, digest: JOBS, doctor: JOBS, status: STATUS, ...ANYBODY }),
    );
  });

  test('with the sandbox and the chart’s own Postgres, which reach nobody, and are reached by no stranger', () => {
    expect(reached(render(given('try-out-values.yaml', SWITCHED_ON)))).toEqual(
      sorted({
        sync: [...JOBS, ...INNER],
        digest: [...JOBS, ...INNER],
        doctor: [...JOBS, ...INNER],
        status: [...STATUS, ...INNER],
        sandbox: [],
        postgresql: [],
        ...ANYBODY,
      }),
    );
  });

  test('whom ingressFrom names reaches the status service, and nobody else does', () => {
    expect(reached(render(given('everything-values.yaml')))).toMatchObject({ ...NOBODY, monitoring: ['status:8080'] });
    const fromOutside = { ...SWITCHED_ON, 'networkPolicy.ingressFrom': [{ ipBlock: { cidr: '203.0.113.0/24' } }] };
    expect(reached(render(given('production-values.yaml', fromOutside)))).toMatchObject({
      ...NOBODY,
      outside: ['status:8080'],
    });
  });

  test('the migration reaches what jobs reach, and the database’s own port is among it', () => {
    const objects = render(given('database-parts-values.yaml', SWITCHED_ON));
    const jobs = [...JOBS, 'outside:6432'];
    expect(reached(objects)).toEqual(
      sorted({ sync: jobs, migrate: jobs, doctor: jobs, status: [...STATUS, 'outside:6432'], ...ANYBODY }),
    );
  });

  test('jobPorts and statusPorts say which ports of others are reached', () => {
    const chosen = { 'networkPolicy.jobPorts': [25], 'networkPolicy.statusPorts': [80] };
    expect(reached(render(given('production-values.yaml', chosen)))).toMatchObject(
      sorted({ sync: [...DNS, 'outside:25'], status: [...DNS, 'outside:80'] }),
    );
  });

  test('without it there is none, and everybody reaches everything', () => {
    const objects = render(given('try-out-values.yaml'));
    expect(objects.filter(({ kind }) => kind === 'NetworkPolicy')).toEqual([]);
    expect(reached(objects)['another pod']).toEqual(expect.arrayContaining(['sandbox:7401', 'postgresql:5432']));
  });
});

/** For each end, what it may reach, as `status:8080` or `dns:53/UDP`; of strangers, what of ours. */
function reached(objects: KubeObject[]): Record<string, string[]> {
  const ours = Object.fromEntries(
    podsOf(objects).map(({ labels, spec }): [string, End] => {
      const ports = spec.containers.flatMap((one) => one.ports.map(({ name, containerPort }) => [name, containerPort]));
      const end = { namespace: 'chats', labels, ports: Object.fromEntries(ports) };
      return [labels['app.kubernetes.io/component'] ?? '', end];
    }),
  );
  const ends: Record<string, End> = { ...ours, ...OTHERS };
  const pairs = Object.entries(ends).map(([name, from]): [string, string[]] => {
    const targets = Object.entries(name in ours ? ends : ours).filter(([target]) => target !== name);
    return [
      name,
      targets.flatMap(([target, to]) =>
        (PORTS[target] ?? [])
          .filter((port) => {
            const [number, protocol] = port.split('/');
            return mayReach(objects, from, to, Number(number), protocol === 'UDP' ? 'UDP' : 'TCP');
          })
          .map((port) => `${target}:${port}`),
      ),
    ];
  });
  return sorted(Object.fromEntries(pairs));
}

function sorted(lists: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.toSorted()]));
}
