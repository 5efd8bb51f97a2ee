import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Archive, Thread } from './archive.ts';
import { ApiError } from './envelope.ts';
import {
  type ArchiveFilters,
  archiveFiltersSchema,
  type ChatFilters,
  chatFiltersSchema,
  inGroups,
  passes,
} from './filters.ts';
import { createPages, type PageTies, type Place, type Query } from './paging.ts';
import { chatSummary, chatWithThread, customerWithChats } from './wire.ts';

/**
 * How the server behaves where LiveChat's documentation is silent, or where it has a bad day. A test may change any of it
 * while the server runs.
 */
export type Behaviour = {
  /** The time that from and to compare with, and that list_archives sorts by. Not documented. */
  windowBy: 'created_at' | 'last_activity';
  /** Whether the instants from and to belong to the window. Not documented. */
  windowEnds: 'inclusive' | 'exclusive';
  /** What becomes of threads with one timestamp at a page's end. */
  pageTies: PageTies;
  /** Whether list_archives shows threads that are still active. Production code was seen to expect it. */
  includeActiveInArchives: boolean;
  /** How long after its end a thread is missing from list_archives, in milliseconds on the clock. */
  indexingDelayMs: number;
  /** Added to found_chats, which LiveChat calls an estimated number. */
  foundChatsOff: number;
  /** The groups of a token with chats--access:ro: the chats of all others are silently absent. Undefined: sees all. */
  visibleGroups: readonly number[] | undefined;
  /** The data centre of the account: calls without this X-Region are misdirected. Undefined: any. */
  region: string | undefined;
  /** Pages of more threads than this take LiveChat too long: request_timeout. Undefined: none does. */
  largestPage: number | undefined;
  /** How far back the plan shows the archive, in milliseconds; a window that begins before is limit_reached. Undefined: all of it. */
  historyMs: number | undefined;
  /** The licence's groups and who is in them; undefined: the token lacks groups--all:ro. */
  groups: readonly { id: number; name: string; agents: readonly string[] }[] | undefined;
  /** What v3.6 says about its own end: dates as YYYY-MM-DD. */
  versionHeaders: { Legacy?: string; Deprecation?: string };
};

/** The behaviour that nobody asked to change. */
export const usualBehaviour: Behaviour = {
  windowBy: 'created_at',
  windowEnds: 'inclusive',
  pageTies: 'drop',
  includeActiveInArchives: true,
  indexingDelayMs: 0,
  foundChatsOff: 0,
  visibleGroups: undefined,
  region: undefined,
  largestPage: undefined,
  historyMs: undefined,
  groups: undefined,
  versionHeaders: {},
};

/** What an action answers: the body, and how many chats or customers are in it. */
export type Answer = { body: object; records: number };

export type Actions = Record<ActionName, (body: unknown) => Answer>;
export type ActionName = 'list_archives' | 'list_chats' | 'get_chat' | 'get_customer' | 'list_groups';

/** Actions of the configuration API; the others are the Agent Chat Web API's. */
export const CONFIGURATION_ACTIONS: readonly string[] = ['list_groups'];

/**
 * Creates the actions that a reader of archives needs: four of the Agent Chat Web API v3.6, one of the configuration API.
 *
 * @param archive what they read
 * @param clock ages page_ids, and threads that wait for the index
 * @param behaviour read anew with every call
 * @returns the actions by name; each takes a parsed JSON body and throws ApiError
 */
