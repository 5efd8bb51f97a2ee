import { z } from 'zod';
import { type Instant, parseInstant } from '../runtime/instant.ts';

/**
 * LiveChat's structures (Agent Chat Web API v3.6, "Data structures"), as far as this product reads them.
 *
 * Nearly every member is optional there, samples and reality differ, and new event types appear between versions: only
 * what a thread cannot be filed without is demanded (its id, its start, whether it is active), the rest is taken if it
 * has the documented shape and is taken for absent if not. So one odd event never costs a chat.
 */
const lenient = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);
const text = lenient(z.string());
const count = lenient(z.number().int().nonnegative());
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(z.unknown())
    .catch([])
    .transform((items) => items.flatMap((one) => item.safeParse(one).data ?? []));

const instant = z.string().transform((value, context): Instant => {
  const parsed = parseInstant(value);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'not an RFC 3339 time' });
  return z.NEVER;
});

/** Ids of answers are strings in one of LiveChat's own samples and numbers in another. */
const id = lenient(z.union([z.string(), z.number().transform(String)]));

const answer = z.object({ id, label: text });

const formField = z.object({
  id,
  type: text,
  label: text,
  /** A text for questions, an object for a choice of one. */
  answer: lenient(z.union([z.string(), answer])),
  /** Check boxes only: a choice of several. */
  answers: lenient(list(answer)),
});

const event = z.object({
  id: text,
  type: z.string(),
  created_at: lenient(instant),
  author_id: text,
  visibility: text,
  /** Of filled forms. */
  fields: lenient(list(formField)),
  /** Of system messages. */
  system_message_type: text,
  text_vars: lenient(z.record(z.string(), z.unknown())),
});

const geolocation = z.object({ country: text, country_code: text, region: text, city: text, timezone: text });

const user = z.object({
  id: z.string(),
  type: z.string(),
  name: text,
  email: text,
  phone_number: text,
  address: lenient(z.object({ address: text, city: text, country: text, state: text, postal_code: text })),
  /** Custom variables: a list of objects with one key each. */
  session_fields: lenient(list(z.record(z.string(), z.unknown()))),
  visit: lenient(z.object({ geolocation: lenient(geolocation) })),
  statistics: lenient(
    z.object({ chats_count: count, threads_count: count, visits_count: count, page_views_count: count }),
  ),
});

const properties = lenient(z.record(z.string(), lenient(z.record(z.string(), z.unknown()))));

const thread = z.object({
  id: z.string().min(1),
  active: z.boolean(),
  created_at: instant,
  user_ids: lenient(list(z.string())),
  events: lenient(list(event)),
  tags: lenient(list(z.string())),
  properties,
  access: lenient(z.object({ group_ids: lenient(list(z.number())) })),
  restricted_access: text,
  customer_visit: lenient(z.object({ geolocation: lenient(geolocation) })),
});

const chat = z.object({ id: z.string().min(1), users: lenient(list(user)), thread, properties });

/** What is needed to ask for a thread that came in a shape that cannot be read. */
const unreadableChat = z.object({ id: z.string().min(1), thread: z.object({ id: z.string().min(1) }) });

/**
 * One entry of the archive: a chat with its thread, or what can be told of one that cannot be read. One odd entry must
 * not cost the others their page.
 */
const archiveEntry = z
  .unknown()
  .transform((entry): { chat: ChatWithThread } | { odd: { chatId: string; threadId: string } } => {
    const read = chat.safeParse(entry);
    if (read.success) return { chat: read.data };
    const { data } = unreadableChat.safeParse(entry);
    return { odd: { chatId: data?.id ?? '', threadId: data?.thread.id ?? '' } };
  });

export const archivePage = z.object({
  chats: z.array(archiveEntry),
  found_chats: lenient(z.number()),
  next_page_id: text,
});

export const chatAnswer = chat;

export const chatsPage = z.object({
  chats_summary: z.array(
    z.object({
      id: z.string().min(1),
      last_thread_summary: lenient(
        z.object({ id: z.string().min(1), created_at: instant, active: lenient(z.boolean()) }),
      ),
    }),
  ),
  next_page_id: text,
});

/** A list of groups, each with its agents (ids) and their priorities, where these were asked for. */
export const groupsAnswer = z.array(
  z.object({ id: z.number(), agent_priorities: lenient(z.record(z.string(), z.unknown())) }),
);

/** One thread together with the chat it belongs to: the unit in which LiveChat's archive is listed. */
export type ChatWithThread = z.infer<typeof chat>;
export type LiveChatEvent = z.infer<typeof event>;
export type LiveChatUser = z.infer<typeof user>;
export type FormField = z.infer<typeof formField>;
export type Geolocation = z.infer<typeof geolocation>;
/** A thread that goes on. */
export type ActiveThread = { chatId: string; threadId: string; startedAt: Instant };
