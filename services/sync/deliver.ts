import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Marketo } from '../shared/marketo/client.ts';
import { MarketoError, RECORD_CLASSES, recordClassOf } from '../shared/marketo/errors.ts';
import type { Field, Lead, LeadValues, WriteResult } from '../shared/marketo/types.ts';
import { type Decision, decide } from '../shared/rules/decide.ts';
import type { Rules } from '../shared/rules/schema.ts';
import { addMilliseconds, type Instant } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { recordChanges } from '../shared/store/changes.ts';
import { addCounts } from '../shared/store/counters.ts';
import type { Database } from '../shared/store/database.ts';
import { type LoggedError, logErrors } from '../shared/store/errors.ts';
import { giveBack, markRefused, markSynced, type TakenThread, takeReady } from '../shared/store/ledger.ts';
import { mergeByAddress, type Visitor } from './merge.ts';

export type Deliver = {
  marketo: Marketo;
  db: Database;
  log: Logger;
  runId: number;
  signal: AbortSignal;
  rules: Rules;
  fields: ReadonlyMap<string, Field>;
  /** Leads a call, at most 300. */
  batchSize: number;
  /** Calls in flight. */
  concurrency: number;
  /** Refusals after which a thread is dead. */
  maxAttempts: number;
  /** For how long Marketo may still work on a write that gave no answer, in milliseconds. */
  unknownFateMs: number;
};

export type DeliverCounts = {
  visitors: number;
  created: number;
  updated: number;
  unchanged: number;
  refused: number;
  dead: number;
};

/**
 * Delivers what is ready: looks leads up, decides, writes, and records, in waves, so that memory stays flat however
 * large the backlog is. Lookups and writes overlap; writes are filled up across lookups, so N visitors cost ⌈N/300⌉
 * lookups and at most one write more than ⌈N/300⌉ (creates and updates each fill up their own calls).
 *
 * Invariants: no two writes for one address are in flight (a wave takes all threads of an address, and a run takes
 * them once); a create is only ever sent after a look-up that did not find the lead, and never again before another
 * look-up; what was not recorded as delivered or refused is given back, and the next run takes it.
 *
 * @param now the run's instant.
 * @throws Failure where a whole call failed for good; everything recorded so far stays.
 */
export async function deliver(parts: Deliver, now: Instant): Promise<DeliverCounts> {
  const state: State = {
    counts: { visitors: 0, created: 0, updated: 0, unchanged: 0, refused: 0, dead: 0 },
    outstanding: new Set(),
    creates: [],
    updates: [],
    lookAgain: [],
    startedAt: performance.now(),
    lastUnknownAt: undefined,
    limit: pLimit(parts.concurrency),
    writes: [],
    failure: undefined,
  };
  try {
    for (;;) {
      const taken = await takeReady(parts.db, parts.runId, now, parts.batchSize);
      if (taken.length === 0) break;
      for (const thread of taken) state.outstanding.add(thread.threadId);
      const visitors = mergeByAddress(taken);
      state.counts.visitors += visitors.length;
      await lookUpAndDecide(parts, state, visitors, now, 'first');
    }
    await finishWrites(parts, state, now, 'first');
    await secondLook(parts, state, now);
    return state.counts;
  } catch (error) {
    // Answers that are still to come belong to writes that were sent: they are waited for and recorded all the same.
    await Promise.allSettled(state.writes);
    if (!(error instanceof MarketoError) && !parts.signal.aborted) throw error;
    await giveBack(parts.db, parts.runId, [...state.outstanding], notBefore(parts, state, now));
    throw error;
  }
}

type Pending = { visitor: Visitor; values: LeadValues; decision: Decision; lead: Lead | undefined };
type Round = 'first' | 'second';
type State = {
  counts: DeliverCounts;
  /** Threads that were taken and not recorded yet. */
  outstanding: Set<string>;
  creates: Pending[];
  updates: Pending[];
  /** Visitors whose write met a lead that came or went meanwhile, or whose fate is not known. */
  lookAgain: Visitor[];
  /** When deliver began, and when the last write without an answer ended for us, both by performance.now(). */
  lastUnknownAt: number | undefined;
  startedAt: number;
  limit: ReturnType<typeof pLimit>;
  writes: Promise<void>[];
  /** The first call that failed for good: nothing is sent after it. */
  failure: unknown;
};