export function createActions(archive: Archive, clock: Clock, behaviour: Behaviour): Actions {
  const archivePages = createPages<ArchiveFilters>(clock);
  const chatPages = createPages<ChatFilters>(clock);

  const sees = (thread: Thread) => behaviour.visibleGroups === undefined || inGroups(thread, behaviour.visibleGroups);

  const isIndexed = (thread: Thread) => {
    if (archive.isActive(thread)) return behaviour.includeActiveInArchives;
    return thread.endsUs === undefined || thread.endsUs / 1000 + behaviour.indexingDelayMs <= clock.now();
  };

  const archiveKeys = {
    timeUs: (thread: Thread) =>
      behaviour.windowBy === 'created_at' ? thread.createdUs : archive.lastActivityUs(thread),
    id: (thread: Thread) => thread.id,
  };

  function found(filters: ArchiveFilters): Thread[] {
    const inclusive = behaviour.windowEnds === 'inclusive';
    return archive
      .threads()
      .filter(
        (thread) =>
          sees(thread) &&
          isIndexed(thread) &&
          passes(archive, thread, filters, { timeUs: archiveKeys.timeUs(thread), inclusive }),
      );
  }

  return {
    list_archives(body) {
      const from = readList(body, archiveFiltersSchema, archivePages.place, isById);
      const { filters, order, limit } = 'query' in from ? from.query : from;
      const oldest = behaviour.historyMs === undefined ? undefined : (clock.now() - behaviour.historyMs) * 1000;
      if (oldest !== undefined && filters.from !== undefined && filters.from < oldest) {
        throw new ApiError('limit_reached', 'The plan does not reach so far back');
      }
      if (behaviour.largestPage !== undefined && limit > behaviour.largestPage && !isById(filters)) {
        throw new ApiError('request_timeout', 'Request timed out');
      }
      const rows = inOrder(found(filters), archiveKeys.timeUs, order);
      // Threads asked for by id come without paging, all of them: at most twenty.
      const page = isById(filters) ? { rows } : archivePages.cut(rows, archiveKeys, from, behaviour.pageTies);
      const { rows: threads, ...links } = page;
      return {
        body: {
          chats: threads.map((thread) => chatWithThread(archive, thread, sees, true)),
          found_chats: Math.max(0, rows.length + behaviour.foundChatsOff),
          ...links,
        },
        records: threads.length,
      };
    },

    list_chats(body) {
      const from = readList(body, chatFiltersSchema, chatPages.place);
      const { filters, order } = 'query' in from ? from.query : from;
      const lastOfChat = new Map<string, Thread>();
      for (const thread of archive.threads()) if (sees(thread)) lastOfChat.set(thread.chatId, thread);
      const matching = [...lastOfChat.values()].filter(
        (thread) =>
          (filters.active === undefined || archive.isActive(thread) === filters.active) &&
          (filters.group_ids === undefined || inGroups(thread, filters.group_ids)),
      );
      const keys = { timeUs: (thread: Thread) => thread.createdUs, id: (thread: Thread) => thread.id };
      const rows = inOrder(matching, keys.timeUs, order);
      const { rows: threads, ...links } = chatPages.cut(rows, keys, from, behaviour.pageTies);
      return {
        body: {
          chats_summary: threads.map((thread) => chatSummary(archive, thread)),
          found_chats: Math.max(0, rows.length + behaviour.foundChatsOff),
          ...links,
        },
        records: threads.length,
      };
    },

    get_chat(body) {
      const { chat_id, thread_id } = parse(getChatSchema, body);
      const threads = archive.threads(chat_id);
      const wanted = threads.filter(({ id }) => thread_id === undefined || id === thread_id);
      if (wanted.length === 0) throw new ApiError('not_found', 'Chat not found');
      // "Validates access to the thread": which error a token of other groups gets is not documented.
      const thread = wanted.findLast(sees);
      if (thread === undefined) throw new ApiError('missing_access', 'You have no access to this thread');
      return { body: chatWithThread(archive, thread, sees, false), records: 1 };
    },

    get_customer(body) {
      const profile = archive.customer(parse(getCustomerSchema, body).id);
      if (profile === undefined) throw new ApiError('not_found', 'Customer not found');
      return { body: customerWithChats(archive, profile), records: 1 };
    },

    list_groups(body) {
      if (behaviour.groups === undefined) throw new ApiError('authorization', 'Missing scope: groups--all:ro');
      const { fields } = parse(listGroupsSchema, body);
      const withAgents = fields?.includes('agent_priorities') === true;
      const groups = behaviour.groups.map(({ id, name, agents }) => ({
        id,
        name,
        language_code: 'en',
        ...(withAgents ? { agent_priorities: Object.fromEntries(agents.map((agent) => [agent, 'normal'])) } : {}),
      }));
      return { body: groups, records: groups.length };
    },
  };
}

const getChatSchema = z.object({
  chat_id: z.string().min(1),
  thread_id: z
    .string()
    .nullish()
    .transform((id) => id ?? undefined),
});
const listGroupsSchema = z.object({ fields: z.array(z.enum(['agent_priorities', 'routing_status'])).nullish() });
const getCustomerSchema = z.object({ id: z.string().min(1) });

/*
 * Unknown keys beside these are ignored, as LiveChat does: from and to beside `filters`, rather than in it, look accepted
 * and filter nothing (observed in third-party code that walked the whole archive that way).
 */
const listSchema = z.object({
  filters: z.record(z.string(), z.unknown()).nullish(),
  sort_order: z.enum(['asc', 'desc']).nullish(),
  limit: z.number().int().min(1).max(100).nullish(),
  page_id: z.string().min(1).nullish(),
});

/** "Cannot be used with other filters or pagination": limit, of at most 20 ids, is taken to be part of pagination. */
function isById(filters: ArchiveFilters): boolean {
  return filters.thread_ids !== undefined;
}

/** Reads the request of a list: a place in a walk that is under way, or the query that a new walk begins with. */
function readList<F extends object>(
  body: unknown,
  filtersSchema: z.ZodType<F>,
  placeOf: (pageId: string) => Place<F> | undefined,
  unpaged: (filters: F) => boolean = () => false,
): Query<F> | Place<F> {
  const { filters, sort_order, limit, page_id } = parse(listSchema, body);
  if (page_id != null) {
    // "The filters, limit, and sort_order parameters can't be provided along with page_id."
    if (filters != null || limit != null || sort_order != null) {
      throw new ApiError('validation', '`page_id` cannot be used with `filters`, `limit` or `sort_order`');
    }
    const place = placeOf(page_id);
    if (place === undefined) throw new ApiError('validation', 'Wrong format of `page_id`');
    return place;
  }
  const read = parse(filtersSchema, filters ?? {}, 'filters');
  if (limit != null && unpaged(read)) {
    throw new ApiError('validation', '`filters.thread_ids` cannot be used with pagination');
  }
  return { filters: read, order: sort_order ?? 'desc', limit: limit ?? 10 };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, at?: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [...(at === undefined ? [] : [at]), ...(issue?.path ?? [])].join('.');
  throw new ApiError('validation', path === '' ? `${issue?.message}` : `\`${path}\`: ${issue?.message}`);
}

/** Sorts by the time in the walk's order; threads of one instant stay in a fixed order, by id. */
function inOrder(threads: readonly Thread[], timeUs: (thread: Thread) => number, order: 'asc' | 'desc'): Thread[] {
  const ascending = [...threads].sort((a, b) => timeUs(a) - timeUs(b) || (a.id < b.id ? -1 : 1));
  return order === 'asc' ? ascending : ascending.reverse();
}
