import { z } from 'zod';
import type { ArchivePage, LiveChat } from '../shared/livechat/client.ts';
import { LiveChatRefusal } from '../shared/livechat/errors.ts';
import type { ActiveThread, ChatWithThread } from '../shared/livechat/types.ts';
import { addressProblem, contentHash, type ThreadOfVisitor, visitorOf } from '../shared/livechat/visitor.ts';
import { Failure } from '../shared/runtime/failure.ts';
import { addMilliseconds, type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { addCounts } from '../shared/store/counters.ts';
import type { Database } from '../shared/store/database.ts';
import { logErrors } from '../shared/store/errors.ts';
import {
  fileThreads,
  type KnownThread,
  knownThreads,
  type LedgerThread,
  markGone,
  openThreads,
} from '../shared/store/ledger.ts';
import { moveWatermark } from '../shared/store/watermark.ts';

export type Ingest = {
  livechat: LiveChat;
  db: Database;
  log: Logger;
  runId: number;
  /** Aborted when the run should end early. */
  signal: AbortSignal;
  /** Mail domains whose visitors are ignored. */
  excludedDomains: readonly string[];
};

/** Threads that were counted: one that is read again, in halves or to follow it, is not counted again. */
type Counted = { counts: IngestCounts; ids: Set<string> };

export type Window = { from: Instant; to: Instant /** false for a backfill */; movesWatermark: boolean };

export type IngestCounts = { seen: number; new: number; changed: number; known: number; open: number; ignored: number };

/**
 * Reads a window of LiveChat's archive into the ledger.
 *
 * Invariant: when the watermark moves to an instant, every thread that LiveChat showed before it is in the ledger, as
 * a row that no later crash can lose. That is why the threads that still go on are filed first (the archive may not
 * list them, and one that outlasts the overlap would never be listed again), then the window's pages, each in a
 * transaction of its own, and the watermark moves last.
 *
 * @param active the threads that go on, as LiveChat listed them at the start of the run.
 * @param now the run's instant.
 */
export async function ingest(
  parts: Ingest,
  window: Window,
  active: readonly ActiveThread[],
  now: Instant,
): Promise<IngestCounts> {
  const counts: Counted = { counts: { seen: 0, new: 0, changed: 0, known: 0, open: 0, ignored: 0 }, ids: new Set() };
  await fileActive(parts, active, now);
  const seen = window.from < window.to ? await readWindow(parts, window, counts, now) : new Set<string>();
  await followOpen(parts, seen, counts, now);
  parts.signal.throwIfAborted();
  if (window.movesWatermark) await moveWatermark(parts.db, parts.runId, window.to);
  return counts.counts;
}

/** Threads that go on and are not known yet are filed as open: from now on they are followed until they end. */
async function fileActive(parts: Ingest, active: readonly ActiveThread[], now: Instant): Promise<void> {
  const known = await knownThreads(
    parts.db,
    active.map((thread) => thread.threadId),
  );
  const unknown = active.filter((thread) => !known.has(thread.threadId));
  await parts.db.transaction().execute((transaction) =>
    fileThreads(
      transaction,
      unknown.map((thread) => ({
        ...thread,
        customerId: undefined,
        email: undefined,
        endedAt: undefined,
        state: 'open',
        reason: undefined,
        contentHash: '',
        visit: undefined,
      })),
      now,
    ),
  );
}

/** @returns the ids of the threads that it saw */
async function readWindow(parts: Ingest, window: Window, counts: Counted, now: Instant): Promise<Set<string>> {
  const { found, ids } = await readCompletely(parts, window.from, window.to, counts, now, DEEPEST_HALVING);
  parts.log.info(
    { announced: found },
    `read ${ids.size} threads of LiveChat’s archive, from ${window.from} to ${window.to}`,
  );
  if (found <= ids.size) return ids;
  await logErrors(parts.db, parts.runId, [
    {
      code: 'livechat-found-short',
      message: `LiveChat announced ${found} threads from ${window.from} to ${window.to} and gave ${ids.size}.`,
    },
  ]);
  return ids;
}

/**
 * LiveChat's pages go on strictly after the last thread's time, so of two threads with the same time on a page's cut the
 * second is dropped. Where fewer threads came than were announced, the window is read again in halves, whose pages are
 * cut elsewhere. The number announced is an estimate, so this ends after a few halvings.
 */
const DEEPEST_HALVING = 6;

async function readCompletely(
  parts: Ingest,
  from: Instant,
  to: Instant,
  counts: Counted,
  now: Instant,
  halvings: number,
): Promise<{ found: number; ids: Set<string> }> {
  const { found, ids, pages } = await readPages(parts, from, to, counts, now);
  const length = millisecondsOf(to) - millisecondsOf(from);
  if (found <= ids.size || pages < 2 || halvings === 0 || length < 2) return { found, ids };
  const middle = addMilliseconds(from, length / 2);
  for (const [start, end] of [
    [from, middle],
    [middle, to],
  ] as const) {
    const half = await readCompletely(parts, start, end, counts, now, halvings - 1);
    for (const id of half.ids) ids.add(id);
  }
  return { found, ids };
}

async function readPages(
  parts: Ingest,
  from: Instant,
  to: Instant,
  counts: Counted,
  now: Instant,
): Promise<{ found: number; ids: Set<string>; pages: number }> {
  for (let patience = 1; ; patience -= 1) {
    const ids = new Set<string>();
    let found = 0;
    let pages = 0;
    try {
      for await (const page of parts.livechat.archive(from, to)) {
        parts.signal.throwIfAborted();
        await fileChats(parts, [...page.chats, ...(await askForOdd(parts, page.odd))], counts, now);
        for (const chat of page.chats) ids.add(chat.thread.id);
        for (const { threadId } of page.odd) ids.add(threadId);
        found = Math.max(found, page.found ?? 0);
        pages += 1;
      }
      return { found, ids, pages };
    } catch (error) {
      // A page's id that LiveChat no longer takes: the window is read again from its start, once.
      if (!(error instanceof LiveChatRefusal) || error.type !== 'validation' || pages === 0 || patience === 0)
        throw error;
    }
  }
}

/** Entries of a page that cannot be read are asked for one by one; one that cannot be read even then is told. */
async function askForOdd(parts: Ingest, odd: ArchivePage['odd']): Promise<ChatWithThread[]> {
  const chats: ChatWithThread[] = [];
  for (const { chatId, threadId } of odd) {
    try {
      const chat = threadId === '' ? undefined : await parts.livechat.thread(chatId, threadId);
      if (chat) chats.push(chat);
      if (chat || threadId !== '') continue;
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'livechat-answer')) throw error;
    }
    const message = 'LiveChat gave a thread in a shape that is not documented; it was not taken in.';
    await logErrors(parts.db, parts.runId, [{ code: 'livechat-answer', message, ...(threadId ? { threadId } : {}) }]);
  }
  return chats;
}

