import axios, { type AxiosError, type AxiosResponse, isAxiosError } from 'axios';
import axiosRetry from 'axios-retry';
import { z } from 'zod';
import { EXIT, Failure } from '../runtime/failure.ts';
import { addMilliseconds, type Instant, instantOf } from '../runtime/instant.ts';
import { endOf, LiveChatRefusal, reactionTo, unreachable } from './errors.ts';
import { type ActiveThread, archivePage, type ChatWithThread, chatAnswer, chatsPage, groupsAnswer } from './types.ts';

export type LiveChatOptions = {
  /** Scheme and host, e.g. https://api.livechatinc.com */
  endpoint: string;
  accountId: string;
  token: string;
  /** Ends waiting and calling when it is aborted. */
  signal: AbortSignal;
  /** Told of every attempt, retries included. */
  onCall: (call: { endpoint: Action; outcome: 'ok' | 'failed' }) => Promise<void>;
  /** Told when LiveChat announces the end of the API version (headers `Legacy`, `Deprecation`: a date). */
  onVersionNotice: (notice: { header: 'Legacy' | 'Deprecation'; date: string }) => Promise<void>;
  /** The shortest wait before a retry, in milliseconds; it doubles each time. */
  retryDelay?: number;
};

export type Action = 'list_archives' | 'list_chats' | 'get_chat' | 'list_groups';

/** Where each action is; groups belong to the configuration API, which takes the same token. */
const PATHS: Record<Action, string> = {
  list_archives: 'agent/action/list_archives',
  list_chats: 'agent/action/list_chats',
  get_chat: 'agent/action/get_chat',
  list_groups: 'configuration/action/list_groups',
};

export type LiveChat = ReturnType<typeof createLiveChat>;
export type ArchivePage = {
  chats: ChatWithThread[];
  /** Entries that cannot be read, with what ids they have (blank where not even that). */
  odd: { chatId: string; threadId: string }[];
  /** LiveChat's estimate for the whole window. */
  found: number | undefined;
};

/** How a window of the archive is walked: `limit` threads a page, 1 to 100. */
export type Walk = { order: 'asc' | 'desc'; limit: number };

/** The largest page that LiveChat gives. */
export const LARGEST_PAGE = 100;

/**
 * A client of LiveChat's Agent Chat Web API v3.6 with a personal access token. It only reads, so every call may be
 * repeated: transient errors are, a bounded number of times, with growing, jittered waits (`Retry-After` is honoured
 * where there is one; LiveChat documents neither its limits nor that header). One call at a time is in flight.
 *
 * Failures: 77 where the token is refused, 75 where LiveChat does not answer, 78 where the API version is gone.
 */
