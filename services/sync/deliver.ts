import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Marketo } from '../shared/marketo/client.ts';
import { MarketoError, RECORD_CLASSES, recordClassOf } from '../shared/marketo/errors.ts';
import type { Field, Lead, LeadValues, Refusal, WriteResult } from '../shared/marketo/types.ts';
import type { Decision } from '../shared/rules/decide.ts';
import type { Rules } from '../shared/rules/schema.ts';
import type { Instant } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { recordChanges } from '../shared/store/changes.ts';
import { addCounts } from '../shared/store/counters.ts';
import type { Database } from '../shared/store/database.ts';
import { type LoggedError, logErrors } from '../shared/store/errors.ts';
import {
  dueAddresses,
  giveBack,
  laterThreads,
  markRefused,
  markSynced,
  type TakenThread,
  takeReady,
} from '../shared/store/ledger.ts';
import { decideVisitors } from './decide-visitors.ts';
import { findLeads, TOO_MANY } from './find-leads.ts';
import { mergeByAddress, type Visitor } from './merge.ts';
import { type LostField, withoutRefused } from './salvage.ts';

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
  /** Attempts after which a thread is dead. */
  maxAttempts: number;
  /** For how long Marketo may still work on a write that gave no answer, in milliseconds. */
  unknownFateMs: number;
  /** Added to as things happen, so that a run that fails can tell as well. */
  counts: DeliverCounts;
};

/** Of threads: `taken` = `delivered` + `failed` + `left`, and some that failed are `dead` by it. The others are of visitors. */
export type DeliverCounts = {
  taken: number;
  delivered: number;
  failed: number;
  /** Given back untried. */
  left: number;
  dead: number;
  visitors: number;
  created: number;
  updated: number;
  unchanged: number;
  refused: number;
};

/** The counts of a run that has delivered nothing yet. */
export function noDeliveries(): DeliverCounts {
  return {
    taken: 0,
    delivered: 0,
    failed: 0,
    left: 0,
    dead: 0,
    visitors: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    refused: 0,
  };
}

/**
 * Delivers what is ready: looks leads up, decides, writes, and records, in waves, so that memory stays flat however
 * large the backlog is. Lookups and writes overlap; writes are filled up across lookups, so N visitors cost ⌈N/300⌉
 * lookups and at most one write more than ⌈N/300⌉ (creates and updates each fill up their own calls).
 *
 * Invariants: no two writes for one address are in flight (a wave takes all threads of an address, and a run takes
 * them once); a create is only ever sent after a look-up that did not find the lead, and never again before another
 * look-up, but where Marketo has answered that it did not create it; what was not recorded as delivered or refused is given back without an attempt, and a later run takes it.
 *
 * @param now the run's instant.
 * @throws MarketoError where a whole call failed for good; everything recorded so far stays.
 */
export async function deliver(parts: Deliver, now: Instant): Promise<DeliverCounts> {
  const state: State = {
    counts: parts.counts,
    outstanding: new Set(),
    creates: [],
    updates: [],
    salvaged: [],
    lookAgain: [],
    suspects: [],
    suspicion: undefined,
    lastUnknownAt: undefined,
    limit: pLimit(parts.concurrency),
    writes: [],
    failure: undefined,
  };
  try {
    await everythingDue(parts, state, now);
    await lookAgain(parts, state, now);
    await isolate(parts, state, now);
  } catch (error) {
    // Nothing new is sent; answers that are still to come belong to writes that were sent, and are recorded.
    state.failure ??= error;
    await Promise.allSettled(state.writes);
    // An error of our own may be a record's fault: then its attempt counts, so that it cannot stop us for ever.
    if (error instanceof MarketoError || parts.signal.aborted) await giveBackTheRest(parts, state);
    throw error;
  }
  await giveBackTheRest(parts, state);
  return state.counts;
}

type Pending = {
  visitor: Visitor;
  values: LeadValues;
  decision: Decision;
  lead: Lead | undefined;
  lookedUpAt: number;
  /** The fields that Marketo has refused and that it is written without. */
  lost: readonly LostField[];
};

/**
 * A visitor is sent in the first round; again, after another look-up, in the second, where the lead came or went or the
 * fate of the write is not known. Calls that are refused as a whole are sent in parts, and then one by one, to find the
 * record that is at fault.
 */
type Round = 'first' | 'second' | 'parts' | 'singles';

