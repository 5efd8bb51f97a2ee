import { z } from 'zod';
import type { Random } from './random.ts';

/** How long a server works on a call, in milliseconds. */
export const latencySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fixed'), ms: z.number().min(0) }),
  z.strictObject({ kind: z.literal('uniform'), fromMs: z.number().min(0), toMs: z.number().min(0) }),
  z.strictObject({ kind: z.literal('lognormal'), medianMs: z.number().positive(), p99Ms: z.number().positive() }),
]);
export type Latency = z.infer<typeof latencySchema>;

export const serverNameSchema = z.enum(['marketo', 'livechat']);
export type ServerName = z.infer<typeof serverNameSchema>;

/**
 * What the caller gets in place of the true answer:
 * - code: HTTP 200 that is a failure, Marketo's way: success:false and this code in errors[0];
 * - error: LiveChat's error envelope;
 * - html: a gateway's HTML page instead of JSON (status 200 is possible);
 * - truncated: the right status and the first half of the JSON body, then the end;
 * - reset: the socket is destroyed.
 */
const effectSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('code'), code: z.string(), message: z.string().exactOptional() }),
  z.strictObject({
    kind: z.literal('error'),
    type: z.string(),
    status: z.number().int().exactOptional(),
    message: z.string().exactOptional(),
    data: z.record(z.string(), z.string()).exactOptional(),
    headers: z.record(z.string(), z.string()).exactOptional(),
  }),
  z.strictObject({ kind: z.literal('html'), status: z.number().int() }),
  z.strictObject({ kind: z.literal('truncated') }),
  z.strictObject({ kind: z.literal('reset') }),
]);
export type FaultEffect = z.infer<typeof effectSchema>;

/**
 * One fault. `when` says whether it strikes before the call had its effect on the data (the default) or after it: leads
 * written, a token given, and the caller never told. `times` counts down; `rate` (0 to 1) is a chance for each call; with
 * neither, it happens every time until cleared. Without `endpoint` it is for every endpoint of the server.
 */
export const faultSchema = z
  .strictObject({
    server: serverNameSchema,
    endpoint: z.string().exactOptional(),
    effect: effectSchema,
    when: z.enum(['before', 'after']).exactOptional(),
    times: z.number().int().positive().exactOptional(),
    rate: z.number().min(0).max(1).exactOptional(),
  })
  .refine(
    (fault) => !(fault.effect.kind === 'error' && fault.server !== 'livechat'),
    "The effect 'error' is LiveChat's.",
  )
  .refine(
    (fault) => !(fault.effect.kind === 'code' && fault.endpoint === 'identity'),
    'Identity answers no codes: its failures are HTTP statuses.',
  );
export type Fault = z.infer<typeof faultSchema>;

export type Faults = {
  /** Arms a fault. Throws ZodError for one that means nothing. */
  add(fault: Fault): void;
  /** Sets how long a server works on each call; undefined makes it answer at once. */
  setLatency(server: ServerName, latency: Latency | undefined): void;
  /** Forgets every fault and latency. */
  clear(): void;
  /** The fault that strikes this call, if one does: counts `times` down and rolls `rate`. Ask once for each call. */
  take(server: ServerName, endpoint: string): Fault | undefined;
  /** How long this call is worked on, in milliseconds; 0 where no latency was set. */
  latencyMs(server: ServerName): number;
  /** The faults that are still armed, in the order they were added. */
  list(): Fault[];
};

/**
 * Creates the switchboard that makes the sandbox's servers misbehave on demand.
 *
 * @param random decides rates and latencies, so that a seeded run fails in the same places
 */
export function createFaults(random: Random): Faults {
  let armed: Fault[] = [];
  const latencies = new Map<ServerName, Latency>();

  return {
    add(fault) {
      armed.push(faultSchema.parse(fault));
    },
    setLatency(server, latency) {
      if (latency === undefined) latencies.delete(server);
      else latencies.set(server, latency);
    },
    clear() {
      armed = [];
      latencies.clear();
    },
    take(server, endpoint) {
      // Of several faults the first one added strikes; one whose roll fails leaves the call to those after it.
      const struck = armed.find(
        (fault) =>
          fault.server === server &&
          isMeant(fault, endpoint) &&
          (fault.rate === undefined || random.chance(fault.rate)),
      );
      if (struck?.times !== undefined) {
        struck.times -= 1;
        if (struck.times === 0) armed = armed.filter((fault) => fault !== struck);
      }
      return struck === undefined ? undefined : { ...struck };
    },
    latencyMs(server) {
      const latency = latencies.get(server);
      if (latency === undefined) return 0;
      switch (latency.kind) {
        case 'fixed':
          return latency.ms;
        case 'uniform':
          return latency.fromMs + random.next() * (latency.toMs - latency.fromMs);
        case 'lognormal':
          return random.lognormal(latency.medianMs, latency.p99Ms);
      }
    },
    list: () => armed.map((fault) => ({ ...fault })),
  };
}

/** Identity has no success:false answers: a code that is meant for every endpoint passes it by. */
function isMeant(fault: Fault, endpoint: string): boolean {
  if (fault.endpoint !== undefined) return fault.endpoint === endpoint;
  return !(fault.effect.kind === 'code' && endpoint === 'identity');
}
