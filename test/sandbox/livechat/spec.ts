import { z } from 'zod';
import { parseInstant } from './instants.ts';

/*
 * What the archive is filled with. Fields in camelCase are the plan (when a thread ends, what the API withholds);
 * structures in snake_case are LiveChat's own and go over the API as they are (Agent Chat API v3.6, 'Data structures').
 */

const instantSchema = z.string().refine((text) => parseInstant(text) !== undefined, 'must be an RFC 3339 instant');

/** Properties by namespace and name, such as { routing: { start_url: '…' } }. */
const propertiesSchema = z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])));

const geolocationSchema = z.strictObject({
  country: z.string().exactOptional(),
  country_code: z.string().exactOptional(),
  region: z.string().exactOptional(),
  city: z.string().exactOptional(),
  timezone: z.string().exactOptional(),
  // Strings, not numbers: so LiveChat has them.
  latitude: z.string().exactOptional(),
  longitude: z.string().exactOptional(),
});

const visitSchema = z.strictObject({
  started_at: instantSchema.exactOptional(),
  ended_at: instantSchema.exactOptional(),
  referrer: z.string().exactOptional(),
  ip: z.string().exactOptional(),
  user_agent: z.string().exactOptional(),
  geolocation: geolocationSchema.exactOptional(),
  last_pages: z
    .array(z.strictObject({ opened_at: instantSchema, url: z.string(), title: z.string().exactOptional() }))
    .exactOptional(),
});

const answerIdSchema = z.union([z.string(), z.number()]);
const choiceSchema = z.strictObject({ id: answerIdSchema, label: z.string() });
const fieldStart = { id: z.string(), label: z.string() };

/** One answered field of a form. A checkbox has `answers`, everything else `answer`, which may be missing or empty. */
export const formFieldSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...fieldStart,
    type: z.enum(['name', 'email', 'question', 'textarea', 'subject']),
    answer: z.string().exactOptional(),
  }),
  z.strictObject({ ...fieldStart, type: z.enum(['radio', 'select']), answer: choiceSchema.exactOptional() }),
  z.strictObject({ ...fieldStart, type: z.literal('checkbox'), answers: z.array(choiceSchema).exactOptional() }),
  z.strictObject({
    ...fieldStart,
    type: z.literal('group_chooser'),
    answer: z.strictObject({ id: answerIdSchema, group_id: z.number().int(), label: z.string() }).exactOptional(),
  }),
]);
export type FormField = z.infer<typeof formFieldSchema>;

const eventStart = {
  /** Left out, the archive numbers it as LiveChat does: thread id, underscore, place in the thread. */
  id: z.string().exactOptional(),
  created_at: instantSchema,
  visibility: z.enum(['all', 'agents']).exactOptional(),
  properties: propertiesSchema.exactOptional(),
};
const authored = { ...eventStart, author_id: z.string() };

export const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...authored,
    type: z.literal('message'),
    text: z.string().exactOptional(),
    // A deleted message is a stub without its text.
    deleted: z.boolean().exactOptional(),
  }),
  z.strictObject({
    ...authored,
    type: z.literal('file'),
    name: z.string(),
    url: z.string(),
    content_type: z.string(),
    size: z.number().int().exactOptional(),
  }),
  z.strictObject({
    ...authored,
    type: z.literal('filled_form'),
    form_id: z.string(),
    // Missing on chats from before v3.4, which have it in properties.lc2.form_type.
    form_type: z.string().exactOptional(),
    fields: z.array(formFieldSchema),
  }),
  z.strictObject({
    ...authored,
    type: z.literal('rich_message'),
    template_id: z.string(),
    elements: z.array(z.json()),
  }),
  z.strictObject({ ...authored, type: z.literal('custom'), content: z.json() }),
  z.strictObject({
    ...eventStart,
    type: z.literal('system_message'),
    system_message_type: z.string(),
    text: z.string(),
    text_vars: z.record(z.string(), z.string()).exactOptional(),
  }),
]);
export type EventSpec = z.infer<typeof eventSchema>;

export const customerSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().exactOptional(),
  email: z.string().exactOptional(),
  email_verified: z.boolean().exactOptional(),
  phone_number: z.string().exactOptional(),
  address: z
    .strictObject({
      address: z.string().exactOptional(),
      city: z.string().exactOptional(),
      country: z.string().exactOptional(),
      state: z.string().exactOptional(),
      postal_code: z.string().exactOptional(),
    })
    .exactOptional(),
  created_at: instantSchema.exactOptional(),
  /** An array of objects with one key each, in order. */
  session_fields: z.array(z.record(z.string(), z.string())).exactOptional(),
  visit: visitSchema.exactOptional(),
  visits_count: z.number().int().exactOptional(),
  page_views_count: z.number().int().exactOptional(),
});
export type CustomerSpec = z.infer<typeof customerSchema>;

export const agentSchema = z.strictObject({
  /** A person's e-mail address, or a bot's hexadecimal id. */
  id: z.string().min(1),
  name: z.string(),
  email: z.string().exactOptional(),
  visibility: z.enum(['all', 'agents']).exactOptional(),
});
export type AgentSpec = z.infer<typeof agentSchema>;

/** What the generator knows of a thread and the API never tells: what a right reading must come to. */
export const truthSchema = z.strictObject({
  /** The person, the same over several customer ids. */
  person: z.string(),
  /** The address that the documented precedence leads to once every thread is visible; undefined: none was ever given. */
  email: z.string().exactOptional(),
  /** Where it stands: the agent's correction, a form's answer, or the customer's profile. */
  emailFrom: z.enum(['correction', 'form', 'profile']).exactOptional(),
  /** True where this person has an earlier thread in the same batch. */
  returning: z.boolean(),
  /** What is special about the thread, as named by the generator. */
  kinds: z.array(z.string()),
});
export type Truth = z.infer<typeof truthSchema>;

export const threadSpecSchema = z.strictObject({
  chatId: z.string().min(1),
  threadId: z.string().min(1),
  /** The profile as it stands from this thread on. Missing: a chat that lists only agents, as LiveChat's own sample does. */
  customer: customerSchema.exactOptional(),
  agents: z.array(agentSchema),
  groupIds: z.array(z.number().int()),
  createdAt: instantSchema,
  /** Missing: the thread stays active until something closes it. */
  endsAt: instantSchema.exactOptional(),
  events: z.array(eventSchema),
  tags: z.array(z.string()).exactOptional(),
  properties: propertiesSchema.exactOptional(),
  chatProperties: propertiesSchema.exactOptional(),
  /** A rating changes the thread's properties at its own time, often after the end. */
  rating: z
    .strictObject({
      at: instantSchema,
      score: z.union([z.literal(0), z.literal(1)]),
      comment: z.string().exactOptional(),
    })
    .exactOptional(),
  customerVisit: visitSchema.pick({ ip: true, user_agent: true, geolocation: true }).exactOptional(),
  /** The AI summary, in whichever shape; shown once the thread has ended. */
  summary: z.json().exactOptional(),
  queuesDuration: z.number().int().exactOptional(),
  /** session_fields are shown until then; missing: until the thread's end. */
  sessionEndsAt: instantSchema.exactOptional(),
  /** list_archives leaves the events out once the thread has ended; get_chat has them. */
  withholdEvents: z.boolean().exactOptional(),
  /** The plan forbids this thread: the reason is shown, the events never are. */
  restrictedAccess: z.string().exactOptional(),
  truth: truthSchema.exactOptional(),
});

/** One thread to put into the archive. A thread belongs to the chat named by chatId. */
export type ThreadSpec = z.infer<typeof threadSpecSchema>;
