import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { COOLING, coolLease, leaseOwner, releaseLease, renewLease, takeLease } from '../shared/store/lease.ts';
import { finishRun, heartbeat, isScheduled } from '../shared/store/runs.ts';
import type { Run } from './run.ts';

/** Marketo works on Sync Leads for up to 90 s ("Leads", Timeouts). */
export const UNKNOWN_FATE_MS = 95_000;

const LEASE_SECONDS = 130;
const RENEW_EVERY_MS = 15_000;
const LOOK_EVERY_MS = 5000;

/**
 * Does the body's work when no other sync is at work. The lease outlives its holder by longer than Marketo works on any
 * call (90 s), so the next run cannot look leads up while a killed one's write is still being done.
 *
 * A scheduled run that finds another at work leaves the work to it; one that was started by hand waits for its turn, for
 * as long as `SYNC_PATIENCE` says.
 *
 * @throws Failure (75) where the turn did not come, or where the lease was lost: another may have begun then.
 */
export async function withLease(
  run: Run,
  signal: AbortSignal,
  body: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { db, log, runId, config } = run;
  const owner = `${config.RUN_NAME ?? 'manual'} ${randomUUID()}`;
  const scheduled = isScheduled(config.RUN_NAME, Date.now());
  const deadline = performance.now() + config.SYNC_PATIENCE;
  const patience = `${Math.round(config.SYNC_PATIENCE / 1000)} s (SYNC_PATIENCE)`;
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
        `Another sync was still at work after ${patience}: start this one again when it is done.`,
        { code: 'run-no-turn' },
      );
    }
    if (!told)
      log.info(`another sync is at work, or died within the last ${LEASE_SECONDS} s: waiting for up to ${patience}`);
    told = true;
    await heartbeat(db, runId);
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(0, deadline - performance.now()) + 1), undefined, { signal });
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
    { code: 'run-no-turn' },
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
