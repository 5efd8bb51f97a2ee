import { createClock } from '../test/sandbox/clock.ts';
import { createFaults } from '../test/sandbox/faults.ts';
import { type Call, reportOf } from '../test/sandbox/marketo/calls.ts';
import { DEFAULT_LIMITS } from '../test/sandbox/marketo/limits.ts';
import { type MarketoServer, startMarketo } from '../test/sandbox/marketo/server.ts';
import { createRandom } from '../test/sandbox/random.ts';

/** What the referee saw, rejected calls included unless a name says otherwise; the identity service is not counted. */
export type Seen = {
  calls: number;
  /** Calls that were let through, whatever their answer. */
  accepted: number;
  lookups: number;
  writes: number;
  rejected606: number;
  rejected615: number;
  mostInAnyWindow: number;
  mostInFlight: number;
  /** Addresses that are a lead once, and those that are several. */
  leadsOnce: number;
  leadsDoubled: number;
};

export type Referee = {
  address: { url: string; clientId: string; clientSecret: string };
  /**
   * @param spanSeconds only the calls that arrived so long from the first one's arrival on; all where it is left out.
   */
  seen(spanSeconds?: number): Seen;
  close(): Promise<void>;
};

/** How long Marketo works on a call, whatever is in it: half of them under 250 ms, one of a hundred over 3 s. */
export const LATENCY = { kind: 'lognormal', medianMs: 250, p99Ms: 3000 } as const;
export const LIMITS = DEFAULT_LIMITS;

/** The nth call of every measurement takes as long as the nth of every other. */
const SEED = 1;

/**
 * Starts the sandbox's Marketo with the limits of the real one, on a port of its own, with no leads in it.
 */
export async function startReferee(): Promise<Referee> {
  const faults = createFaults(createRandom(SEED));
  faults.setLatency('marketo', LATENCY);
  const server = await startMarketo({ clock: createClock(), faults, random: createRandom(SEED + 1) });
  const [client] = server.clients;
  return {
    address: { url: server.url, clientId: client.clientId, clientSecret: client.clientSecret },
    seen: (spanSeconds) => summary(server, spanSeconds),
    close: () => server.close(),
  };
}

/**
 * The most calls that any caller could have had accepted in so many seconds: a sliding window lets no more than 100
 * through in any 20 s. They may come all at once at its beginning, so the first burst is part of this, not on top.
 */
export function mostAcceptable(seconds: number): number {
  return LIMITS.callsPerWindow * Math.ceil((seconds * 1000) / LIMITS.windowMs);
}

function summary(server: MarketoServer, spanSeconds: number | undefined): Seen {
  const calls = within(server.calls(), spanSeconds);
  const report = reportOf(calls, LIMITS.windowMs);
  const rejected = Object.values(report.throttled).reduce((sum, count) => sum + count, 0);
  const leads = new Map<string, number>();
  for (const { email } of server.leads()) leads.set(String(email), (leads.get(String(email)) ?? 0) + 1);
  const counts = [...leads.values()];
  return {
    calls: report.calls,
    accepted: report.calls - rejected,
    lookups: report.byEndpoint['leads-lookup'] ?? 0,
    writes: report.byEndpoint['leads-sync'] ?? 0,
    rejected606: report.throttled['606'],
    rejected615: report.throttled['615'],
    mostInAnyWindow: report.maxInAnyWindow,
    mostInFlight: report.maxConcurrent,
    leadsOnce: counts.filter((count) => count === 1).length,
    leadsDoubled: counts.filter((count) => count > 1).length,
  };
}

function within(calls: readonly Call[], spanSeconds: number | undefined): readonly Call[] {
  const first = calls.find((call) => call.endpoint !== 'identity');
  if (spanSeconds === undefined || first === undefined) return calls;
  return calls.filter((call) => call.arrivedAt < first.arrivedAt + spanSeconds * 1000);
}
