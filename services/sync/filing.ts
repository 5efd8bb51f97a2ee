import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ChatWithThread } from '../shared/livechat/types.ts';
import {
  addressProblem,
  contentHash,
  type ThreadOfVisitor,
  type Visit,
  visitorOf,
} from '../shared/livechat/visitor.ts';
import type { RuleInput } from '../shared/rules/decide.ts';
import type { Instant } from '../shared/runtime/instant.ts';
import { addCounts } from '../shared/store/counters.ts';
import type { Database, DatabaseTransaction } from '../shared/store/database.ts';
import { forgottenAddresses } from '../shared/store/forgetting.ts';
import {
  addressesOfCustomers,
  fileThreads,
  type KnownThread,
  knownThreads,
  type LedgerThread,
  refreshThreads,
  threadsWithoutAddress,
} from '../shared/store/ledger.ts';

/** What the rules have to say about a thread before it is delivered. */
export type Judge = {
  /** Mail domains whose visitors are ignored. */
  excludedDomains: readonly string[];
  /** Why the rules want the thread ignored, if they do. */
  ineligible: (visit: RuleInput) => string | undefined;
  /** The part of a thread's content that the rules can see; equal parts lead to equal decisions. */
  used: (visit: RuleInput) => unknown;
};

/** `seen` = `new` + `changed` + `known` + `open`. Why new and changed threads are ignored is counted as `ignored:<reason>`. */
export type FilingCounts = { seen: number; new: number; changed: number; known: number; open: number } & Record<
  string,
  number
>;

export type Filing = {
  db: Database;
  judge: Judge;
  /** What this run has counted so far, and the threads that it has counted: one that is read again counts once. */
  counts: FilingCounts;
  counted: Set<string>;
};

/** A filing in which nothing is counted yet. */
export function createFiling(db: Database, judge: Judge): Filing {
  return { db, judge, counts: { seen: 0, new: 0, changed: 0, known: 0, open: 0 }, counted: new Set() };
}

/**
 * Files the threads of one page, and the counters, in one transaction.
 *
 * Invariants: a thread that has ended is in the ledger as ready, or as ignored with a reason, from the commit on, and
 * stays what it became later (synced, dead, ignored) for as long as nothing that the rules use has changed in it.
 *
 * @param at the run's instant; what is filed as ready is due from then on.
 */
export async function fileChats(filing: Filing, chats: readonly ChatWithThread[], at: Instant): Promise<void> {
  const threads = new Map(chats.map((chat) => [chat.thread.id, visitorOf(chat)]));
  await filing.db.transaction().execute(async (transaction) => {
    const verdicts = await verdictsOn(transaction, [...threads.values()], filing.judge);
    const toFile = verdicts.filter(({ write }) => write === 'file').map(({ filed }) => filed);
    await fileThreads(transaction, toFile, at);
    await refreshThreads(
      transaction,
      verdicts.filter(({ write }) => write === 'refresh').map(({ filed }) => filed),
    );
    await relink(transaction, toFile, filing.judge, at);
    const page = countsOf(verdicts.filter(({ filed }) => !filing.counted.has(filed.threadId)));
    await addCounts(
      transaction,
      Object.entries({ ...page, ignored: ignoredIn(page) })
        .filter(([result]) => METRIC_RESULTS.includes(result))
        .map(([result, by]) => ({ name: 'lcm_threads_total', labels: { result }, by })),
    );
    for (const [key, by] of Object.entries(page)) filing.counts[key] = (filing.counts[key] ?? 0) + by;
  });
  for (const threadId of threads.keys()) filing.counted.add(threadId);
}

/** What is to be done about threads as LiveChat shows them now, by what the ledger holds of them. Changes nothing. */
export async function verdictsOn(
  db: Database | DatabaseTransaction,
  threads: readonly ThreadOfVisitor[],
  judge: Judge,
): Promise<Verdict[]> {
  const known = await knownThreads(
    db,
    threads.map(({ threadId }) => threadId),
  );
  const forgotten = await forgottenAddresses(
    db,
    threads.map(({ visit }) => visit.visitor.email),
  );
  return threads.map((thread) => {
    const before = known.get(thread.threadId);
    return isForgotten(thread, before, forgotten)
      ? verdictOnForgotten(thread, before)
      : verdictOn(thread, before, judge);
  });
}