/**
 * Asks again for every thread that was going on, until it has ended, however long that takes; but for those that this
 * run has just seen.
 */
async function followOpen(parts: Ingest, seen: ReadonlySet<string>, counts: Counted, now: Instant): Promise<void> {
  const open = (await openThreads(parts.db)).filter(({ threadId }) => !seen.has(threadId));
  for (let start = 0; start < open.length; start += 20) {
    parts.signal.throwIfAborted();
    const wanted = open.slice(start, start + 20);
    const chats = await parts.livechat.threadsById(wanted.map((thread) => thread.threadId));
    const answered = new Set(chats.map((chat) => chat.thread.id));
    const gone: string[] = [];
    for (const { threadId, chatId } of wanted.filter((thread) => !answered.has(thread.threadId))) {
      const chat = await parts.livechat.thread(chatId, threadId);
      if (chat) chats.push(chat);
      else gone.push(threadId);
    }
    await markGone(parts.db, gone, now);
    await fileChats(parts, chats, counts, now);
  }
}

const COUNTED = ['seen', 'new', 'changed', 'known', 'open', 'ignored'] as const;

/** Files one page: what is new or changed, and the counters, in one transaction. */
async function fileChats(
  parts: Ingest,
  chats: readonly ChatWithThread[],
  counts: Counted,
  now: Instant,
): Promise<void> {
  const threads = new Map<string, ThreadOfVisitor>();
  for (const chat of chats) {
    const thread = visitorOf(await completed(parts.livechat, chat));
    threads.set(thread.threadId, thread);
  }
  await parts.db.transaction().execute(async (transaction) => {
    const known = await knownThreads(transaction, [...threads.keys()]);
    const page: IngestCounts = { seen: 0, new: 0, changed: 0, known: 0, open: 0, ignored: 0 };
    const toFile: LedgerThread[] = [];
    for (const thread of threads.values()) {
      const before = known.get(thread.threadId);
      const filed = ledgerThread(thread, before, parts.excludedDomains);
      const result = resultOf(filed, before);
      const isFirst = !counts.ids.has(thread.threadId);
      if (isFirst) page[result] += 1;
      if (result === 'known' || (result === 'open' && before?.contentHash === filed.contentHash)) continue;
      toFile.push(filed);
      if (isFirst && filed.state === 'ignored') page.ignored += 1;
    }
    await fileThreads(transaction, toFile, now);
    await addCounts(
      transaction,
      (['new', 'changed', 'known', 'open', 'ignored'] as const).map((result) => ({
        name: 'lcm_threads_total',
        labels: { result },
        by: page[result],
      })),
    );
    page.seen = page.new + page.changed + page.known + page.open;
    for (const key of COUNTED) counts.counts[key] += page[key];
  });
  for (const threadId of threads.keys()) counts.ids.add(threadId);
}

