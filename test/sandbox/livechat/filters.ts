import { z } from 'zod';
import type { Archive, Thread } from './archive.ts';
import { isDocumentedForm, parseInstant } from './instants.ts';

/**
 * The time filters of list_archives. Only the documented form is taken, YYYY-MM-DDTHH:MM:SS.ssssss+HH:MM: whether the
 * real server also takes Z or fewer digits is not documented, and a client that sends the documented form is right with
 * either. Returns microseconds.
 */
const instantFilter = z.string().transform((text, context) => {
  const us = isDocumentedForm(text) ? parseInstant(text) : undefined;
  if (us !== undefined) return us;
  context.addIssue({ code: 'custom', message: 'must be YYYY-MM-DDTHH:MM:SS.ssssss+HH:MM' });
  return z.NEVER;
});

/** Null is as good as absent for LiveChat's filters (list_chats documents `active: true | false | null`). */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/**
 * The filters of list_archives that this sandbox knows. Any other is refused as `validation`, also those LiveChat has and
 * the sandbox does not: a filter that silently filters nothing would be the worst of answers.
 */
export const archiveFiltersSchema = z
  .strictObject({
    from: optional(instantFilter),
    to: optional(instantFilter),
    thread_ids: optional(z.array(z.string()).max(20)),
    chat_ids: optional(z.array(z.string()).max(1000)),
    group_ids: optional(z.array(z.number().int()).max(200)),
    customer_id: optional(z.string()),
    customer_email: optional(z.string()),
    query: optional(z.string()),
  })
  .refine(
    ({ thread_ids, ...others }) => thread_ids === undefined || Object.values(others).every((f) => f === undefined),
    {
      message: '`thread_ids` cannot be used with other filters',
    },
  )
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    message: '`from` must not be after `to`',
  });
export type ArchiveFilters = z.output<typeof archiveFiltersSchema>;

export const chatFiltersSchema = z.strictObject({
  active: optional(z.boolean()),
  // Every chat here has threads, so that it makes no difference.
  include_chats_without_threads: optional(z.boolean()),
  group_ids: optional(z.array(z.number().int()).max(200)),
});
export type ChatFilters = z.output<typeof chatFiltersSchema>;

/**
 * Tells whether a thread passes the filters of list_archives.
 *
 * @param archive knows the profile as it stands now, which customer_email is held against
 * @param thread the thread
 * @param filters all of them must hold
 * @param window which time from and to are held against (microseconds), and whether the ends belong to the window;
 *   LiveChat documents neither
 */
export function passes(
  archive: Archive,
  thread: Thread,
  filters: ArchiveFilters,
  window: { timeUs: number; inclusive: boolean },
): boolean {
  const { from, to, thread_ids, chat_ids, group_ids, customer_id, customer_email, query } = filters;
  const { timeUs, inclusive } = window;
  if (from !== undefined && (inclusive ? timeUs < from : timeUs <= from)) return false;
  if (to !== undefined && (inclusive ? timeUs > to : timeUs >= to)) return false;
  if (thread_ids !== undefined && !thread_ids.includes(thread.id)) return false;
  if (chat_ids !== undefined && !chat_ids.includes(thread.chatId)) return false;
  if (group_ids !== undefined && !inGroups(thread, group_ids)) return false;
  if (customer_id !== undefined && thread.spec.customer?.id !== customer_id) return false;
  if (customer_email !== undefined) {
    const profile = archive.customer(thread.spec.customer?.id ?? '');
    if (profile?.email?.toLowerCase() !== customer_email.toLowerCase()) return false;
  }
  return query === undefined || contains(archive, thread, query);
}

/**
 * Tells whether a thread belongs to one of these groups.
 *
 * @param thread the thread
 * @param groupIds the groups
 */
export function inGroups(thread: Thread, groupIds: readonly number[]): boolean {
  return thread.spec.groupIds.some((id) => groupIds.includes(id));
}

function contains(archive: Archive, thread: Thread, query: string): boolean {
  const wanted = query.toLowerCase();
  return archive
    .events(thread)
    .some(({ event }) => 'text' in event && event.text !== undefined && event.text.toLowerCase().includes(wanted));
}
