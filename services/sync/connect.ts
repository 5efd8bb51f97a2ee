import { createLiveChat, type LiveChat } from '../shared/livechat/client.ts';
import { type Call, createMarketo, type Marketo } from '../shared/marketo/client.ts';
import { wasNeverSent } from '../shared/marketo/errors.ts';
import { createSlots, FRESH_MS } from '../shared/marketo/slots.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { callsOfDay, logCall } from '../shared/store/calls.ts';
import { addCounts } from '../shared/store/counters.ts';
import type { Database } from '../shared/store/database.ts';
import { slotStore } from '../shared/store/slots.ts';
import { UNKNOWN_FATE_MS } from './lease.ts';
import type { SyncConfig } from './run.ts';
import { type Tell, warnOfVersion } from './warnings.ts';

/** Who connects: a run, or a dry run, which has no row (`runId` null). */
export type Connecting = {
  config: SyncConfig;
  db: Database;
  runId: number | null;
  tell: Tell;
  counts: Record<string, number>;
  /** When the last write of unknown fate ended for us, by performance.now(). */
  unknownFateAt: number | undefined;
};

/**
 * By Adobe's advice: 50 calls and 5 at once for one integration among others; 100 and 10 is all there is.
 */
export function limitsOf(config: SyncConfig): { callsPerWindow: number; concurrency: number } {
  const standard = config.MARKETO_PROFILE === 'exclusive' ? { calls: 100, flight: 10 } : { calls: 50, flight: 5 };
  return {
    callsPerWindow: config.MARKETO_CALLS_PER_WINDOW ?? standard.calls,
    concurrency: config.MARKETO_CONCURRENCY ?? standard.flight,
  };
}

/** Who only looks: a dry run, an explanation, the doctor. What they find wrong goes into the log, and no further. */
export function connectingOutsideRuns(config: SyncConfig, db: Database, log: Logger): Connecting {
  const tell: Tell = async (error) => log.warn({ code: error.code }, error.message);
  return { config, db, runId: null, counts: {}, unknownFateAt: undefined, tell };
}

/** The Marketo client of a run: its calls take slots, are counted, and are logged. */
export async function connectMarketo(run: Connecting, signal: AbortSignal): Promise<Marketo> {
  const { config, db, runId } = run;
  const instance = instanceOf(config);
  const windowMs = config.MARKETO_WINDOW_SECONDS * 1000;
  const timeouts = { readTimeoutMs: config.MARKETO_READ_TIMEOUT, writeTimeoutMs: config.MARKETO_WRITE_TIMEOUT };
  const rule = {
    ...limitsOf(config),
    instance,
    windowMs,
    // Whatever we wait for: Marketo may work on a call for 90 s, and a slot must outlast that.
    leaseMs: Math.max(UNKNOWN_FATE_MS, timeouts.readTimeoutMs, timeouts.writeTimeoutMs) + FRESH_MS,
    // 1.2 % of the limit's throughput, for a database clock that is set forward by as much.
    marginMs: 250,
  };
  return createMarketo({
    ...timeouts,
    endpoint: config.MARKETO_ENDPOINT,
    clientId: config.MARKETO_CLIENT_ID,
    clientSecret: config.MARKETO_CLIENT_SECRET,
    slots: await createSlots(slotStore(db, rule), config.MARKETO_PACE),
    windowMs,
    budget: {
      dailyCalls: config.MARKETO_DAILY_CALLS,
      dailyQuota: config.MARKETO_DAILY_QUOTA,
      ownCalls: (day) => callsOfDay(db, instance, day),
    },
    signal,
    onCall: async (call) => {
      countCall(run.counts, call);
      if (isOfUnknownFate(call)) run.unknownFateAt = performance.now();
      await logCall(db, runId, instance, call);
    },
  });
}

/** A write without an answer, or with one that does not say that nothing was done. */
function isOfUnknownFate({ endpoint, outcome, code }: Call): boolean {
  if (endpoint !== 'leads-create' && endpoint !== 'leads-update') return false;
  return outcome === 'failed' || (outcome === 'no-answer' && !wasNeverSent(code));
}

function countCall(counts: Record<string, number>, call: Call): void {
  const kind =
    call.endpoint === 'leads-lookup' ? 'lookupCalls' : call.endpoint.startsWith('leads-') ? 'writeCalls' : undefined;
  if (kind) counts[kind] = (counts[kind] ?? 0) + 1;
  if (call.outcome === 'throttled') counts['throttled'] = (counts['throttled'] ?? 0) + 1;
}

/** The LiveChat client of a run: its calls are counted. */
export function connectLiveChat(run: Connecting, signal: AbortSignal): LiveChat {
  const { config, db } = run;
  const noticed = new Set<string>();
  return createLiveChat({
    endpoint: config.LIVECHAT_ENDPOINT,
    accountId: config.LIVECHAT_ACCOUNT_ID,
    token: config.LIVECHAT_PAT,
    signal,
    onCall: ({ endpoint, outcome }) =>
      addCounts(db, [{ name: 'livechat_requests_total', labels: { call: endpoint, outcome }, by: 1 }]),
    onVersionNotice: async ({ header, date }) => {
      if (noticed.has(header)) return;
      noticed.add(header);
      await warnOfVersion(run.tell, header, date);
    },
  });
}

/** What Marketo's instance is called where it is kept apart from others: its host. */
export function instanceOf(config: Pick<SyncConfig, 'MARKETO_ENDPOINT'>): string {
  return new URL(config.MARKETO_ENDPOINT).host;
}