type State = {
  counts: DeliverCounts;
  /** Threads that were taken and not recorded yet. */
  outstanding: Set<string>;
  creates: Pending[];
  updates: Pending[];
  /** To be sent once more, without a field that Marketo refused. */
  salvaged: Pending[];
  /** Visitors for the second round. */
  lookAgain: Visitor[];
  /** Visitors of calls that were refused as a whole. */
  suspects: Visitor[];
  /** With what they were refused first. */
  suspicion: MarketoError | undefined;
  /** When the last write of unknown fate ended for us, by performance.now(). */
  lastUnknownAt: number | undefined;
  limit: ReturnType<typeof pLimit>;
  writes: Promise<void>[];
  /** The first call that failed for good: nothing is sent after it. */
  failure: unknown;
};

/** So many addresses are listed at once; listing goes through all that is ready, so it is not done for every wave. */
const ADDRESSES_AT_ONCE = 3000;

async function everythingDue(parts: Deliver, state: State, now: Instant): Promise<void> {
  for (;;) {
    const addresses = await dueAddresses(parts.db, parts.runId, now, ADDRESSES_AT_ONCE);
    if (addresses.length === 0) break;
    for (const wave of chunks(addresses, parts.batchSize)) {
      const visitors = await takeVisitors(parts, state, wave, now);
      state.counts.visitors += visitors.length;
      await lookUpAndDecide(parts, state, visitors, now, 'first', parts.batchSize);
    }
  }
  await finishWrites(parts, state, now, 'first', parts.batchSize);
}

async function takeVisitors(parts: Deliver, state: State, addresses: string[], now: Instant): Promise<Visitor[]> {
  const taken = await takeReady(parts.db, parts.runId, now, addresses);
  state.counts.taken += taken.length;
  for (const { threadId } of taken) state.outstanding.add(threadId);
  // A thread whose attempts are used up although it never was refused is one that killed its runs.
  const fatal = taken.filter((thread) => thread.attempts > parts.maxAttempts);
  const later = await laterThreads(parts.db, taken);
  const { visitors, unreadable } = mergeByAddress(
    taken.filter((thread) => !fatal.includes(thread)),
    later,
  );
  await bury(parts, state, [...fatal, ...unreadable], now);
  return visitors;
}

/** Gives up threads that no run can handle. */
async function bury(parts: Deliver, state: State, threads: readonly TakenThread[], now: Instant): Promise<void> {
  if (threads.length === 0) return;
  await parts.db.transaction().execute(async (transaction) => {
    const buried = threads.map((thread) => ({ ...thread, reason: 'run-failed' }));
    await markRefused(transaction, parts.runId, buried, now, 0);
    await logErrors(transaction, parts.runId, threads.map(deathOf));
  });
  state.counts.dead += threads.length;
  state.counts.failed += threads.length;
  for (const { threadId } of threads) state.outstanding.delete(threadId);
}

function deathOf({ threadId }: { threadId: string }): LoggedError {
  return { code: 'thread-dead', message: 'The thread was given up after its last attempt.', threadId };
}

async function lookUpAndDecide(
  parts: Deliver,
  state: State,
  visitors: readonly Visitor[],
  now: Instant,
  round: Round,
  writeSize: number,
): Promise<void> {
  stopIfNeeded(parts, state);
  const leads = await lookUp(parts, state, visitors, now);
  const lookedUpAt = performance.now();
  const unchanged: Pending[] = [];
  const warnings: LoggedError[] = [];
  const found = visitors.flatMap((visitor) => {
    const candidates = leads.get(visitor.email.toLowerCase()) ?? [];
    if (candidates === 'refused') return [];
    const lead = mostRecentlyUpdated(candidates);
    if (lead && candidates.length > 1) warnings.push(duplicateWarning(visitor, lead, candidates.length));
    return [{ visitor, lead }];
  });
  const decisions = await decideVisitors(parts, found);
  for (const [index, { visitor, lead }] of found.entries()) {
    const decision = decisions[index] ?? NOTHING;
    const pending = { visitor, values: valuesOf(visitor, decision, lead), decision, lead, lookedUpAt, lost: [] };
    if (!lead) state.creates.push(pending);
    else if (decision.changes.length > 0) state.updates.push(pending);
    else unchanged.push(pending);
  }
  await recordUnchanged(parts, state, unchanged, warnings, now);
  for (const kind of ['creates', 'updates'] as const) {
    for (let batch = fullBatch(state[kind], writeSize); batch; batch = fullBatch(state[kind], writeSize)) {
      startWrite(parts, state, kind, batch, now, round);
    }
  }
  // An update stands on what the look-up saw: it must not wait for others until somebody has changed the lead. (A create
  // may wait: it is refused where the lead has come to be there.)
  if (state.updates.some((pending) => lookedUpAt - pending.lookedUpAt > LONGEST_WAIT_MS)) {
    startWrite(parts, state, 'updates', state.updates.splice(0), now, round);
  }
  // A bound on what waits in memory: no more batches ahead than may be in flight twice over.
  while (state.limit.pendingCount > parts.concurrency) await Promise.race(state.writes);
}

