import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import { formatInstant, parseInstant } from './instants.ts';
import type { AgentSpec, CustomerSpec, EventSpec, ThreadSpec, Truth } from './spec.ts';
import { type Closer, closingMessage, correctionMessage, type NewEvent, ratingMessages } from './systemMessages.ts';

/** A thread as the archive holds it. Times are microseconds since the epoch. */
export type Thread = {
  readonly id: string;
  readonly chatId: string;
  readonly createdUs: number;
  /** When it ends or ended; undefined: nothing ends it by itself. */
  endsUs: number | undefined;
  /** Until when session_fields are shown; undefined: until the thread's end. */
  readonly sessionEndsUs: number | undefined;
  readonly spec: ThreadSpec;
  readonly events: { readonly atUs: number; readonly id: string; readonly event: EventSpec }[];
  tags: string[];
  rating: { atUs: number; score: 0 | 1; comment: string | undefined } | undefined;
};

/** What a new chat or thread starts with; it is stamped with the clock's now. */
export type NewThread = {
  customer: CustomerSpec;
  agents?: readonly AgentSpec[];
  groupIds?: readonly number[];
  /** The visitor's first message. */
  text?: string;
  /** Further fields of the thread, such as tags, properties or events with times of their own. */
  more?: Partial<Omit<ThreadSpec, 'chatId' | 'threadId' | 'customer' | 'agents' | 'groupIds' | 'createdAt'>>;
};

export type Archive = {
  /** Puts threads in, all or, where a thread's id is there already, none: then it throws. A chat may get several. */
  addThreads(specs: readonly ThreadSpec[]): void;
  /** Puts one thread in; as addThreads. */
  addThread(spec: ThreadSpec): void;

  /** The threads that have begun by the clock, of one chat or of all, oldest first. */
  threads(chatId?: string): Thread[];
  /** A customer's threads that have begun by the clock, oldest first. */
  threadsOf(customerId: string): Thread[];
  /** One thread that has begun by the clock. */
  thread(threadId: string): Thread | undefined;
  /** True while the thread has begun and not ended by the clock. */
  isActive(thread: Thread): boolean;
  /** True while the visitor's session lasts, in which LiveChat shows session_fields. */
  isInSession(thread: Thread): boolean;
  /** The thread's events up to the clock's now. */
  events(thread: Thread): { atUs: number; id: string; event: EventSpec }[];
  /** The created_at of the last event up to now, else of the thread: microseconds. */
  lastActivityUs(thread: Thread): number;
  /** The customer's profile as it stands now. */
  customer(customerId: string): CustomerSpec | undefined;
  /** What the generator knows of each thread, by thread id: also of those that have not begun yet. */
  truths(): Map<string, Truth>;

  /** Begins a chat with one active thread. */
  startChat(start: NewThread): { chatId: string; threadId: string };
  /** Begins a new thread in a chat whose last one has ended, with the same people unless told otherwise. */
  reopen(chatId: string, start?: Partial<NewThread>): { threadId: string };
  /** Adds an event to a thread, now. Also to an ended one: a post-chat form comes after the end. */
  addEvent(threadId: string, event: NewEvent): { eventId: string };
  /** Ends an active thread now, with the system message of whoever closed it; planned later events are dropped. */
  closeThread(threadId: string, closer?: Closer): void;
  tag(threadId: string, tag: string): void;
  /** Rates a thread now, ended or not: the properties and the system messages that LiveChat adds. */
  rate(threadId: string, score: 0 | 1, comment?: string): void;
  /** Changes the profile now. With `agent`, the active thread gets the customer_updated system message. */
  updateCustomer(customerId: string, change: Partial<Omit<CustomerSpec, 'id'>>, agent?: string): void;
  /** Removes a chat with all its threads: from then on it is not_found. */
  deleteChat(chatId: string): void;
  /** Empties the archive. */
  clear(): void;
};

/**
 * Creates the store of chats, threads and customers behind the LiveChat server.
 *
 * Everything is planned and the clock reveals it: a thread is there from its beginning, active until its end, its events
 * appear at their times. Shifting the clock is all it takes to let chats close.
 *
 * @param clock the sandbox's calendar
 * @param random gives ids to chats that begin during a test
 * @returns the archive; its mutations throw an Error for an unknown id, and for what cannot be (closing twice)
 */
