import axios, { type AxiosError, type AxiosResponse, isAxiosError } from 'axios';
import axiosRetry from 'axios-retry';
import { z } from 'zod';
import { EXIT, Failure } from '../runtime/failure.ts';
import { type Instant, instantOf } from '../runtime/instant.ts';
import { endOf, LiveChatRefusal, reactionTo } from './errors.ts';
import { type ActiveThread, archivePage, type ChatWithThread, chatAnswer, chatsPage } from './types.ts';

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

export type Action = 'list_archives' | 'list_chats' | 'get_chat';
export type LiveChat = ReturnType<typeof createLiveChat>;
export type ArchivePage = {
  chats: ChatWithThread[];
  /** Entries that cannot be read, with what ids they have (blank where not even that). */
  odd: { chatId: string; threadId: string }[];
  /** LiveChat's estimate for the whole window. */
  found: number | undefined;
};

/**
 * A client of LiveChat's Agent Chat Web API v3.6 with a personal access token. It only reads, so every call may be
 * repeated: transient errors are, a bounded number of times, with growing, jittered waits (`Retry-After` is honoured
 * where there is one; LiveChat documents neither its limits nor that header). One call at a time is in flight.
 *
 * Failures: 77 where the token is refused, 75 where LiveChat does not answer, 78 where the API version is gone.
 */
export function createLiveChat(options: LiveChatOptions) {
  const http = axios.create({
    baseURL: `${options.endpoint}/v3.6/agent/action/`,
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
      if (reaction === 'other-region') {
        const named = regionIn(error.response);
        if (named === undefined || named === region) return false;
        region = named;
        return true;
      }
      return reaction === 'again';
    },
    retryDelay: (count, error) => Math.max(fullJitter(count, shortest), retryAfter(error)),
  });

  async function noteCall(endpoint: string | undefined, outcome: 'ok' | 'failed'): Promise<void> {
    if (isAction(endpoint)) await options.onCall({ endpoint, outcome });
  }

  async function call<T extends z.ZodType>(action: Action, body: object, shape: T): Promise<z.infer<T>> {
    let response: AxiosResponse;
    try {
      response = await http.post(action, JSON.stringify(body));
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
     */
    async activeThreads(): Promise<ActiveThread[]> {
      const active: ActiveThread[] = [];
      let request: object = { filters: { active: true }, limit: 100 };
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
     * The archive's threads of a window, oldest first, page by page. What `from` and `to` are compared with, and
     * whether the ends belong to the window, is not documented: callers overlap their windows.
     *
     * @throws LiveChatRefusal of type `validation` where LiveChat refuses a page's id (it has expired, say): the
     *   window must be read again from its start.
     */
    async *archive(from: Instant, to: Instant): AsyncGenerator<ArchivePage> {
      // Filters go inside `filters`: at the top level they look accepted and do nothing.
      let request: object = { filters: { from: offset(from), to: offset(to) }, sort_order: 'asc', limit: 100 };
      for (const seen = new Set<string>(); ; ) {
        const page = await call('list_archives', request, archivePage);
        yield { ...sorted(page.chats), found: page.found_chats };
        if (page.next_page_id === undefined) return;
        // Following pages carry the page's id alone: with filters beside it LiveChat answers `validation`.
        request = { page_id: unseen(page.next_page_id, seen) };
      }
    },

    /** Archived threads by id, at most 20 a call (LiveChat's limit); those it does not know are absent. */
    async threadsById(threadIds: readonly string[]): Promise<ChatWithThread[]> {
      const page = await call('list_archives', { filters: { thread_ids: threadIds } }, archivePage);
      return sorted(page.chats).chats;
    },

    /** One thread, complete with its events; undefined where it was deleted or anonymised. */
    async thread(chatId: string, threadId: string): Promise<ChatWithThread | undefined> {
      try {
        return await call('get_chat', { chat_id: chatId, thread_id: threadId }, chatAnswer);
      } catch (error) {
        if (error instanceof LiveChatRefusal && reactionTo(error.type, 404) === 'gone') return undefined;
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

function isAction(text: string | undefined): text is Action {
  return text === 'list_archives' || text === 'list_chats' || text === 'get_chat';
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