/** How many threads were ignored, for whatever reason. */
export function ignoredIn(counts: Readonly<Record<string, number>>): number {
  return Object.entries(counts).reduce((sum, [key, count]) => (key.startsWith(IGNORED) ? sum + count : sum), 0);
}

const IGNORED = 'ignored:';
const METRIC_RESULTS = ['new', 'changed', 'known', 'open', 'ignored'];

/** A thread as this reading wants it filed. */
type ReadThread = LedgerThread & { visit: Visit };
export type Verdict = {
  filed: LedgerThread;
  result: 'new' | 'changed' | 'known' | 'open';
  write: 'file' | 'refresh' | 'nothing';
};

/** Whoever was forgotten comes back with a thread that began later, not with one that LiveChat still shows of before. */
function isForgotten(
  thread: ThreadOfVisitor,
  before: KnownThread | undefined,
  forgotten: ReadonlyMap<string, Instant>,
): boolean {
  const at = forgotten.get(thread.visit.visitor.email.trim().toLowerCase());
  return before?.reason === FORGOTTEN || (at !== undefined && thread.startedAt < at);
}

const FORGOTTEN = 'forgotten';

/** Nothing of the visitor gets into the ledger, and a row from which it was taken stays as it is. */
function verdictOnForgotten(thread: ThreadOfVisitor, before: KnownThread | undefined): Verdict {
  const isCleared = before !== undefined && before.state !== 'open' && before.visit === null;
  const { threadId, chatId, startedAt, endedAt } = thread;
  const filed: LedgerThread = {
    threadId,
    chatId,
    customerId: undefined,
    email: undefined,
    startedAt,
    endedAt,
    state: 'ignored',
    reason: FORGOTTEN,
    contentHash: '',
    visit: undefined,
  };
  return { filed, result: before ? 'known' : 'new', write: isCleared ? 'nothing' : 'file' };
}

/** What is to be done about a thread as LiveChat shows it now, by what the ledger holds of it. */
function verdictOn(thread: ThreadOfVisitor, before: KnownThread | undefined, judge: Judge): Verdict {
  const visit = withWhatWasKnown(thread, before);
  const filed = ledgerThread(thread, visit, judge);
  if (!before) return { filed, result: filed.state === 'open' ? 'open' : 'new', write: 'file' };
  const differs = before.contentHash !== filed.contentHash;
  if (filed.state === 'open') {
    // A thread that has ended does not go on: it is a new one in the same chat that does.
    const isOpen = before.state === 'open';
    return { filed, result: isOpen ? 'open' : 'known', write: isOpen && differs ? 'file' : 'nothing' };
  }
  if (isChange(thread, before, filed, differs, judge)) return { filed, result: 'changed', write: 'file' };
  const isErased = before.visit === null && before.state !== 'ready';
  return { filed, result: 'known', write: differs && !isErased ? 'refresh' : 'nothing' };
}

/** Whether an ended thread must be decided about (again). */
function isChange(
  thread: ThreadOfVisitor,
  before: KnownThread,
  filed: ReadThread,
  differs: boolean,
  judge: Judge,
): boolean {
  switch (before.state) {
    case 'open':
      return true;
    case 'ready':
      return filed.state === 'ignored' || usedDiffers(before, filed, differs, judge);
    case 'synced':
      // Once its content is erased, the profile that LiveChat shows of today may be another person's.
      if (before.visit === null && !thread.saysAddress) return false;
      return usedDiffers(before, filed, differs, judge);
    case 'dead':
      // It was never delivered: whatever has changed in it may be what it died of.
      return differs;
    case 'ignored':
      // Somebody's own decision stands for as long as it is about the same thing.
      if (before.reason === 'dismissed') return usedDiffers(before, filed, differs, judge);
      return filed.state === 'ready' || before.reason !== filed.reason;
  }
}

