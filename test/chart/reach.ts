import { BlockList } from 'node:net';
import { z } from 'zod';
import type { KubeObject } from './render.ts';

/** Who may take part in a connection: a pod, of whatever namespace, or an address outside of the cluster. */
export type End =
  | { namespace: string; labels: Record<string, string>; ports: Record<string, number> }
  | { address: string };

/**
 * Whether a connection gets through, as Kubernetes tells it (https://kubernetes.io/docs/concepts/services-networking/network-policies):
 * a pod that a policy selects is isolated in the policy's directions, and only what one of its policies' rules lets through in
 * that direction passes; both ends must let it. A pod that no policy selects lets everything through.
 *
 * @param policies the NetworkPolicies, all of the namespace `chats`; other objects are passed over.
 * @param port the port of the end that is reached: of the pod itself, not of a Service before it.
 * @throws Error where a policy has what this does not know.
 */
export function mayReach(
  policies: readonly KubeObject[],
  from: End,
  to: End,
  port: number,
  protocol: 'TCP' | 'UDP' = 'TCP',
): boolean {
  const all = policies.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => policy.parse(spec));
  const lets = (direction: 'Ingress' | 'Egress', self: End, peer: End) => {
    const isolating = all.filter((one) => one.policyTypes.includes(direction) && selectsPod(one.podSelector, self));
    const rules = isolating.flatMap((one) => (direction === 'Ingress' ? one.ingress : one.egress));
    return (
      isolating.length === 0 ||
      rules.some(
        (rule) =>
          hasPort(rule.ports, direction === 'Ingress' ? self : peer, port, protocol) && hasPeer(rule.peers, peer),
      )
    );
  };
  return lets('Egress', from, to) && lets('Ingress', to, from);
}

const NAMESPACE = 'chats';

/** What chooses pods by their labels. */
export const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
});
const peers = z
  .array(
    z.strictObject({
      podSelector: selector.optional(),
      namespaceSelector: selector.optional(),
      ipBlock: z.strictObject({ cidr: z.cidrv4() }).optional(),
    }),
  )
  .optional();
const ports = z
  .array(z.strictObject({ port: z.union([z.number(), z.string()]), protocol: z.enum(['TCP', 'UDP']) }))
  .optional();
const policy = z.strictObject({
  podSelector: selector,
  // Where they are left out Kubernetes makes them up; ours say them.
  policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
  ingress: z
    .array(z.strictObject({ ports, from: peers }).transform(({ ports, from }) => ({ ports, peers: from })))
    .default([]),
  egress: z
    .array(z.strictObject({ ports, to: peers }).transform(({ ports, to }) => ({ ports, peers: to })))
    .default([]),
});

function selectsPod(chosen: z.infer<typeof selector>, end: End): boolean {
  return 'labels' in end && end.namespace === NAMESPACE && meets(chosen, end.labels);
}

export function meets(
  { matchLabels, matchExpressions }: z.infer<typeof selector>,
  labels: Record<string, string>,
): boolean {
  return (
    hasLabels(labels, matchLabels) && matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

export function hasLabels(labels: Record<string, string>, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** No list, or an empty one, is everybody. */
function hasPeer(list: z.infer<typeof peers>, end: End): boolean {
  if (list === undefined || list.length === 0) return true;
  return list.some(({ podSelector, namespaceSelector, ipBlock }) => {
    if (ipBlock) return 'address' in end && blockOf(ipBlock.cidr).check(end.address);
    if (!('labels' in end)) return false;
    const isOfNamespace = namespaceSelector
      ? meets(namespaceSelector, { 'kubernetes.io/metadata.name': end.namespace })
      : end.namespace === NAMESPACE;
    return isOfNamespace && (podSelector === undefined || meets(podSelector, end.labels));
  });
}

function blockOf(cidr: string): BlockList {
  const [address = '', bits] = cidr.split('/');
  const block = new BlockList();
  block.addSubnet(address, Number(bits));
  return block;
}

/** No list is every port; a name is the port that the pod which is reached calls so. */
function hasPort(list: z.infer<typeof ports>, reached: End, port: number, protocol: string): boolean {
  if (list === undefined || list.length === 0) return true;
  const named = 'ports' in reached ? reached.ports : {};
  return list.some((one) => one.protocol === protocol && (one.port === port || named[one.port] === port));
}