export function createArchive(clock: Clock, random: Random): Archive {
  const threadsById = new Map<string, Thread>();
  const threadsByChat = new Map<string, Thread[]>();
  const threadsByCustomer = new Map<string, Thread[]>();
  const profiles = new Map<string, { fromUs: number; customer: CustomerSpec }[]>();

  /** Every thread, oldest first; undefined after a change, until somebody asks. */
  let inOrder: Thread[] | undefined;

  const nowUs = () => Math.floor(clock.now() * 1000);
  const everyThread = () => {
    inOrder ??= [...threadsById.values()].sort(byBeginning);
    return inOrder;
  };
  const begunBy = (us: number, threads: readonly Thread[]) => threads.filter(({ createdUs }) => createdUs <= us);

  function refuseKnown(threadId: string): void {
    if (threadsById.has(threadId)) throw new Error(`Thread ${threadId} is in the archive already.`);
  }

  function add(spec: ThreadSpec): void {
    refuseKnown(spec.threadId);
    const thread = fromSpec(spec);
    threadsById.set(thread.id, thread);
    inOrder = undefined;
    file(threadsByChat, thread.chatId, thread);
    if (spec.customer === undefined) return;
    file(threadsByCustomer, spec.customer.id, thread);
    keepProfile(spec.customer, thread.createdUs);
  }

  function keepProfile(customer: CustomerSpec, fromUs: number): void {
    const versions = profiles.get(customer.id) ?? [];
    versions.push({ fromUs, customer });
    // Sorting is stable: of two versions from the same instant the one that came later stands.
    versions.sort((a, b) => a.fromUs - b.fromUs);
    profiles.set(customer.id, versions);
  }

  function begun(threadId: string): Thread {
    const thread = archive.thread(threadId);
    if (thread === undefined) throw new Error(`There is no thread ${threadId} that has begun.`);
    return thread;
  }

  function begin(chatId: string, start: NewThread): { chatId: string; threadId: string } {
    const threadId = newId(random);
    const createdAt = formatInstant(nowUs());
    const opening: EventSpec[] =
      start.text === undefined
        ? []
        : [
            {
              type: 'message',
              created_at: createdAt,
              author_id: start.customer.id,
              visibility: 'all',
              text: start.text,
            },
          ];
    add({
      ...start.more,
      chatId,
      threadId,
      createdAt,
      customer: start.customer,
      agents: [...(start.agents ?? [])],
      groupIds: [...(start.groupIds ?? [0])],
      events: [...opening, ...(start.more?.events ?? [])],
    });
    return { chatId, threadId };
  }

  function say(thread: Thread, event: NewEvent, atUs = nowUs()): string {
    const id = event.id ?? nextEventId(thread);
    thread.events.push({ atUs, id, event: { ...event, created_at: formatInstant(atUs) } });
    thread.events.sort((a, b) => a.atUs - b.atUs);
    return id;
  }

  const archive: Archive = {
    addThreads(specs) {
      for (const { threadId } of specs) refuseKnown(threadId);
      for (const spec of specs) add(spec);
    },
    addThread: add,

    threads(chatId) {
      return begunBy(nowUs(), chatId === undefined ? everyThread() : (threadsByChat.get(chatId) ?? []));
    },
    threadsOf: (customerId) => begunBy(nowUs(), threadsByCustomer.get(customerId) ?? []),
    thread(threadId) {
      const thread = threadsById.get(threadId);
      return thread !== undefined && thread.createdUs <= nowUs() ? thread : undefined;
    },
    isActive(thread) {
      const now = nowUs();
      return thread.createdUs <= now && (thread.endsUs === undefined || thread.endsUs > now);
    },
    isInSession(thread) {
      if (archive.isActive(thread)) return true;
      return thread.sessionEndsUs !== undefined && thread.sessionEndsUs > nowUs();
    },
    events(thread) {
      const now = nowUs();
      return thread.events.filter(({ atUs }) => atUs <= now);
    },
    lastActivityUs(thread) {
      return archive.events(thread).at(-1)?.atUs ?? thread.createdUs;
    },
    customer(customerId) {
      const now = nowUs();
      return profiles.get(customerId)?.findLast(({ fromUs }) => fromUs <= now)?.customer;
    },
    truths() {
      const truths = new Map<string, Truth>();
      for (const { id, spec } of threadsById.values()) if (spec.truth !== undefined) truths.set(id, spec.truth);
      return truths;
    },

    startChat: (start) => begin(newId(random), start),
    reopen(chatId, start = {}) {
      const last = archive.threads(chatId).at(-1);
      if (last === undefined) throw new Error(`There is no chat ${chatId} that has begun.`);
      // Of a chat's threads only the last one can be active.
      if (archive.isActive(last)) throw new Error(`Chat ${chatId} still has an active thread.`);
      const customer = start.customer ?? archive.customer(last.spec.customer?.id ?? '');
      if (customer === undefined) throw new Error(`Chat ${chatId} has no customer: say who it is.`);
      const { agents = last.spec.agents, groupIds = last.spec.groupIds } = start;
      return { threadId: begin(chatId, { ...start, customer, agents, groupIds }).threadId };
    },
    addEvent(threadId, event) {
      return { eventId: say(begun(threadId), event) };
    },
    closeThread(threadId, closer = 'agent') {
      const thread = begun(threadId);
      if (!archive.isActive(thread)) throw new Error(`Thread ${threadId} has ended already.`);
      const now = nowUs();
      thread.events.splice(0, thread.events.length, ...archive.events(thread));
      say(thread, closingMessage(thread.spec, closer), now);
      thread.endsUs = now;
    },
    tag(threadId, tag) {
      const thread = begun(threadId);
      if (!thread.tags.includes(tag)) thread.tags = [...thread.tags, tag];
    },
    rate(threadId, score, comment) {
      const thread = begun(threadId);
      const atUs = nowUs();
      thread.rating = { atUs, score, comment };
      for (const event of ratingMessages(thread.spec, score, comment)) say(thread, event, atUs);
    },
    updateCustomer(customerId, change, agent) {
      const before = archive.customer(customerId);
      if (before === undefined) throw new Error(`There is no customer ${customerId}.`);
      keepProfile({ ...before, ...change }, nowUs());
      const active = archive.threadsOf(customerId).find(archive.isActive);
      const event = agent === undefined ? undefined : correctionMessage(agent, change);
      if (active !== undefined && event !== undefined) say(active, event);
    },
    deleteChat(chatId) {
      const gone = threadsByChat.get(chatId);
      if (gone === undefined) throw new Error(`There is no chat ${chatId}.`);
      threadsByChat.delete(chatId);
      inOrder = undefined;
      for (const thread of gone) {
        threadsById.delete(thread.id);
        const customerId = thread.spec.customer?.id ?? '';
        const others = threadsByCustomer.get(customerId)?.filter((other) => other !== thread);
        if (others !== undefined) threadsByCustomer.set(customerId, others);
      }
    },
    clear() {
      threadsById.clear();
      threadsByChat.clear();
      threadsByCustomer.clear();
      inOrder = undefined;
      profiles.clear();
    },
  };
  return archive;
}