/** Where the content was erased, only its hash can tell: then any change counts, for none may be missed. */
function usedDiffers(before: KnownThread, filed: ReadThread, differs: boolean, judge: Judge): boolean {
  const seen = storedContent.safeParse(before.visit).data;
  if (!differs || !seen) return differs;
  return !isDeepStrictEqual(judge.used(seen), judge.used(filed.visit));
}

function countsOf(verdicts: readonly Verdict[]): FilingCounts {
  const counts: FilingCounts = { seen: verdicts.length, new: 0, changed: 0, known: 0, open: 0 };
  for (const { filed, result, write } of verdicts) {
    counts[result] += 1;
    if (filed.state !== 'ignored' || write !== 'file') continue;
    const key = `${IGNORED}${filed.reason}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function ledgerThread(thread: ThreadOfVisitor, visit: Visit, judge: Judge): ReadThread {
  const { threadId, chatId, customerId, startedAt, endedAt } = thread;
  const reason = thread.active ? undefined : reasonAgainst(visit, judge);
  return {
    threadId,
    chatId,
    customerId,
    email: visit.visitor.email || undefined,
    startedAt,
    endedAt,
    state: thread.active ? 'open' : reason ? 'ignored' : 'ready',
    reason,
    contentHash: contentHash(visit),
    visit,
  };
}

function reasonAgainst(visit: Visit, judge: Judge): string | undefined {
  return addressProblem(visit.visitor.email, judge.excludedDomains) ?? judge.ineligible(visit);
}

/**
 * Who gave no address may give one later, in their next thread: then their earlier threads are theirs, and are delivered
 * under it, whichever of them is filed first. LiveChat's customer id is the link; a thread that has an address of its own
 * keeps it.
 */
async function relink(
  transaction: DatabaseTransaction,
  filed: readonly LedgerThread[],
  judge: Judge,
  at: Instant,
): Promise<void> {
  const customers = filed
    .filter(({ state, reason }) => state === 'ready' || reason === 'no-address')
    .flatMap(({ customerId }) => customerId ?? []);
  if (customers.length === 0) return;
  const nameless = await threadsWithoutAddress(transaction, customers);
  if (nameless.length === 0) return;
  const named = await addressesOfCustomers(transaction, customers);
  const linked = nameless.flatMap((thread): LedgerThread[] => {
    const next = named.find((one) => one.customerId === thread.customerId && one.startedAt > thread.startedAt);
    const visit = storedContent.safeParse(thread.visit).data;
    if (!next || !visit) return [];
    const content = { ...visit, visitor: { ...visit.visitor, email: next.email } };
    // Its eligibility was never asked for: the missing address came first.
    if (judge.ineligible(content) !== undefined) return [];
    return [{ ...thread, email: next.email, state: 'ready', reason: undefined, visit: content }];
  });
  await fileThreads(transaction, linked, at);
}

const part = z.looseObject({});
const storedContent = z.object({ visitor: part, thread: part, chat: part, form: part });

/**
 * A thread's content, with what an earlier reading saw and this one cannot: custom variables expire with the session.
 *
 * And LiveChat shows the visitor's profile as it is now, not as it was: on a shared computer it is somebody else's by
 * then. So once a thread has ended with an address, its visitor stays who they were, unless the thread itself says
 * otherwise (a form that came late, a correction by an agent).
 */
function withWhatWasKnown(thread: ThreadOfVisitor, before: KnownThread | undefined): Visit {
  const stored = storedVisit.safeParse(before?.visit).data;
  if (!stored) return thread.visit;
  const { visitor } = thread.visit;
  const variables = { ...stored.visitor.variables, ...visitor.variables };
  const settled = before?.state !== 'open' && stored.visitor.email !== '' && !thread.saysAddress;
  const person = settled ? { ...visitor, ...stored.visitor } : visitor;
  return { ...thread.visit, visitor: { ...person, variables } };
}

const text = z.string();
const storedVisit = z.object({
  visitor: z.object({
    email: text,
    name: text,
    firstName: text,
    lastName: text,
    phone: text,
    address: z.object({ street: text, city: text, state: text, country: text, postalCode: text }),
    variables: z.record(z.string(), z.string()),
  }),
});
