import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LiveChatRefusal } from '../shared/livechat/errors.ts';
import { failureOf, MarketoError } from '../shared/marketo/errors.ts';
import { ineligible } from '../shared/rules/eligible.ts';
import { parseRules } from '../shared/rules/load.ts';
import type { Rules } from '../shared/rules/schema.ts';
import { usedOf } from '../shared/rules/used.ts';
import type { Config } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import type { Instant } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import { replayDead } from '../shared/store/dead.ts';
import { logErrors } from '../shared/store/errors.ts';
import { closeLostRuns, finishRun, noteRules, startRun } from '../shared/store/runs.ts';
import type { RunOutcome } from '../shared/store/schema.ts';
import { type Connecting, connectLiveChat, connectMarketo, instanceOf, limitsOf } from './connect.ts';
import { deliver, noDeliveries } from './deliver.ts';
import { createFiling, fileChats, ignoredIn, type Judge } from './filing.ts';
import { type Ingest, pageLimitOf } from './ingest.ts';
import { rulesThatFit } from './lead-fields.ts';
import { UNKNOWN_FATE_MS, withLease } from './lease.ts';
import { readLiveChat } from './read.ts';
import { tellInto } from './warnings.ts';

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
  'SYNC_AUDIT',
  'SYNC_DRY_RUN',
  'SYNC_SHOW_VALUES',
  'SYNC_REPLAY_DEAD',
  'SYNC_DEAD_CODE',
  'SYNC_INTERVAL',
  'SYNC_OVERLAP',
  'SYNC_SETTLE',
  'SYNC_PATIENCE',
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
  refuseContradictions(config);
  const runId = await startRun(db, 'sync', config.RUN_NAME);
  const runLog = log.child({ run: runId });
  const tell = tellInto(db, runLog, runId);
  const run: Run = { config, db, log: runLog, runId, tell, counts: {}, unknownFateAt: undefined };
  try {
    const rules = rulesOf(config);
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

/**
 * Its counts hold `ready` = `delivered` + every `ignored:<reason>` + `failed` + `left`, and `seen` = `new` + `changed` +
 * `known` + `open`.
 */
export type Run = Connecting & { runId: number; log: Logger };

/** The story of a run: check, read LiveChat and deliver, part by part, and close. */
async function work(run: Run, rules: Rules, signal: AbortSignal, clock: () => number): Promise<ExitCode> {
  const { config, db, log, runId } = run;
  for (const id of await closeLostRuns(db, 'sync', runId)) {
    await run.tell({ code: 'run-lost', message: `Run ${id} died without a word; its work is done again.` });
  }

  const marketo = await connectMarketo(run, signal);
  try {
    // Before anything else, so that a rule that does not fit leaves no trace but the run's row.
    const checking = { db, marketo, instance: instanceOf(config), tell: run.tell };
    let fitting = await rulesThatFit(checking, rules, { always: false, keep: true });
    let isRevived = false;
    const filing = createFiling(db, judgeOf(config, rules));
    const livechat = connectLiveChat(run, signal);
    const delivery = {
      marketo,
      db,
      log,
      runId,
      signal,
      batchSize: config.MARKETO_BATCH_SIZE,
      concurrency: limitsOf(config).concurrency,
      maxAttempts: config.SYNC_MAX_ATTEMPTS,
      unknownFateMs: UNKNOWN_FATE_MS,
      counts: noDeliveries(),
    };
    try {
      const ingest: Ingest = {
        livechat,
        db,
        log,
        runId,
        signal,
        tell: run.tell,
        file: (chats, at) => fileChats(filing, chats, at),
        seen: filing.counted,
        pageLimit: pageLimitOf(runId),
        counts: filing.counts,
      };
      for await (const now of readLiveChat(ingest, config, clock)) {
        if (!isRevived) await revive(run, now);
        isRevived = true;
        try {
          await deliver({ ...delivery, ...fitting }, now);
        } catch (error) {
          // A field that went since it was described makes Marketo refuse every look-up: then what is left is delivered.
          if (fitting.asked || !(error instanceof MarketoError && error.code === '1006')) throw error;
          fitting = await rulesThatFit(checking, rules, { always: true, keep: true });
          await deliver({ ...delivery, ...fitting }, now);
        }
      }
    } finally {
      const ready = delivery.counts.taken + ignoredIn(filing.counts);
      Object.assign(run.counts, filing.counts, delivery.counts, { ready });
    }
    await finishRun(db, runId, 'done', run.counts);
    log.info(run.counts, endingOf(run.counts));
    return EXIT.done;
  } finally {
    marketo.close();
  }
}

/**
 * Dead threads live again where that is asked for, and where the rules have changed since the last run that came so far:
 * what Marketo refused may not be sent any more.
 */
async function revive({ config, db, log, runId }: Run, now: Instant): Promise<void> {
  const code = config.SYNC_DEAD_CODE;
  const hash = hashOf(readRules(config.RULES_FILE));
  const { revived, rulesChanged } = await db.transaction().execute(async (transaction) => {
    // Noted together with what follows from it: a run that dies in between must not leave the dead behind.
    const changed = await noteRules(transaction, runId, hash);
    if (!changed && !config.SYNC_REPLAY_DEAD) return { revived: 0, rulesChanged: false };
    const which = changed || code === undefined ? {} : { code };
    return { revived: await replayDead(transaction, which, now), rulesChanged: changed };
  });
  const why = rulesChanged ? 'the rules have changed since the last run' : 'as asked for';
  if (revived > 0) log.info({ revived }, `${revived} dead threads are ready again, ${why}`);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function endingOf(counts: Readonly<Record<string, number>>): string {
  const { visitors = 0, created = 0, updated = 0, unchanged = 0, refused = 0 } = counts;
  return `done: of ${visitors} visitors, ${created} leads created, ${updated} updated, ${unchanged} left alone, ${refused} refused`;
}

/** What the configuration and the rules have to say about threads before they are delivered. */
export function judgeOf(config: Pick<SyncConfig, 'SYNC_EXCLUDED_DOMAINS'>, rules: Rules): Judge {
  return {
    excludedDomains: config.SYNC_EXCLUDED_DOMAINS,
    ineligible: (visit) => ineligible(rules, visit),
    used: (visit) => usedOf(rules, visit),
  };
}

/**
 * The rules, once the settings hold together.
 *
 * @throws Failure 64 where the settings contradict each other, 78 where the rules do not hold.
 */
export function rulesOf(config: SyncConfig): Rules {
  refuseContradictions(config);
  return parseRules(readRules(config.RULES_FILE), config.RULES_FILE);
}

function refuseContradictions(config: SyncConfig): void {
  const { SYNC_FROM: from, SYNC_TO: to, SYNC_AUDIT: day } = config;
  if (day !== undefined && config.SYNC_DRY_RUN) {
    throw new Failure(EXIT.usage, 'An audit takes in what is missing, which a dry run does not: ask for one of them.');
  }
  if (day !== undefined && to !== undefined) {
    throw new Failure(
      EXIT.usage,
      'An audit is of one day, not of a range: leave SYNC_TO (--to) out beside SYNC_AUDIT (--audit).',
    );
  }
  if (to === undefined || (from !== undefined && from < to)) return;
  throw new Failure(
    EXIT.usage,
    'A backfill needs both ends, the earlier one first: set SYNC_FROM (--from) to a time before SYNC_TO (--to).',
  );
}

/** What the process ends with, and what the run's row says of it. */
export function endOf(error: unknown, signal: AbortSignal): { end: unknown; outcome: RunOutcome } {
  if (signal.aborted) {
    return { end: new Failure(EXIT.terminated, 'The run was told to stop; the next one goes on.'), outcome: 'stopped' };
  }
  if (error instanceof LiveChatRefusal) {
    const sentence = `${error.message}: see the runbook; nothing is lost, the watermark has not moved past what was read.`;
    return {
      end: new Failure(EXIT.configuration, sentence, { code: 'livechat-answer', cause: error }),
      outcome: 'failed',
    };
  }
  if (!(error instanceof MarketoError)) return { end: error, outcome: 'failed' };
  return { end: failureOf(error), outcome: error.kind === 'quota' ? 'stopped' : 'failed' };
}

/** Closes the run's row with the reason, and logs the error for the digest; being told to stop is none, nor is being asked for nonsense. */
async function closeWithError(run: Run, end: unknown, outcome: RunOutcome): Promise<void> {
  const sentence =
    end instanceof Failure
      ? end.message
      : `An unforeseen error (${end instanceof Error ? end.name : 'unknown'}) ended the run: see its log.`;
  try {
    const isNoError = end instanceof Failure && (end.exitCode === EXIT.terminated || end.exitCode === EXIT.usage);
    if (!isNoError) {
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

function readRules(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Failure(
      EXIT.configuration,
      `The rules cannot be read from "${file}"${why}: set RULES_FILE to the decision model.`,
      { code: 'rules-invalid' },
    );
  }
}