/** An ended thread may come without its events, and with them go the forms: then it is asked for by itself. */
async function completed(livechat: LiveChat, chat: ChatWithThread): Promise<ChatWithThread> {
  const { thread } = chat;
  if (thread.active || thread.restricted_access !== undefined || (thread.events ?? []).length > 0) return chat;
  return (await livechat.thread(chat.id, thread.id)) ?? chat;
}

function ledgerThread(
  thread: ThreadOfVisitor,
  before: KnownThread | undefined,
  excludedDomains: readonly string[],
): LedgerThread {
  const visit = withWhatWasKnown(thread, before);
  const problem = thread.active ? undefined : addressProblem(visit.visitor.email, excludedDomains);
  return {
    threadId: thread.threadId,
    chatId: thread.chatId,
    customerId: thread.customerId,
    email: visit.visitor.email || undefined,
    startedAt: thread.startedAt,
    endedAt: thread.endedAt,
    state: thread.active ? 'open' : problem ? 'ignored' : 'ready',
    reason: problem,
    contentHash: contentHash(visit),
    visit,
  };
}

function resultOf(filed: LedgerThread, before: KnownThread | undefined): 'new' | 'changed' | 'known' | 'open' {
  if (filed.state === 'open') return before && before.state !== 'open' ? 'known' : 'open';
  if (!before) return 'new';
  return before.state === 'open' || before.contentHash !== filed.contentHash ? 'changed' : 'known';
}

/**
 * A thread's content, with what an earlier reading saw and this one cannot: custom variables expire with the session.
 *
 * And LiveChat shows the visitor's profile as it is now, not as it was: on a shared computer it is somebody else's by
 * then. So once a thread has ended with an address, its visitor stays who they were, unless the thread itself says
 * otherwise (a form that came late, a correction by an agent).
 */
function withWhatWasKnown(thread: ThreadOfVisitor, before: KnownThread | undefined): ThreadOfVisitor['visit'] {
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
