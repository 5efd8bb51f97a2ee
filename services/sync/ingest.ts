import type { ArchivePage, LiveChat, Walk } from '../shared/livechat/client.ts';
import { LARGEST_PAGE } from '../shared/livechat/client.ts';
import { LiveChatRefusal, unreachable } from '../shared/livechat/errors.ts';
import type { ActiveThread, ChatWithThread } from '../shared/livechat/types.ts';
import { Failure } from '../shared/runtime/failure.ts';
import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import { fileThreads, knownThreads, markUnseen, openThreads } from '../shared/store/ledger.ts';
import type { FilingCounts } from './filing.ts';
import { type Tell, warnOfHiddenThreads, warnOfHistoryCut } from './warnings.ts';
import { halvesOf, lengthOf, type Window } from './window.ts';

/** How LiveChat is read, whatever becomes of what is read. */
export type Reading = {
  livechat: LiveChat;
  log: Logger;
  /** Aborted when the run should end early. */
  signal: AbortSignal;
  /** Takes the threads of a page; when it returns, nothing can lose them. */
  file: (chats: readonly ChatWithThread[], at: Instant) => Promise<void>;
  /** The ids of all threads that were taken so far. */
  seen: ReadonlySet<string>;
  /** Threads a page: see pageLimitOf. */
  pageLimit: number;
  tell: Tell;
};

/**
 * How many threads a page has in a run. LiveChat's pages go on strictly after the last thread's time, so that of two
 * threads with one time on a page's cut the second is on no page, in this run and in all that cut there. So each run cuts
 * elsewhere, and what one has missed the next one sees, whatever LiveChat announces.
 */
export function pageLimitOf(runId: number): number {
  return LARGEST_PAGE - (runId % 13);
}

/** Reading into the ledger. */
export type Ingest = Reading & { db: Database; runId: number; counts: FilingCounts };

/**
 * Files the threads that go on and are not known yet as open: from now on they are followed until they end. The archive
 * may not list them before, and one that outlasts the overlap would never be listed again.
 *
 * @param active as LiveChat lists them.
 * @param now the run's instant.
 */