function valuesOf(visitor: Visitor, decision: Decision, lead: Lead | undefined): LeadValues {
  const values: LeadValues = lead ? { id: lead.id } : { email: visitor.email };
  for (const change of decision.changes) values[change.field] = change.to;
  return values;
}

/** How long a decided update may wait for others to fill its call. */
const LONGEST_WAIT_MS = 20_000;

/** The leads of these visitors; who cannot be looked up is refused. */
async function lookUp(
  parts: Deliver,
  state: State,
  visitors: readonly Visitor[],
  now: Instant,
): Promise<Map<string, Lead[] | 'refused'>> {
  const leads = await findLeads(
    (emails) => state.limit(() => parts.marketo.findLeadsByEmail(emails, parts.rules.leadFields)),
    visitors.map((visitor) => visitor.email),
  );
  for (const visitor of visitors) {
    if (leads.get(visitor.email.toLowerCase()) !== 'refused') continue;
    const pending = { visitor, values: {}, decision: NOTHING, lead: undefined, lookedUpAt: 0, lost: [] };
    await recordWritten(parts, state, [pending], [refusal(TOO_MANY)], now, 'singles');
  }
  return leads;
}

const NOTHING: Decision = { changes: [], leftAlone: [] };

/**
 * Sends what has not filled a call, and waits for all answers; then the same for what the answers have left to be sent
 * without a refused field. It ends, because a record loses three fields at most.
 */
async function finishWrites(parts: Deliver, state: State, now: Instant, round: Round, size: number): Promise<void> {
  do {
    for (const kind of ['creates', 'updates'] as const) {
      while (state[kind].length > 0) {
        startWrite(parts, state, kind, fullBatch(state[kind], size) ?? state[kind].splice(0), now, round);
      }
    }
    await Promise.all(state.writes);
    stopIfNeeded(parts, state);
    for (const again of state.salvaged.splice(0)) (again.lead ? state.updates : state.creates).push(again);
  } while (state.creates.length + state.updates.length > 0);
}

/**
 * Looks again for those whose lead came or went between look-up and write, and for those whose write got no answer. Who
 * is there by now is updated, who is not is created.
 */
async function lookAgain(parts: Deliver, state: State, now: Instant): Promise<void> {
  await sendAgain(parts, state, state.lookAgain.splice(0), now, 'second', parts.batchSize);
}

/** So many calls are spent in a run on finding a record that makes Marketo refuse a whole call: parts, then singles. */
const PARTS = 18;
const SINGLES = 40;

/**
 * Finds the records for which Marketo refuses a whole call: those of refused calls are sent in parts, and those of
 * refused parts one by one; a record that is refused by itself is at fault. Where no part is taken, no record is at fault:
 * then the run ends with what Marketo said, and nobody loses an attempt. What goes beyond the bound waits for the next
 * run, which goes on finding.
 */
async function isolate(parts: Deliver, state: State, now: Instant): Promise<void> {
  const suspects = state.suspects.splice(0);
  if (suspects.length === 0) return;
  parts.log.warn(
    { visitors: suspects.length, code: state.suspicion?.code },
    'Marketo refused whole calls: looking for the record at fault',
  );
  await sendAgain(parts, state, suspects, now, 'parts', Math.ceil(suspects.length / PARTS));
  const stillSuspect = state.suspects.splice(0);
  if (stillSuspect.length === suspects.length && suspects.length > 1) throw state.suspicion;
  await sendAgain(parts, state, stillSuspect.slice(0, SINGLES), now, 'singles', 1);
}

