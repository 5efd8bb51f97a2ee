import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLiveChat, type LiveChat } from '../shared/livechat/client.ts';
import { LiveChatRefusal } from '../shared/livechat/errors.ts';
import { type Call, createMarketo } from '../shared/marketo/client.ts';
import { failureOf, MarketoError, wasNeverSent } from '../shared/marketo/errors.ts';
import { createSlots, FRESH_MS } from '../shared/marketo/slots.ts';
import { checkAgainstMarketo } from '../shared/rules/check.ts';
import { parseRules } from '../shared/rules/load.ts';
import type { Rules } from '../shared/rules/schema.ts';
import type { Config } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { addMilliseconds, earlier, type Instant, instantOf } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { callsOfDay, logCall } from '../shared/store/calls.ts';
import { addCounts } from '../shared/store/counters.ts';
import type { Database } from '../shared/store/database.ts';
import { logErrors } from '../shared/store/errors.ts';
import { COOLING, coolLease, leaseOwner, releaseLease, renewLease, takeLease } from '../shared/store/lease.ts';
import { closeLostRuns, finishRun, heartbeat, isScheduled, setRunWindow, startRun } from '../shared/store/runs.ts';
import type { RunOutcome } from '../shared/store/schema.ts';
import { slotStore } from '../shared/store/slots.ts';
import { readWatermark } from '../shared/store/watermark.ts';
import { deliver } from './deliver.ts';
import { ingest, type Window } from './ingest.ts';

/** The settings that a sync reads. */
export const SYNC_SETTINGS = [
  'DATABASE_URL',
  'DATABASE_SCHEMA',
  'LIVECHAT_ENDPOINT',
  'LIVECHAT_ACCOUNT_ID',
  'LIVECHAT_PAT',
  'MARKETO_ENDPOINT',
  'MARKETO_CLIENT_ID',
  'MARKETO_CLIENT_SECRET',
  'MARKETO_PROFILE',
  'MARKETO_CALLS_PER_WINDOW',
  'MARKETO_WINDOW_SECONDS',
  'MARKETO_CONCURRENCY',
  'MARKETO_PACE',
  'MARKETO_READ_TIMEOUT',
  'MARKETO_WRITE_TIMEOUT',
  'MARKETO_DAILY_CALLS',
  'MARKETO_DAILY_QUOTA',
  'MARKETO_BATCH_SIZE',
  'SYNC_FROM',
  'SYNC_TO',
  'SYNC_INTERVAL',
  'SYNC_OVERLAP',
  'SYNC_SETTLE',
  'SYNC_MAX_ATTEMPTS',
  'SYNC_EXCLUDED_DOMAINS',
  'RULES_FILE',
  'LOG_LEVEL',
  'RUN_NAME',
] as const;

export type SyncConfig = Config<(typeof SYNC_SETTINGS)[number]>;

/**
 * One run of the sync, from its first line in the log to its last row in the database.
 *
 * @param signal aborted on SIGTERM: the run then ends in good order, keeps what is done, and throws.
 * @param clock this machine's clock, in milliseconds since 1970.
 * @throws Failure where the run could not do its work; its row says why.
 */
export async function runSync(
  config: SyncConfig,
  db: Database,
  log: Logger,
  signal: AbortSignal,
  clock: () => number,
): Promise<ExitCode> {
  refuseHalfBackfill(config);
  const rules = parseRules(readRules(config.RULES_FILE), config.RULES_FILE);
  const runId = await startRun(db, 'sync', config.RUN_NAME);
  const run: Run = { config, db, log: log.child({ run: runId }), runId, counts: {}, unknownFateAt: undefined };
  try {
    return await withLease(run, signal, (working) => work(run, rules, working, clock));
  } catch (error) {
    const { end, outcome } = endOf(error, signal);
    await closeWithError(run, end, outcome);
    // The quota comes back by itself: a Job that is tried again at once would only use up what is left of it.
    if (error instanceof MarketoError && error.kind === 'quota') {
      run.log.warn({ code: error.code }, failureOf(error).message);
      return EXIT.done;
    }
    throw end;
  }
}

