import type { Archive, Thread } from './archive.ts';
import { given } from './given.ts';
import { formatInstant, parseInstant } from './instants.ts';
import type { AgentSpec, CustomerSpec } from './spec.ts';

/*
 * How the archive's contents look over the API, at the clock's now (Agent Chat API v3.6, 'Data structures'). What LiveChat
 * leaves out is left out here: nearly every field is optional there, and absent rather than null.
 */

/** Tells whether the token that asks may see a thread. */
export type Sight = (thread: Thread) => boolean;

/**
 * One entry of list_archives, or the answer of get_chat: a chat with one of its threads.
 *
 * @param archive the store
 * @param thread the thread
 * @param sees which threads the token may see; decides the previous and next accessible ones
 * @param listed true for list_archives, which leaves out the events of some ended threads and adds the accessible ids
 */
export function chatWithThread(archive: Archive, thread: Thread, sees: Sight, listed: boolean) {
  return {
    id: thread.chatId,
    users: users(archive, thread),
    thread: wholeThread(archive, thread, sees, listed),
    properties: thread.spec.chatProperties ?? {},
    access: { group_ids: thread.spec.groupIds },
    is_followed: false,
  };
}

/**
 * One entry of list_chats: a chat with a summary of its last thread and the last event of each type.
 *
 * @param archive the store
 * @param thread the chat's last thread
 */
export function chatSummary(archive: Archive, thread: Thread) {
  const lastEvents: Record<string, object> = {};
  for (const { id, event } of archive.events(thread)) {
    lastEvents[event.type] = {
      thread_id: thread.id,
      thread_created_at: formatInstant(thread.createdUs),
      event: { ...event, id },
    };
  }
  return {
    id: thread.chatId,
    last_event_per_type: lastEvents,
    users: users(archive, thread),
    last_thread_summary: {
      id: thread.id,
      created_at: formatInstant(thread.createdUs),
      user_ids: userIds(thread),
      properties: properties(archive, thread),
      active: archive.isActive(thread),
      access: { group_ids: thread.spec.groupIds },
    },
    properties: thread.spec.chatProperties ?? {},
    access: { group_ids: thread.spec.groupIds },
    is_followed: false,
  };
}

/**
 * The answer of get_customer: the customer as among a chat's users, and the ids of their chats.
 *
 * @param archive the store
 * @param profile the profile as it stands now
 */
export function customerWithChats(archive: Archive, profile: CustomerSpec) {
  const chatIds = new Set(archive.threadsOf(profile.id).map((thread) => thread.chatId));
  return { ...customer(archive, profile), chat_ids: [...chatIds] };
}

function wholeThread(archive: Archive, thread: Thread, sees: Sight, listed: boolean) {
  const { spec } = thread;
  const active = archive.isActive(thread);
  const siblings = archive.threads(thread.chatId);
  const place = siblings.indexOf(thread);
  const before = siblings.slice(0, place);
  const after = siblings.slice(place + 1);
  const withheld = spec.restrictedAccess !== undefined || (listed && !active && spec.withholdEvents === true);
  return {
    id: thread.id,
    active,
    user_ids: userIds(thread),
    ...(withheld ? {} : { events: archive.events(thread).map(({ id, event }) => ({ ...event, id })) }),
    properties: properties(archive, thread),
    access: { group_ids: spec.groupIds },
    created_at: formatInstant(thread.createdUs),
    ...given({
      // "Only if tagged": an untagged thread has no tags at all, not an empty list.
      tags: thread.tags.length > 0 ? thread.tags : undefined,
      restricted_access: spec.restrictedAccess,
      queues_duration: spec.queuesDuration,
      customer_visit: spec.customerVisit,
      summary: active ? undefined : spec.summary,
      previous_thread_id: before.at(-1)?.id,
      next_thread_id: after[0]?.id,
      previous_accessible_thread_id: listed ? before.findLast(sees)?.id : undefined,
      next_accessible_thread_id: listed ? after.find(sees)?.id : undefined,
    }),
  };
}

function properties(archive: Archive, thread: Thread): Record<string, Record<string, string | number | boolean>> {
  const { spec, rating } = thread;
  const all = { ...spec.properties };
  const rated = rating !== undefined && archive.events(thread).some(({ atUs }) => atUs >= rating.atUs);
  if (rating !== undefined && rated) {
    all['rating'] = { score: rating.score, ...given({ comment: rating.comment }) };
  }
  return all;
}

function users(archive: Archive, thread: Thread): object[] {
  const customers = thread.spec.customer === undefined ? [] : [thread.spec.customer.id];
  const profiles = customers.flatMap((id) => archive.customer(id) ?? []);
  const active = archive.isActive(thread);
  const visitors = profiles.map((profile) => ({ ...customer(archive, profile), present: active }));
  const staff = thread.spec.agents.map((one) => agent(one, active));
  // LiveChat's own samples list the agent first here and the customer first there: no order can be relied on.
  return thread.id.charCodeAt(0) % 2 === 0 ? [...visitors, ...staff] : [...staff, ...visitors];
}

function userIds(thread: Thread): string[] {
  const customers = thread.spec.customer === undefined ? [] : [thread.spec.customer.id];
  return [...customers, ...thread.spec.agents.map(({ id }) => id)];
}

function agent({ id, name, email, visibility }: AgentSpec, present: boolean) {
  return { id, type: 'agent', name, ...given({ email }), present, visibility: visibility ?? 'all' };
}

function customer(archive: Archive, profile: CustomerSpec) {
  const threads = archive.threadsOf(profile.id);
  const offset = offsetOf(profile.id);
  const lastEvent = (byCustomer: boolean) =>
    threads
      .flatMap((thread) => archive.events(thread))
      .filter(({ event }) => 'author_id' in event && (event.author_id === profile.id) === byCustomer)
      .reduce<number | undefined>((latest, { atUs }) => Math.max(latest ?? atUs, atUs), undefined);
  const { id, session_fields, visits_count, page_views_count, created_at, ...rest } = profile;
  const created = created_at === undefined ? undefined : parseInstant(created_at);
  const byCustomer = lastEvent(true);
  const byAgent = lastEvent(false);
  return {
    id,
    type: 'customer',
    ...rest,
    ...given({
      // "Expires along with the session": what an hourly reader finds of an ended chat mostly lacks it.
      session_fields: threads.some(archive.isInSession) ? session_fields : undefined,
      created_at: created === undefined ? undefined : formatInstant(created, offset),
      customer_last_event_created_at: byCustomer === undefined ? undefined : formatInstant(byCustomer, offset),
      agent_last_event_created_at: byAgent === undefined ? undefined : formatInstant(byAgent, offset),
    }),
    statistics: {
      chats_count: new Set(threads.map(({ chatId }) => chatId)).size,
      threads_count: threads.length,
      ...given({ visits_count, page_views_count }),
    },
    __priv_lc2_customer_id: `sandbox_${id.slice(0, 8)}`,
  };
}

/** The documentation's samples show some of a customer's times in UTC and some with an offset. */
function offsetOf(customerId: string): string {
  return customerId.charCodeAt(customerId.length - 1) % 3 === 0 ? '+01:00' : 'Z';
}