/** Looks visitors up once more and sends them, in calls of a size; not before Marketo can be done with earlier ones. */
async function sendAgain(
  parts: Deliver,
  state: State,
  visitors: readonly Visitor[],
  now: Instant,
  round: Round,
  size: number,
): Promise<void> {
  if (visitors.length === 0) return;
  const wait = state.lastUnknownAt === undefined ? 0 : state.lastUnknownAt + parts.unknownFateMs - performance.now();
  if (wait > 0) {
    const seconds = Math.round(wait / 1000);
    parts.log.info(
      { visitors: visitors.length },
      `waiting ${seconds} s for writes that gave no answer, then looking again`,
    );
    await sleep(wait, undefined, { signal: parts.signal });
  }
  for (const wave of chunks(visitors, parts.batchSize)) await lookUpAndDecide(parts, state, wave, now, round, size);
  await finishWrites(parts, state, now, round, size);
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

/** Sends one call, and records what became of it or files its visitors for another round. */
async function writeBatch(
  parts: Deliver,
  state: State,
  kind: 'creates' | 'updates',
  batch: Pending[],
  now: Instant,
  round: Round,
): Promise<void> {
  stopIfNeeded(parts, state);
  const send = kind === 'creates' ? parts.marketo.createLeads : parts.marketo.updateLeads;
  let results: WriteResult[];
  try {
    results = await send(batch.map((pending) => pending.values));
  } catch (error) {
    if (!(error instanceof MarketoError)) throw error;
    if (error.kind === 'unknown-fate') state.lastUnknownAt = performance.now();
    const next = nextRound(error, round);
    if (next === undefined) throw error;
    const visitors = batch.map((pending) => pending.visitor);
    if (next === 'second') state.lookAgain.push(...visitors);
    else if (next === 'parts' || next === 'singles') {
      state.suspicion ??= error;
      state.suspects.push(...visitors);
    } else
      await recordWritten(
        parts,
        state,
        batch,
        batch.map(() => refusal(error.code)),
        now,
        round,
      );
    return;
  }
  await recordWritten(parts, state, batch, results, now, round);
}

/** What is done with a call that failed: another round, its records refused, or (undefined) the end of the run. */
function nextRound(error: MarketoError, round: Round): Round | 'refuse' | undefined {
  const perhapsDone = error.kind === 'unknown-fate' || error.kind === 'undocumented';
  if (perhapsDone && round === 'first') return 'second';
  // A whole call refused with a record's code, as invalid JSON, as too large, or twice for no known reason.
  const perhapsOneRecord =
    perhapsDone || (error.kind === 'configuration' && /^(?:1\d{3}|609|HTTP 413)/.test(error.code));
  // Where there was no answer at all, no record has been told to be at fault.
  const answered = /^(?:\d{3,4}|HTTP 413)/.test(error.code);
  if (!perhapsOneRecord || !answered) return undefined;
  if (round === 'singles') return 'refuse';
  return round === 'parts' ? 'singles' : 'parts';
}

function refusal(code: string): WriteResult {
  return { status: 'skipped', reasons: [{ code, field: undefined }] };
}

async function recordUnchanged(
  parts: Deliver,
  state: State,
  unchanged: readonly Pending[],
  warnings: readonly LoggedError[],
  now: Instant,
): Promise<void> {
  await parts.db.transaction().execute(async (transaction) => {
    const threads = unchanged.flatMap((one) => threadsOf(one, one.lead?.id ?? 0));
    await markSynced(transaction, parts.runId, threads, now);
    await logErrors(transaction, parts.runId, [...warnings, ...unchanged.flatMap(lossesOf)]);
    await addCounts(transaction, [{ name: 'lcm_leads_total', labels: { action: 'unchanged' }, by: unchanged.length }]);
  });
  state.counts.unchanged += unchanged.length;
  state.counts.delivered += threadCount(unchanged);
  settle(state, unchanged);
}

type Written = { pending: Pending; leadId: number; action: 'created' | 'updated' };
type Refused = { pending: Pending; error: LoggedError };

/** Records what became of a batch: ledger, audit trail, errors and counters, in one transaction. */
async function recordWritten(
  parts: Deliver,
  state: State,
  batch: readonly Pending[],
  results: readonly WriteResult[],
  now: Instant,
  round: Round,
): Promise<void> {
  const written: Written[] = [];
  const refused: Refused[] = [];
  const nothingLeft: Pending[] = [];
  batch.forEach((pending, index) => {
    const result = results[index];
    if (result && result.status !== 'skipped') {
      written.push({ pending, leadId: result.id, action: result.status });
      return;
    }
    const reason = result?.reasons[0] ?? { code: 'no result', field: undefined };
    const cameOrWent = recordClassOf(reason.code) === 'look-again';
    const salvaged = withoutRefused(pending.decision, pending.lost, reason);
    if (cameOrWent && round === 'first') state.lookAgain.push(pending.visitor);
    else if (salvaged) {
      const { visitor, lead } = pending;
      const again = { ...pending, ...salvaged, values: valuesOf(visitor, salvaged.decision, lead) };
      // Together with all others of its kind, when the rest has been answered: how many calls that takes does not hang on
      // which answer came first.
      if (!lead || again.decision.changes.length > 0) state.salvaged.push(again);
      else nothingLeft.push(again);
    } else refused.push({ pending, error: refusalError(pending, reason, cameOrWent) });
  });
  const dead = await record(parts, written, refused, now);
  if (nothingLeft.length > 0) await recordUnchanged(parts, state, nothingLeft, [], now);
  for (const { action } of written) state.counts[action] += 1;
  state.counts.delivered += threadCount(written.map(({ pending }) => pending));
  state.counts.refused += refused.length;
  state.counts.failed += threadCount(refused.map(({ pending }) => pending));
  state.counts.dead += dead;
  settle(
    state,
    [...written, ...refused].map(({ pending }) => pending),
  );
}

/** @returns how many threads are dead by it */
async function record(parts: Deliver, written: Written[], refused: Refused[], now: Instant): Promise<number> {
  const { runId, maxAttempts } = parts;
  const threads = written.flatMap(({ pending, leadId }) => threadsOf(pending, leadId));
  const waiting = refused.flatMap(({ pending, error }) =>
    pending.visitor.threads.map((thread) => ({ ...thread, reason: `${error.code} ${error.subject ?? ''}`.trim() })),
  );
  const count = (action: string, by: number) => ({ name: 'lcm_leads_total', labels: { action }, by });
  return parts.db.transaction().execute(async (transaction) => {
    await markSynced(transaction, runId, threads, now);
    const dead = await markRefused(transaction, runId, waiting, now, maxAttempts);
    const changes = written.map(({ pending, leadId, action }) => ({
      threadId: lastThread(pending.visitor).threadId,
      leadId,
      action,
      changes: pending.decision.changes,
    }));
    await recordChanges(transaction, runId, changes);
    const deaths = dead.map((threadId) => deathOf({ threadId }));
    const losses = written.flatMap(({ pending }) => lossesOf(pending));
    await logErrors(transaction, runId, [...losses, ...refused.map(({ error }) => error), ...deaths]);
    const created = written.filter(({ action }) => action === 'created').length;
    await addCounts(transaction, [
      count('created', created),
      count('updated', written.length - created),
      count('refused', refused.length),
    ]);
    return dead.length;
  });
}

function refusalError(pending: Pending, reason: Refusal, conflict: boolean): LoggedError {
  const { code, field } = reason;
  return {
    code: conflict ? 'lead-conflict' : code in RECORD_CLASSES ? 'lead-refused' : 'marketo-answer',
    message: `Marketo refused the lead (code ${code}${field === undefined ? '' : `, field ${field}`}).`,
    subject: field === undefined ? code : `${code} ${field}`,
    threadId: lastThread(pending.visitor).threadId,
    ...(pending.lead ? { leadId: pending.lead.id } : {}),
  };
}

/** Told once the lead is written, or nothing is left to write: until then, the field is not lost. */
function lossesOf({ visitor, lead, lost }: Pending): LoggedError[] {
  return lost.map(({ field, code, also }) => ({
    code: 'field-refused',
    message: `Marketo refused the value of ${field} (code ${code}); the lead was written without it${also.length === 0 ? '' : `, and without the rest of its group (${also.join(', ')})`}.`,
    subject: `${code} ${field}`,
    threadId: lastThread(visitor).threadId,
    ...(lead ? { leadId: lead.id } : {}),
  }));
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
export function mostRecentlyUpdated(leads: readonly Lead[]): Lead | undefined {
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

async function giveBackTheRest(parts: Deliver, state: State): Promise<void> {
  await giveBack(parts.db, parts.runId, [...state.outstanding]);
  state.counts.left += state.outstanding.size;
  state.outstanding.clear();
}

function threadsOf(pending: Pending, leadId: number): { threadId: string; leadId: number }[] {
  return pending.visitor.threads.map(({ threadId }) => ({ threadId, leadId }));
}

function threadCount(pendings: readonly Pending[]): number {
  return pendings.reduce((sum, { visitor }) => sum + visitor.threads.length, 0);
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

/** A list in parts of at most so many. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