/** When what is given back may be taken again: at once, but not while Marketo may still be working on one of its writes. */
function notBefore(parts: Deliver, state: State, now: Instant): Instant {
  if (state.lastUnknownAt === undefined) return now;
  return addMilliseconds(now, state.lastUnknownAt - state.startedAt + parts.unknownFateMs);
}

async function lookUpAndDecide(
  parts: Deliver,
  state: State,
  visitors: readonly Visitor[],
  now: Instant,
  round: Round,
): Promise<void> {
  stopIfNeeded(parts, state);
  const leads = await state.limit(() =>
    parts.marketo.findLeadsByEmail(
      visitors.map((visitor) => visitor.email),
      parts.rules.fieldNames,
    ),
  );
  const unchanged: Pending[] = [];
  const warnings: LoggedError[] = [];
  for (const visitor of visitors) {
    const candidates = leads.get(visitor.email.toLowerCase()) ?? [];
    const lead = mostRecentlyUpdated(candidates);
    if (lead && candidates.length > 1) warnings.push(duplicateWarning(visitor, lead, candidates.length));
    const decision = decide(parts.rules, visitor.input, lead?.values, parts.fields);
    const values: LeadValues = lead ? { id: lead.id } : { email: visitor.email };
    for (const change of decision.changes) values[change.field] = change.to;
    const pending = { visitor, values, decision, lead };
    if (!lead) state.creates.push(pending);
    else if (decision.changes.length > 0) state.updates.push(pending);
    else unchanged.push(pending);
  }
  await recordUnchanged(parts, state, unchanged, warnings, now);
  for (const kind of ['creates', 'updates'] as const) {
    for (let batch = fullBatch(state[kind], parts.batchSize); batch; batch = fullBatch(state[kind], parts.batchSize)) {
      startWrite(parts, state, kind, batch, now, round);
    }
  }
  // A bound on what waits in memory: no more batches ahead than may be in flight twice over.
  while (state.limit.pendingCount > parts.concurrency) await Promise.race(state.writes);
}

/** Sends what has not filled a call, and waits for all answers. */
async function finishWrites(parts: Deliver, state: State, now: Instant, round: Round): Promise<void> {
  for (const kind of ['creates', 'updates'] as const) {
    while (state[kind].length > 0) {
      const batch = fullBatch(state[kind], parts.batchSize) ?? state[kind].splice(0);
      startWrite(parts, state, kind, batch, now, round);
    }
  }
  await Promise.all(state.writes);
  state.writes = [];
  stopIfNeeded(parts, state);
}

/**
 * Looks again for those whose lead came or went between look-up and write, and for those whose write got no answer: for
 * these only after Marketo cannot be working on it any more. Who is there by now is updated, who is not is created.
 */
async function secondLook(parts: Deliver, state: State, now: Instant): Promise<void> {
  if (state.lookAgain.length === 0) return;
  const wait = state.lastUnknownAt === undefined ? 0 : state.lastUnknownAt + parts.unknownFateMs - performance.now();
  if (wait > 0) {
    parts.log.info(
      { seconds: Math.round(wait / 1000), visitors: state.lookAgain.length },
      'waiting to look again for writes that gave no answer',
    );
    await sleep(wait, undefined, { signal: parts.signal });
  }
  const visitors = state.lookAgain.splice(0);
  for (let start = 0; start < visitors.length; start += parts.batchSize) {
    await lookUpAndDecide(parts, state, visitors.slice(start, start + parts.batchSize), now, 'second');
  }
  await finishWrites(parts, state, now, 'second');
}

function startWrite(
  parts: Deliver,
  state: State,
  kind: 'creates' | 'updates',
  batch: Pending[],
  now: Instant,
  round: Round,
): void {
  const write = state
    .limit(() => writeBatch(parts, state, kind, batch, now, round))
    .catch((error: unknown) => {
      state.failure ??= error;
    })
    .finally(() => {
      state.writes = state.writes.filter((other) => other !== write);
    });
  state.writes.push(write);
}