export function createLiveChat(options: LiveChatOptions) {
  const http = axios.create({
    baseURL: `${options.endpoint}/v3.6/`,
    // PATs are Basic: the account's id and the token (docs, "Personal access tokens"); never Bearer.
    auth: { username: options.accountId, password: options.token },
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'livechat-marketo-sync' },
    // LiveChat itself gives up after 15 s (error request_timeout); waiting less would double the work.
    timeout: 25_000,
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformResponse: (body: unknown) => body,
    signal: options.signal,
  });
  const shortest = options.retryDelay ?? 1000;
  let region: string | undefined;
  let lastDate: Instant | undefined;

  http.interceptors.request.use((config) => {
    if (region !== undefined) config.headers.set('X-Region', region);
    // axios' own timeout counts silence only; an answer that trickles must end as well.
    config.signal = AbortSignal.any([options.signal, AbortSignal.timeout(60_000)]);
    return config;
  });
  axiosRetry(http, {
    retries: 5,
    shouldResetTimeout: true,
    validateResponse: (response) => verdict(response).body !== undefined,
    retryCondition: async (error) => {
      if (options.signal.aborted) return false;
      await noteCall(error.config?.url, 'failed');
      if (!error.response) return true;
      const { type } = verdict(error.response);
      const reaction = reactionTo(type, error.response.status);
      // The same page would take as long again: it is tried once more, then the caller asks for smaller ones.
      if (type === 'request_timeout' && isOf(error.config?.url, 'list_archives')) return triesOf(error) < 1;
      if (reaction === 'other-region') {
        const named = regionIn(error.response);
        if (named === undefined || named === region) return false;
        region = named;
        return true;
      }
      return reaction === 'again' || reaction === 'smaller';
    },
    retryDelay: (count, error) => Math.max(fullJitter(count, shortest), retryAfter(error)),
  });

  async function noteCall(endpoint: string | undefined, outcome: 'ok' | 'failed'): Promise<void> {
    const action = ACTIONS.find((one) => isOf(endpoint, one));
    if (action) await options.onCall({ endpoint: action, outcome });
  }

  async function call<T extends z.ZodType>(action: Action, body: object, shape: T): Promise<z.infer<T>> {
    let response: AxiosResponse;
    try {
      response = await http.post(PATHS[action], JSON.stringify(body));
    } catch (error) {
      throw explainedCall(action, error);
    }
    await noteCall(action, 'ok');
    await noteHeaders(response);
    const parsed = shape.safeParse(verdict(response).body);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? 'body';
    throw new Failure(
      EXIT.tryLater,
      `LiveChat's answer to ${action} does not have the documented shape (at ${where}): nothing is lost, the next run reads the same time again.`,
      { code: 'livechat-answer' },
    );
  }

  async function noteHeaders(response: AxiosResponse): Promise<void> {
    const date = Date.parse(String(response.headers['date'] ?? ''));
    if (!Number.isNaN(date)) lastDate = instantOf(date);
    for (const header of ['Legacy', 'Deprecation'] as const) {
      const value: unknown = response.headers[header.toLowerCase()];
      if (typeof value === 'string' && /^[\d-]{8,10}$/.test(value)) {
        await options.onVersionNotice({ header, date: value });
      }
    }
  }

  return {
    /** LiveChat's own clock, as its last answer told it (whole seconds); undefined before the first answer. */
    serverTime: (): Instant | undefined => lastDate,

    /**
     * The threads that go on right now, one a chat.
     *
     * @param limit chats a page, 1 to 100.
     */
    async activeThreads(limit: number): Promise<ActiveThread[]> {
      const active: ActiveThread[] = [];
      let request: object = { filters: { active: true }, limit };
      for (const seen = new Set<string>(); ; ) {
        const page = await call('list_chats', request, chatsPage);
        for (const { id, last_thread_summary: last } of page.chats_summary) {
          // A summary that cannot be read must not cost the chat, which may outlast every overlap: then it is asked for.
          const thread = last ?? (await call('get_chat', { chat_id: id }, chatAnswer)).thread;
          if (thread.active !== false) active.push({ chatId: id, threadId: thread.id, startedAt: thread.created_at });
        }
        if (page.next_page_id === undefined) return active;
        request = { page_id: unseen(page.next_page_id, seen) };
      }
    },

    /**
     * The archive's threads of a window, page by page. What `from` and `to` are compared with, and whether the ends belong
     * to the window, is not documented: the request reaches a millisecond further on both sides, so that they do under
     * either reading, and callers overlap their windows.
     *
     * @throws LiveChatRefusal of type `validation` where LiveChat refuses a page's id (it has expired, say), and of type
     *   `request_timeout` where the page is too much for it: the window must be read again from its start, the latter
     *   in smaller pages. Of type `limit_reached` where the window is older than what LiveChat's plan shows.
     */
    async *archive(from: Instant, to: Instant, walk: Walk): AsyncGenerator<ArchivePage> {
      let request: object = { filters: filtersOf(from, to), sort_order: walk.order, limit: walk.limit };
      for (const seen = new Set<string>(); ; ) {
        const page = await call('list_archives', request, archivePage);
        yield { ...sorted(page.chats), found: page.found_chats };
        if (page.next_page_id === undefined) return;
        // Following pages carry the page's id alone: with filters beside it LiveChat answers `validation`.
        request = { page_id: unseen(page.next_page_id, seen) };
      }
    },

    /** How many threads of a window LiveChat announces, which is an estimate; 0 where it announces none. */
    async announced(from: Instant, to: Instant): Promise<number> {
      const page = await call(
        'list_archives',
        { filters: filtersOf(from, to), sort_order: 'asc', limit: 1 },
        archivePage,
      );
      return page.found_chats ?? page.chats.length;
    },

    /**
     * The ids of the groups that have agents, by the configuration API ("List Groups", scope groups--all:ro, which this
     * product can do without).
     *
     * @returns undefined where the token may not ask.
     */
    async groupsWithAgents(): Promise<number[] | undefined> {
      try {
        const groups = await call('list_groups', { fields: ['agent_priorities'] }, groupsAnswer);
        return groups.filter((group) => Object.keys(group.agent_priorities ?? {}).length > 0).map((group) => group.id);
      } catch (error) {
        if (error instanceof Failure && error.code === 'livechat-credentials') return undefined;
        throw error;
      }
    },

    /** Archived threads by id, at most 20 a call (LiveChat's limit); those it does not know are absent. */
    async threadsById(threadIds: readonly string[]): Promise<ChatWithThread[]> {
      try {
        const page = await call('list_archives', { filters: { thread_ids: threadIds } }, archivePage);
        return sorted(page.chats).chats;
      } catch (error) {
        // Twenty threads have no smaller page.
        if (error instanceof LiveChatRefusal && error.type === 'request_timeout')
          throw unreachable('list_archives', error.type);
        throw error;
      }
    },

    /** One thread, complete with its events; why not, where it was deleted or anonymised, or the token may not see it. */
    async thread(chatId: string, threadId: string): Promise<ChatWithThread | 'gone' | 'hidden'> {
      try {
        return await call('get_chat', { chat_id: chatId, thread_id: threadId }, chatAnswer);
      } catch (error) {
        if (!(error instanceof LiveChatRefusal)) throw error;
        const reaction = reactionTo(error.type, 404);
        if (reaction === 'gone' || reaction === 'hidden') return reaction;
        throw error;
      }
    },
  };
}

