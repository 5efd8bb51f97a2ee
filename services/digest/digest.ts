import { randomUUID } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import type { Instant } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import {
  claimDigest,
  countNewErrors,
  type Digest,
  hasDigest,
  markDigestSent,
  unsentDigests,
} from '../shared/store/digests.ts';
import { logErrors } from '../shared/store/errors.ts';
import { syncHealth } from '../shared/store/health.ts';
import { releaseLease, renewLease, takeLease } from '../shared/store/lease.ts';
import { closeLostRuns, finishRun, heartbeat, startRun } from '../shared/store/runs.ts';
import type { RunOutcome } from '../shared/store/schema.ts';
import { composeEmail, isWanted } from './email.ts';
import { applyRetention, type Retention } from './retention.ts';
import { SEND_DEADLINE, sendMail } from './send.ts';
import { localDate } from './times.ts';

export type DigestRun = {
  db: Database;
  log: Logger;
  /** The instant that this digest is for; its date in `timeZone` is the digest's. */
  now: Instant;
  signal: AbortSignal;
  smtpUrl: string;
  from: string;
  to: readonly string[];
  timeZone: string;
  /** Whether a digest is sent with nothing new in it, once a sync has succeeded. */
  heartbeat: boolean;
  statusUrl: string | undefined;
  /** How often the sync is scheduled, in milliseconds. */
  syncInterval: number;
  /** How many calls to Marketo a day are this product's. */
  dailyCalls: number;
  /** How long is waited, in milliseconds, before a mail that the server did not take is sent again, each time. */
  retryDelays: readonly number[];
  retention: Retention;
  /** The Kubernetes Job's name, where there is one. */
  runName: string | undefined;
};

/**
 * One run of the digest: sends what an earlier run has claimed and not sent, then claims and sends today's, then takes
 * away what has been kept for long enough.
 *
 * SMTP has no transaction: where a process dies between the server's yes and the mark in the database, the mail is
 * sent twice rather than never, as the same mail under the same Message-ID.
 *
 * @returns 0, also where there is nothing to send or where another digest is at work.
 * @throws Failure 75 or 77 where the mail server does not take the mail; the digest then stays claimed.
 */
export async function runDigest(run: DigestRun): Promise<ExitCode> {
  const { db } = run;
  const runId = await startRun(db, 'digest', run.runName);
  const log = run.log.child({ run: runId });
  const counts: Counts = { errors: 0, mails: 0, recipients: 0 };
  // A Job's second pod has the name of its first, which is dead by then: it need not wait for the lease to run out.
  const owner = run.runName ?? randomUUID();
  try {
    if (!(await takeLease(db, LEASE, owner, LEASE_SECONDS))) {
      log.info('another digest is at work: nothing to do');
      await finishRun(db, runId, 'skipped', counts);
      return EXIT.done;
    }
    try {
      const lost = await closeLostRuns(db, 'digest', runId);
      await logErrors(
        db,
        runId,
        lost.map((id) => ({ code: 'run-lost', message: `Run ${id} died without a word; its work is done again.` })),
      );
      await work({ ...run, log }, counts, () => stillMine(db, runId, owner));
    } finally {
      await releaseLease(db, LEASE, owner);
    }
    await finishRun(db, runId, 'done', counts);
    return EXIT.done;
  } catch (error) {
    const [outcome, sentence] = howItEnded(error, run.signal);
    // The error that ended the run is the one to be told, even where the database is the trouble.
    await finishRun(db, runId, outcome, counts, sentence).catch((unwritten: unknown) =>
      log.error({ err: unwritten }, 'could not write down how the run ended'),
    );
    throw error;
  }
}

function howItEnded(error: unknown, signal: AbortSignal): [RunOutcome, string] {
  if (signal.aborted) return ['stopped', 'Stopped from outside: the next run goes on.'];
  if (error instanceof Failure) return ['failed', error.message];
  return ['failed', 'Ended by an error nobody foresaw: see the run’s log.'];
}

type Counts = { errors: number; mails: number; recipients: number } & Record<string, number>;

const LEASE = 'digest';

/** Taken anew before every mail: a holder that still sends always holds it, a dead one does not for long. */
const LEASE_SECONDS = SEND_DEADLINE / 1000 + 30;