type Run = {
  config: SyncConfig;
  db: Database;
  log: Logger;
  runId: number;
  counts: Record<string, number>;
  /** When the last write of unknown fate ended for us, by performance.now(). */
  unknownFateAt: number | undefined;
};

/** Marketo works on Sync Leads for up to 90 s ("Leads", Timeouts). */
const UNKNOWN_FATE_MS = 95_000;

/** The story of a run: check, read LiveChat, deliver, close. */
async function work(run: Run, rules: Rules, signal: AbortSignal, clock: () => number): Promise<ExitCode> {
  const { config, db, log, runId } = run;
  const lost = await closeLostRuns(db, 'sync', runId);
  if (lost > 0) log.warn({ lost }, 'an earlier run died without a word; its work is done again');

  const marketo = await connectMarketo(run, signal);
  const livechat = connectLiveChat(run, signal);
  try {
    // Before anything else, so that a wrong secret, or a rule that does not fit, leaves no trace but the run's row.
    const fields = await marketo.describe();
    checkAgainstMarketo(rules, fields);
    // Where LiveChat is away, what it has given before is delivered all the same.
    const { now, away } = await readLiveChat(run, livechat, signal, clock);
    const delivered = await deliver(
      {
        marketo,
        db,
        log,
        runId,
        signal,
        rules,
        fields,
        batchSize: config.MARKETO_BATCH_SIZE,
        concurrency: limitsOf(config).concurrency,
        maxAttempts: config.SYNC_MAX_ATTEMPTS,
        unknownFateMs: UNKNOWN_FATE_MS,
      },
      now,
    );
    Object.assign(run.counts, delivered);
    if (away) throw away;
    await finishRun(db, runId, 'done', run.counts);
    log.info(
      run.counts,
      `done: of ${delivered.visitors} visitors, ${delivered.created} leads created, ${delivered.updated} updated, ${delivered.unchanged} left alone, ${delivered.refused} refused`,
    );
    return EXIT.done;
  } finally {
    marketo.close();
  }
}

/**
 * Which part of LiveChat's past is read. `SYNC_TO` makes it a backfill. Otherwise it is from the watermark, less an
 * overlap for what LiveChat showed late, to a little before now; the first run, which has no watermark, starts at
 * `SYNC_FROM`, else one interval back.
 */
export function windowOf(
  config: Pick<SyncConfig, 'SYNC_FROM' | 'SYNC_TO' | 'SYNC_INTERVAL' | 'SYNC_OVERLAP' | 'SYNC_SETTLE'>,
  watermark: Instant | undefined,
  now: Instant,
): Window {
  const settled = addMilliseconds(now, -config.SYNC_SETTLE);
  if (config.SYNC_FROM !== undefined && config.SYNC_TO !== undefined) {
    return { from: config.SYNC_FROM, to: earlier(config.SYNC_TO, settled), movesWatermark: false };
  }
  const from =
    watermark === undefined
      ? (config.SYNC_FROM ?? addMilliseconds(settled, -config.SYNC_INTERVAL))
      : addMilliseconds(watermark, -config.SYNC_OVERLAP);
  return { from, to: settled, movesWatermark: true };
}

/**
 * One sync at a time. The lease outlives its holder by longer than Marketo works on any call (90 s), so the next run
 * cannot look leads up while a killed one's write is still being done.
 */
const LEASE_SECONDS = 130;
const RENEW_EVERY_MS = 15_000;
/** How long a run that was started by hand waits for its turn. */
const PATIENCE_MS = 10 * 60_000;