/**
 * Sends one call and records what became of it.
 *
 * @param halvings how many more calls may be spent on finding a record that makes Marketo refuse the whole call.
 */
async function writeBatch(
  parts: Deliver,
  state: State,
  kind: 'creates' | 'updates',
  batch: Pending[],
  now: Instant,
  round: Round,
  halvings = { left: MOST_HALVINGS },
): Promise<void> {
  stopIfNeeded(parts, state);
  const send = kind === 'creates' ? parts.marketo.createLeads : parts.marketo.updateLeads;
  try {
    const results = await send(batch.map((pending) => pending.values));
    await recordWritten(parts, state, batch, results, now, round);
  } catch (error) {
    if (!(error instanceof MarketoError)) throw error;
    if (round === 'first' && (error.kind === 'unknown-fate' || error.kind === 'undocumented')) {
      state.lastUnknownAt = performance.now();
      state.lookAgain.push(...batch.map((pending) => pending.visitor));
      return;
    }
    if (!isAboutSomeRecord(error)) throw error;
    if (batch.length === 1 || halvings.left < 2) {
      const refused: WriteResult = { status: 'skipped', reasons: [{ code: error.code, field: undefined }] };
      await recordWritten(
        parts,
        state,
        batch,
        batch.map(() => refused),
        now,
        round,
      );
      return;
    }
    // One record that Marketo cannot take must not hold up the others: halve until it is found.
    halvings.left -= 2;
    const middle = Math.ceil(batch.length / 2);
    await writeBatch(parts, state, kind, batch.slice(0, middle), now, round, halvings);
    await writeBatch(parts, state, kind, batch.slice(middle), now, round, halvings);
  }
}

/** Enough to find one record among 300: 2 · ⌈log₂ 300⌉. With more than one, the rest of the call waits for a later run. */
const MOST_HALVINGS = 18;

/**
 * A whole call refused with a record's code, as invalid JSON, as too large, or with a code that the documentation does
 * not have: one of its records may be at fault.
 */
function isAboutSomeRecord(error: MarketoError): boolean {
  return (
    error.kind === 'undocumented' || (error.kind === 'configuration' && /^(?:1\d{3}|609|HTTP 413)/.test(error.code))
  );
}

async function recordUnchanged(
  parts: Deliver,
  state: State,
  unchanged: readonly Pending[],
  warnings: readonly LoggedError[],
  now: Instant,
): Promise<void> {
  await parts.db.transaction().execute(async (transaction) => {
    await markSynced(
      transaction,
      parts.runId,
      unchanged.flatMap((one) => threadsOf(one, one.lead?.id ?? 0)),
      now,
    );
    await logErrors(transaction, parts.runId, warnings);
    await addCounts(transaction, [{ name: 'lcm_leads_total', labels: { action: 'unchanged' }, by: unchanged.length }]);
  });
  state.counts.unchanged += unchanged.length;
  settle(state, unchanged);
}