function fromSpec(spec: ThreadSpec): Thread {
  const timed = spec.events.map((event) => ({ atUs: instant(event.created_at), event }));
  const { rating } = spec;
  if (rating !== undefined) {
    for (const event of ratingMessages(spec, rating.score, rating.comment)) {
      timed.push({ atUs: instant(rating.at), event: { ...event, created_at: rating.at } });
    }
  }
  timed.sort((a, b) => a.atUs - b.atUs);
  return {
    id: spec.threadId,
    chatId: spec.chatId,
    createdUs: instant(spec.createdAt),
    endsUs: spec.endsAt === undefined ? undefined : instant(spec.endsAt),
    sessionEndsUs: spec.sessionEndsAt === undefined ? undefined : instant(spec.sessionEndsAt),
    spec,
    events: timed.map(({ atUs, event }, index) => ({ atUs, id: event.id ?? `${spec.threadId}_${index + 1}`, event })),
    tags: [...(spec.tags ?? [])],
    rating: rating && { atUs: instant(rating.at), score: rating.score, comment: rating.comment },
  };
}

function instant(text: string): number {
  const us = parseInstant(text);
  if (us === undefined) throw new Error(`'${text}' is not an RFC 3339 instant.`);
  return us;
}

function file(drawers: Map<string, Thread[]>, label: string, thread: Thread): void {
  const threads = drawers.get(label) ?? [];
  threads.push(thread);
  threads.sort(byBeginning);
  drawers.set(label, threads);
}

function nextEventId(thread: Thread): string {
  const numbers = thread.events.map(({ id }) => Number(id.slice(id.lastIndexOf('_') + 1))).filter(Number.isFinite);
  return `${thread.id}_${Math.max(0, ...numbers) + 1}`;
}

function byBeginning(a: Thread, b: Thread): number {
  return a.createdUs - b.createdUs || (a.id < b.id ? -1 : 1);
}

/** LiveChat's ids of chats and threads are ten capital letters and digits. */
function newId(random: Random): string {
  return Array.from({ length: 10 }, () => ID_LETTERS[random.integer(0, ID_LETTERS.length - 1)]).join('');
}

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