function sorted(entries: z.infer<typeof archivePage>['chats']): Pick<ArchivePage, 'chats' | 'odd'> {
  return {
    chats: entries.flatMap((entry) => ('chat' in entry ? entry.chat : [])),
    odd: entries.flatMap((entry) => ('odd' in entry ? entry.odd : [])),
  };
}

type Verdict = { /** the parsed body of a good answer */ body?: unknown /** why it is not one */; type: string };

/** Tells an answer from an error: an envelope is an error with any status, and so is what is not JSON. */
function verdict(response: AxiosResponse): Verdict {
  let body: unknown;
  try {
    body = JSON.parse(String(response.data));
  } catch {
    return { type: `HTTP ${response.status}, not JSON` };
  }
  const failed = envelope.safeParse(body);
  if (failed.success) return { type: failed.data.error.type };
  if (response.status < 200 || response.status > 299 || typeof body !== 'object' || body === null) {
    return { type: `HTTP ${response.status}` };
  }
  return { body, type: 'ok' };
}

const envelope = z.object({
  error: z.object({
    type: z.string().max(60),
    data: z.object({ region: z.string().optional() }).optional().catch(undefined),
  }),
});

function regionIn(response: AxiosResponse): string | undefined {
  const parsed = z
    .string()
    .transform((text, context) => {
      try {
        return envelope.parse(JSON.parse(text)).error.data?.region;
      } catch {
        context.addIssue({ code: 'custom', message: 'no region' });
        return z.NEVER;
      }
    })
    .safeParse(response.data);
  return parsed.data;
}

function explainedCall(action: Action, error: unknown): unknown {
  if (!isAxiosError(error)) return error;
  if (!error.response) return endOf(action, error.code ?? 'no answer', 'again');
  const { type } = verdict(error.response);
  return endOf(action, type, reactionTo(type, error.response.status));
}

const ACTIONS = Object.keys(PATHS) as Action[];

function isOf(url: string | undefined, action: Action): boolean {
  return url?.endsWith(`/${action}`) === true;
}

/** How often axios-retry has repeated the call already. */
function triesOf(error: AxiosError): number {
  return error.config?.['axios-retry']?.retryCount ?? 0;
}

/** Filters go inside `filters`: at the top level they look accepted and do nothing. */
function filtersOf(from: Instant, to: Instant): { from: string; to: string } {
  return { from: offset(addMilliseconds(from, -1)), to: offset(addMilliseconds(to, 1)) };
}

/** An id that comes twice would walk in a circle for ever. */
function unseen(pageId: string, seen: Set<string>): string {
  if (seen.has(pageId)) {
    throw new Failure(EXIT.tryLater, 'LiveChat gave the same page twice: the next run reads the same time again.', {
      code: 'livechat-answer',
    });
  }
  seen.add(pageId);
  return pageId;
}

/** LiveChat's documented form has a numeric offset. */
function offset(instant: Instant): string {
  return instant.replace('Z', '+00:00');
}

/** Full jitter: many clients that failed together do not come back together. */
function fullJitter(count: number, shortest: number): number {
  return Math.random() * Math.min(60_000, shortest * 2 ** count);
}

/** Seconds or a date, as HTTP has it; milliseconds, at most five minutes, so that a run ends in its time. */
function retryAfter(error: AxiosError): number {
  const header: unknown = error.response?.headers['retry-after'];
  if (typeof header !== 'string') return 0;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), 300_000);
}