async function withLease(
  run: Run,
  signal: AbortSignal,
  body: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { db, log, runId, config } = run;
  const owner = `${config.RUN_NAME ?? 'manual'} ${randomUUID()}`;
  const scheduled = isScheduled(config.RUN_NAME, Date.now());
  const deadline = performance.now() + PATIENCE_MS;
  let told = false;
  while (!(await takeLease(db, 'sync', owner, LEASE_SECONDS))) {
    const holder = await leaseOwner(db, 'sync');
    // An earlier pod of our own Job is dead, and a lease that cools is nobody's: both end soon.
    const endsSoon = holder === undefined || holder === COOLING || holder.startsWith(`${config.RUN_NAME} `);
    if (scheduled && !endsSoon) {
      await finishRun(db, runId, 'skipped', {}, 'Another sync is at work, which does what this one would.');
      log.info('another sync is at work, which does what this one would: nothing to do');
      return EXIT.done;
    }
    if (performance.now() > deadline) {
      throw new Failure(
        EXIT.tryLater,
        'Another sync has been at work for ten minutes: start this one again when it is done.',
      );
    }
    if (!told)
      log.info(`another sync is at work, or died within the last ${LEASE_SECONDS} s: waiting for up to ten minutes`);
    told = true;
    await heartbeat(db, runId);
    await sleep(5000, undefined, { signal });
  }
  const lost = new AbortController();
  const lease = { owner, lost, renewedAt: performance.now() };
  const renewal = setInterval(() => void keepAlive(run, lease), RENEW_EVERY_MS);
  try {
    return await body(AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    clearInterval(renewal);
    await giveLeaseBack(run, owner);
  }
}

/**
 * Where Marketo may still be working on a write of ours, the next run must not look leads up yet: it would not find what
 * that write is about to create, and create it again. However this run ends, its lease then outlasts it.
 */
async function giveLeaseBack(run: Run, owner: string): Promise<void> {
  const left = run.unknownFateAt === undefined ? 0 : run.unknownFateAt + UNKNOWN_FATE_MS - performance.now();
  if (left > 0) await coolLease(run.db, 'sync', owner, left / 1000);
  else await releaseLease(run.db, 'sync', owner);
}

type Lease = { owner: string; lost: AbortController; renewedAt: number };

/** A database that is away for a moment is no reason to stop; a lease that another holds, or soon may, is. */
async function keepAlive(run: Run, lease: Lease): Promise<void> {
  const slow = new Failure(
    EXIT.tryLater,
    'The run could not keep its lease, so that another may have begun: it stopped, and the next run goes on.',
  );
  // A write that is sent now may be worked on for 95 s: from then on, the lease would end before it.
  if (performance.now() - lease.renewedAt > LEASE_SECONDS * 1000 - UNKNOWN_FATE_MS) lease.lost.abort(slow);
  try {
    const began = performance.now();
    if (await renewLease(run.db, 'sync', lease.owner, LEASE_SECONDS)) lease.renewedAt = began;
    else lease.lost.abort(slow);
    await heartbeat(run.db, run.runId);
  } catch (error) {
    run.log.warn({ err: error }, 'the lease could not be renewed; trying again');
  }
}

/**
 * Reads LiveChat into the ledger.
 *
 * @returns the run's instant, and the failure where LiveChat was away: what it has given before can be delivered.
 * @throws every other failure, refused credentials among them.
 */
async function readLiveChat(
  run: Run,
  livechat: LiveChat,
  signal: AbortSignal,
  clock: () => number,
): Promise<{ now: Instant; away: Failure | undefined }> {
  const { config, db, log, runId } = run;
  const ours = instantOf(clock());
  // LiveChat's clock, where it is behind ours: what it has not seen yet cannot be read.
  const now = () => earlier(ours, livechat.serverTime() ?? ours);
  try {
    const active = await livechat.activeThreads();
    const watermark = await readWatermark(db);
    if (watermark && config.SYNC_FROM && !config.SYNC_TO) {
      log.info(`SYNC_FROM (--from) is where a first run starts; this one starts at the watermark, ${watermark}`);
    }
    const window = windowOf(config, watermark, now());
    await setRunWindow(db, runId, window.from, window.to);
    const parts = { livechat, db, log, runId, signal, excludedDomains: config.SYNC_EXCLUDED_DOMAINS };
    const read = await ingest(parts, window, active, now());
    Object.assign(run.counts, read);
    log.info(read, `filed ${read.new} new and ${read.changed} changed threads; ${read.open} are still going on`);
    return { now: now(), away: undefined };
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure) || error.exitCode !== EXIT.tryLater) throw error;
    log.error({ code: error.code }, error.message);
    return { now: now(), away: error };
  }
}