/** What has been kept for long enough goes also where no mail could be sent: nobody's data is kept for a mail server. */
async function work(run: DigestRun, counts: Counts, stillMine: () => Promise<void>): Promise<void> {
  try {
    await sendEverything(run, counts, stillMine);
  } catch (error) {
    if (!run.signal.aborted) {
      await cleanUp(run, counts, stillMine).catch((second: unknown) =>
        run.log.error({ err: second }, 'could not take away what has been kept for long enough'),
      );
    }
    throw error;
  }
  await cleanUp(run, counts, stillMine);
}

async function cleanUp(run: DigestRun, counts: Counts, stillMine: () => Promise<void>): Promise<void> {
  Object.assign(counts, await applyRetention(run, stillMine));
}

async function sendEverything(run: DigestRun, counts: Counts, stillMine: () => Promise<void>): Promise<void> {
  const deliver = async (digest: Digest) => {
    counts.recipients += await deliverDigest(run, digest, stillMine);
    counts.errors += digest.errorCount;
    counts.mails += 1;
  };
  for (const digest of await unsentDigests(run.db)) {
    run.log.warn(
      { date: digest.localDate },
      `the digest of ${digest.localDate} was not sent by its run: sending it now`,
    );
    await deliver(digest);
  }
  run.signal.throwIfAborted();
  const today = await claimToday(run);
  if (today) await deliver(today);
}

async function claimToday(run: DigestRun): Promise<Digest | undefined> {
  const { db, log, now, timeZone } = run;
  const date = localDate(now, timeZone);
  if (await hasDigest(db, date)) {
    const waiting = await countNewErrors(db);
    log.info({ date, waiting }, `the digest of ${date} is sent already; new errors wait for tomorrow’s`);
    return undefined;
  }
  const digest = await claimDigest(db, {
    localDate: date,
    messageId: newMessageId(date, run.from),
    recipients: run.to,
    now,
    isWanted: (contents) => isWanted({ ...run, contents }),
    compose: (contents) => composeEmail({ ...run, contents }),
  });
  if (digest)
    log.info({ date, errors: digest.errorCount, messageId: digest.messageId }, `claimed the digest of ${date}`);
  else log.info({ date, sync: await syncHealth(db) }, 'nothing new: no digest today');
  return digest;
}

async function deliverDigest(run: DigestRun, digest: Digest, stillMine: () => Promise<void>): Promise<number> {
  const { log, from, to } = run;
  const { mail, messageId, localDate: date } = digest;
  // To those whom the configuration names now: where the first sending failed for a wrong address, this one must not.
  const outgoing = { ...mail, from, to, messageId, date: digest.createdAt };
  const delivery = await sendMail(run.smtpUrl, outgoing, run.signal, {
    delays: run.retryDelays,
    before: stillMine,
    onDelay: (failure, seconds) => log.warn({ seconds }, `${failure.message} Trying again in ${seconds} s.`),
  });
  await markDigestSent(run.db, digest.id, delivery.accepted);
  const recipients = delivery.accepted.length;
  log.info({ date, errors: digest.errorCount, recipients, messageId }, `sent the digest of ${date}`);
  if (delivery.refused > 0) {
    log.warn(
      { date, refused: delivery.refused },
      `the mail server refused ${delivery.refused} of ${recipients + delivery.refused} recipients: correct DIGEST_TO`,
    );
  }
  return recipients;
}

async function stillMine(db: Database, runId: number, owner: string): Promise<void> {
  await heartbeat(db, runId);
  if (await renewLease(db, LEASE, owner, LEASE_SECONDS)) return;
  throw new Failure(
    EXIT.tryLater,
    'Another digest took over, because this one stood still for too long: the next run goes on.',
  );
}

/**
 * Drawn once for a digest and kept with it. Not made of the row's number: two installations that send for one domain
 * would use the same, and mail servers drop a second mail under a Message-ID they have seen.
 */
export function newMessageId(date: string, from: string): string {
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>$/, '');
  return `<digest-${date}.${randomUUID()}@${domainToASCII(domain) || 'localhost'}>`;
}