/** Records what became of a batch: ledger, audit trail, errors and counters, in one transaction. */
async function recordWritten(
  parts: Deliver,
  state: State,
  batch: readonly Pending[],
  results: readonly WriteResult[],
  now: Instant,
  round: Round,
): Promise<void> {
  const written: { pending: Pending; leadId: number; action: 'created' | 'updated' }[] = [];
  const refused: { pending: Pending; error: LoggedError }[] = [];
  const again: Pending[] = [];
  batch.forEach((pending, index) => {
    const result = results[index];
    if (result && result.status !== 'skipped') {
      written.push({ pending, leadId: result.id, action: result.status });
      return;
    }
    const reason = result?.reasons[0] ?? { code: 'no result', field: undefined };
    const cameOrWent = recordClassOf(reason.code) === 'look-again';
    if (cameOrWent && round === 'first') again.push(pending);
    else refused.push({ pending, error: refusalError(pending, reason, cameOrWent) });
  });
  const dead = await parts.db.transaction().execute(async (transaction) => {
    await markSynced(
      transaction,
      parts.runId,
      written.flatMap(({ pending, leadId }) => threadsOf(pending, leadId)),
      now,
    );
    const died = await markRefused(
      transaction,
      parts.runId,
      refused.flatMap(({ pending, error }) =>
        pending.visitor.threads.map((thread) => ({ ...thread, reason: `${error.code} ${error.subject ?? ''}`.trim() })),
      ),
      now,
      parts.maxAttempts,
    );
    await recordChanges(
      transaction,
      parts.runId,
      written.map(({ pending, leadId, action }) => ({
        threadId: lastThread(pending.visitor).threadId,
        leadId,
        action,
        changes: pending.decision.changes,
      })),
    );
    await logErrors(transaction, parts.runId, [
      ...refused.map(({ error }) => error),
      ...died.map((threadId) => ({
        code: 'thread-dead' as const,
        message: 'The thread was given up after its last attempt.',
        threadId,
      })),
    ]);
    await addCounts(transaction, [
      {
        name: 'lcm_leads_total',
        labels: { action: 'created' },
        by: written.filter((one) => one.action === 'created').length,
      },
      {
        name: 'lcm_leads_total',
        labels: { action: 'updated' },
        by: written.filter((one) => one.action === 'updated').length,
      },
      { name: 'lcm_leads_total', labels: { action: 'refused' }, by: refused.length },
    ]);
    return died.length;
  });
  for (const { action } of written) state.counts[action] += 1;
  state.counts.refused += refused.length;
  state.counts.dead += dead;
  settle(
    state,
    written.map(({ pending }) => pending),
  );
  settle(
    state,
    refused.map(({ pending }) => pending),
  );
  state.lookAgain.push(...again.map((pending) => pending.visitor));
}

function refusalError(
  pending: Pending,
  reason: { code: string; field: string | undefined },
  conflict: boolean,
): LoggedError {
  const { threadId } = lastThread(pending.visitor);
  const subject = reason.field === undefined ? reason.code : `${reason.code} ${reason.field}`;
  return {
    code: conflict ? 'lead-conflict' : reason.code in RECORD_CLASSES ? 'lead-refused' : 'marketo-answer',
    message: `Marketo refused the lead (code ${reason.code}${reason.field === undefined ? '' : `, field ${reason.field}`}).`,
    subject,
    threadId,
    ...(pending.lead ? { leadId: pending.lead.id } : {}),
  };
}

function duplicateWarning(visitor: Visitor, lead: Lead, count: number): LoggedError {
  return {
    code: 'lead-duplicates',
    message: `${count} leads have this visitor's address; lead ${lead.id}, the most recently updated one, was taken.`,
    threadId: lastThread(visitor).threadId,
    leadId: lead.id,
  };
}

/** Among leads with the same time, the oldest id, so that the choice is the same every time. */
function mostRecentlyUpdated(leads: readonly Lead[]): Lead | undefined {
  return leads.toSorted((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt) || a.id - b.id)[0];
}

/** A batch that is full, by number or by size (Marketo takes 300 leads and 1 MB a call), removed from what is pending. */
function fullBatch(pending: Pending[], batchSize: number): Pending[] | undefined {
  let bytes = 0;
  for (const [index, { values }] of pending.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(values)) + 1;
    if (bytes > LARGEST_BODY && index > 0) return pending.splice(0, index);
    if (index + 1 === batchSize) return pending.splice(0, batchSize);
  }
  return undefined;
}

/** Bytes of leads in one body; Marketo answers HTTP 413 over 1 MB. */
const LARGEST_BODY = 900_000;

function threadsOf(pending: Pending, leadId: number): { threadId: string; leadId: number }[] {
  return pending.visitor.threads.map(({ threadId }) => ({ threadId, leadId }));
}

function lastThread(visitor: Visitor): TakenThread {
  const last = visitor.threads.at(-1);
  if (!last) throw new Error('a visitor without a thread');
  return last;
}

function settle(state: State, pendings: readonly Pending[]): void {
  for (const { visitor } of pendings) for (const { threadId } of visitor.threads) state.outstanding.delete(threadId);
}

function stopIfNeeded(parts: Deliver, state: State): void {
  parts.signal.throwIfAborted();
  if (state.failure !== undefined) throw state.failure;
}