function refuseHalfBackfill(config: SyncConfig): void {
  const { SYNC_FROM: from, SYNC_TO: to } = config;
  if (to === undefined || (from !== undefined && from < to)) return;
  throw new Failure(
    EXIT.usage,
    'A backfill needs both ends, the earlier one first: set SYNC_FROM (--from) to a time before SYNC_TO (--to).',
  );
}

/** What the process ends with, and what the run's row says of it. */
function endOf(error: unknown, signal: AbortSignal): { end: unknown; outcome: RunOutcome } {
  if (signal.aborted) {
    return { end: new Failure(EXIT.terminated, 'The run was told to stop; the next one goes on.'), outcome: 'stopped' };
  }
  if (error instanceof LiveChatRefusal) {
    const sentence = `${error.message}: see the runbook; nothing is lost, the watermark has not moved.`;
    return {
      end: new Failure(EXIT.configuration, sentence, { code: 'livechat-answer', cause: error }),
      outcome: 'failed',
    };
  }
  if (!(error instanceof MarketoError)) return { end: error, outcome: 'failed' };
  return { end: failureOf(error), outcome: error.kind === 'quota' ? 'stopped' : 'failed' };
}

/** Closes the run's row with the reason, and logs the error for the digest; being told to stop is none. */
async function closeWithError(run: Run, end: unknown, outcome: RunOutcome): Promise<void> {
  const sentence =
    end instanceof Failure
      ? end.message
      : `An unforeseen error (${end instanceof Error ? end.name : 'unknown'}) ended the run: see its log.`;
  try {
    if (!(end instanceof Failure && end.exitCode === EXIT.terminated)) {
      const code = (end instanceof Failure ? end.code : undefined) ?? 'run-failed';
      const subject = end instanceof Error && !(end instanceof Failure) ? end.name : '';
      await logErrors(run.db, run.runId, [{ code, message: sentence, subject }]);
    }
    await finishRun(run.db, run.runId, outcome, run.counts, sentence);
  } catch (error) {
    // The database itself is gone: the run's row is closed as lost by the next run.
    run.log.error({ err: error }, 'the end of the run could not be written down');
  }
}

/** By Adobe's advice: 50 calls and 5 at once for one integration among others; 100 and 10 is all there is. */
function limitsOf(config: SyncConfig): { callsPerWindow: number; concurrency: number } {
  const standard = config.MARKETO_PROFILE === 'exclusive' ? { calls: 100, flight: 10 } : { calls: 50, flight: 5 };
  return {
    callsPerWindow: config.MARKETO_CALLS_PER_WINDOW ?? standard.calls,
    concurrency: config.MARKETO_CONCURRENCY ?? standard.flight,
  };
}

async function connectMarketo(run: Run, signal: AbortSignal) {
  const { config, db, runId } = run;
  const instance = new URL(config.MARKETO_ENDPOINT).host;
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

function connectLiveChat(run: Run, signal: AbortSignal) {
  const { config, db, log, runId } = run;
  let noticed = false;
  return createLiveChat({
    endpoint: config.LIVECHAT_ENDPOINT,
    accountId: config.LIVECHAT_ACCOUNT_ID,
    token: config.LIVECHAT_PAT,
    signal,
    onCall: ({ endpoint, outcome }) =>
      addCounts(db, [{ name: 'livechat_requests_total', labels: { endpoint, outcome }, by: 1 }]),
    onVersionNotice: async ({ header, date }) => {
      if (noticed) return;
      noticed = true;
      log.warn({ header, date }, 'LiveChat announces the end of its API version');
      await logErrors(db, runId, [
        {
          code: 'livechat-version',
          message: `LiveChat's header ${header} names ${date} as the end of this stage.`,
          subject: header,
        },
      ]);
    },
  });
}

function readRules(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Failure(
      EXIT.configuration,
      `The rules cannot be read from "${file}"${why}: set RULES_FILE to the decision model.`,
    );
  }
}