export async function fileActive(parts: Ingest, active: readonly ActiveThread[], now: Instant): Promise<void> {
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

/**
 * Reads a part of LiveChat's archive into the ledger, each page in a transaction of its own. When it returns, every
 * thread that LiveChat showed for this window is a row that no later crash can lose: only then may the watermark pass it.
 *
 * @param now the run's instant.
 * @returns how many threads it has.
 */
export async function readSlice(parts: Reading, window: Window, now: Instant): Promise<number> {
  const slice: Slice = { withheld: 0, cut: undefined };
  const read = await readCompletely(parts, window, now, slice, DEEPEST_HALVING);
  const { found, ids } = read === 'beyond the plan' ? { found: 0, ids: new Set() } : read;
  if (read === 'beyond the plan') slice.cut = window;
  parts.log.info(
    { announced: found },
    `read ${ids.size} threads of LiveChat’s archive, from ${window.from} to ${window.to}`,
  );
  await warnOfHistoryCut(parts.tell, slice.withheld, slice.cut);
  if (found > ids.size) {
    const message = `LiveChat announced ${found} threads from ${window.from} to ${window.to} and gave ${ids.size}.`;
    await parts.tell({ code: 'livechat-found-short', message });
  }
  return ids.size;
}

/**
 * Asks again for every thread that was going on, until it has ended, however long that takes; but for those that this
 * run has just seen.
 */
export async function followOpen(parts: Ingest, now: Instant): Promise<void> {
  const open = (await openThreads(parts.db)).filter(({ threadId }) => !parts.seen.has(threadId));
  for (let start = 0; start < open.length; start += 20) {
    parts.signal.throwIfAborted();
    const wanted = open.slice(start, start + 20);
    const chats = await parts.livechat.threadsById(wanted.map((thread) => thread.threadId));
    const answered = new Set(chats.map((chat) => chat.thread.id));
    const unseen: Record<'gone' | 'hidden', string[]> = { gone: [], hidden: [] };
    for (const { threadId, chatId } of wanted.filter((thread) => !answered.has(thread.threadId))) {
      const chat = await parts.livechat.thread(chatId, threadId);
      if (typeof chat === 'string') unseen[chat].push(threadId);
      else chats.push(chat);
    }
    await markUnseen(parts.db, unseen.gone, 'gone', now);
    await markUnseen(parts.db, unseen.hidden, 'hidden', now);
    await warnOfHiddenThreads(parts.tell, unseen.hidden.length);
    await parts.file(await whole(parts, chats), now);
  }
}

/** What was found out about a slice on the way. */
type Slice = {
  /** Threads whose content LiveChat's plan withholds. */
  withheld: number;
  /** The part of the window that LiveChat's plan does not show at all. */
  cut: Window | undefined;
};

type Read = { found: number; ids: Set<string> };

/**
 * Where fewer threads came than were announced, a page's cut may have dropped one: then the window is read again in
 * halves, down to windows that fit on one page, and to the millisecond. It goes into halves only where these come short
 * themselves, so that it costs two calls a halving; this is the bound where an estimate is wrong everywhere.
 */
const DEEPEST_HALVING = 40;

async function readCompletely(
  parts: Reading,
  window: Window,
  now: Instant,
  slice: Slice,
  halvings: number,
): Promise<Read | 'beyond the plan'> {
  const read = await readAll(parts, window, now, slice);
  const halves = halvesOf(window);
  if (read === 'beyond the plan') {
    return halves && lengthOf(window) > SHORTEST_CUT_MS ? readWithinPlan(parts, halves, now, slice, halvings) : read;
  }
  const { found, ids, pages } = read;
  if (found <= ids.size || pages < 2) return { found, ids };
  if (halvings === 0 || !halves) {
    // More threads of one millisecond than a page holds: from the other end, the other ones are on the first page.
    const other = await readAll(parts, window, now, slice, 'desc');
    return other === 'beyond the plan' ? { found, ids } : { found, ids: new Set([...ids, ...other.ids]) };
  }
  for (const half of halves) {
    const again = await readCompletely(parts, half, now, slice, halvings - 1);
    if (again !== 'beyond the plan') for (const id of again.ids) ids.add(id);
  }
  return { found, ids };
}

/**
 * The part of a refused window that the plan does show must not be lost with the part that it does not. The plan shows
 * what is new: where the newer half is refused, so is the older.
 */
async function readWithinPlan(
  parts: Reading,
  [older, newer]: readonly [Window, Window],
  now: Instant,
  slice: Slice,
  halvings: number,
): Promise<Read | 'beyond the plan'> {
  const shown = await readCompletely(parts, newer, now, slice, halvings);
  if (shown === 'beyond the plan') return shown;
  const before = await readCompletely(parts, older, now, slice, halvings);
  if (before === 'beyond the plan') {
    slice.cut = older;
    return shown;
  }
  return { found: shown.found + before.found, ids: new Set([...shown.ids, ...before.ids]) };
}

const SHORTEST_CUT_MS = 3_600_000;

/** LiveChat's smallest plan shows two months: what is newer is refused for some other reason, and must not be passed over. */
const EVERY_PLAN_SHOWS_MS = 59 * 86_400_000;

/** LiveChat gives up after 15 s: half as many threads take half as long, and a quarter is the last try. */
const TIMES_SMALLER = 2;

/** Walks one window from its first page to its last; from the start again where LiveChat wants smaller pages or another walk. */
async function readAll(
  parts: Reading,
  window: Window,
  now: Instant,
  slice: Slice,
  order: Walk['order'] = 'asc',
): Promise<(Read & { pages: number }) | 'beyond the plan'> {
  let patience = 1;
  let smaller = 0;
  for (let walk: Walk = { order, limit: parts.pageLimit }; ; ) {
    const read = { found: 0, ids: new Set<string>(), pages: 0 };
    try {
      await readPages(parts, window, walk, now, slice, read);
      return read;
    } catch (error) {
      if (!(error instanceof LiveChatRefusal)) throw error;
      const age = millisecondsOf(now) - millisecondsOf(window.from);
      if (error.type === 'limit_reached' && age > EVERY_PLAN_SHOWS_MS) return 'beyond the plan';
      if (error.type === 'request_timeout') {
        if (smaller === TIMES_SMALLER) throw unreachable('list_archives', error.type);
        smaller += 1;
        walk = { ...walk, limit: Math.floor(walk.limit / 2) };
        parts.log.warn({ limit: walk.limit }, 'LiveChat needs too long for a page: asking for smaller ones');
        continue;
      }
      // A page's id that LiveChat no longer takes (it has expired, say): another walk has new ones.
      if (error.type !== 'validation' || read.pages === 0 || patience === 0) throw error;
      patience -= 1;
    }
  }
}

async function readPages(
  parts: Reading,
  window: Window,
  walk: Walk,
  now: Instant,
  slice: Slice,
  read: Read & { pages: number },
): Promise<void> {
  for await (const page of parts.livechat.archive(window.from, window.to, walk)) {
    parts.signal.throwIfAborted();
    const chats = await whole(parts, [...page.chats, ...(await askForOdd(parts, page.odd))]);
    slice.withheld += chats.filter(
      ({ thread }) => thread.restricted_access !== undefined && !parts.seen.has(thread.id),
    ).length;
    await parts.file(chats, now);
    for (const chat of page.chats) read.ids.add(chat.thread.id);
    for (const { threadId } of page.odd) read.ids.add(threadId);
    read.found = Math.max(read.found, page.found ?? 0);
    read.pages += 1;
  }
}

/** Entries of a page that cannot be read are asked for one by one; one that cannot be read even then is told. */
export async function askForOdd(
  parts: Pick<Reading, 'livechat' | 'tell'>,
  odd: ArchivePage['odd'],
): Promise<ChatWithThread[]> {
  const chats: ChatWithThread[] = [];
  for (const { chatId, threadId } of odd) {
    try {
      const chat = threadId === '' ? 'unknown' : await parts.livechat.thread(chatId, threadId);
      if (typeof chat !== 'string') chats.push(chat);
      if (chat !== 'unknown') continue;
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'livechat-answer')) throw error;
    }
    const message = 'LiveChat gave a thread in a shape that is not documented; it was not taken in.';
    await parts.tell({ code: 'livechat-answer', message, ...(threadId ? { threadId } : {}) });
  }
  return chats;
}

/** Ended threads may come without their events, and with them go the forms: then they are asked for one by one. */
export async function whole(
  { livechat }: Pick<Reading, 'livechat'>,
  chats: readonly ChatWithThread[],
): Promise<ChatWithThread[]> {
  const completed: ChatWithThread[] = [];
  for (const chat of chats) {
    const { thread } = chat;
    const isWhole = thread.active || thread.restricted_access !== undefined || (thread.events ?? []).length > 0;
    const again = isWhole ? chat : await livechat.thread(chat.id, thread.id);
    completed.push(typeof again === 'string' ? chat : again);
  }
  return completed;
}
