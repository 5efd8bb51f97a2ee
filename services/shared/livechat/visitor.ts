import { createHash } from 'node:crypto';
import type { Instant } from '../runtime/instant.ts';
import type { ChatWithThread, FormField, Geolocation, LiveChatEvent, LiveChatUser } from './types.ts';

/** LiveChat's properties: by namespace (its own, and those of apps), then by name. */
export type Properties = Record<string, Record<string, string | number | boolean>>;

/**
 * What the rules see of a thread: complete, so that a rule never meets something absent. A missing text is empty, a
 * missing list is empty, a missing number is 0.
 */
export type Visit = {
  visitor: {
    /** LiveChat's id of the customer. */
    id: string;
    email: string;
    name: string;
    firstName: string;
    lastName: string;
    phone: string;
    /** Where the visitor was, by the chat's IP address: LiveChat has no postal code for it. */
    location: { country: string; countryCode: string; region: string; city: string; timezone: string };
    /** The postal address in LiveChat's profile of the visitor. */
    address: { street: string; city: string; state: string; country: string; postalCode: string };
    /** Custom variables that the website set. They expire with the visitor's session: taken while they are there. */
    variables: Record<string, string>;
    /** LiveChat's statistics of the customer, as they were when the thread was read: over all threads, this one too. */
    counts: { chats: number; threads: number; visits: number; pageViews: number };
  };
  thread: {
    id: string;
    startedAt: string;
    endedAt: string;
    tags: string[];
    /** Names of the agents that are in the thread, bots too. */
    agents: string[];
    groupIds: number[];
    rating: { score: string; comment: string };
    startUrl: string;
    referrer: string;
    utm: { source: string; medium: string; campaign: string; term: string; content: string };
    properties: Properties;
  };
  chat: { id: string; properties: Properties };
  /** Answers in the thread's forms: by the field's type (`name`, `email`, `subject`, …) and by its id. */
  form: { byType: Record<string, string>; byId: Record<string, string> };
};

export type ThreadOfVisitor = {
  threadId: string;
  chatId: string;
  customerId: string | undefined;
  active: boolean;
  startedAt: Instant;
  /** Undefined while it is active. */
  endedAt: Instant | undefined;
  /** What stands in the thread itself, not blank; all else is the profile's, which may be another's by now. */
  said: Partial<Pick<Visit['visitor'], 'email' | 'name' | 'firstName' | 'lastName' | 'phone'>>;
  visit: Visit;
};

/**
 * What LiveChat knows of a thread's visitor, in the form that the ledger keeps and the rules see.
 *
 * The address is the agent's last correction in the thread, else the last answer to a form's field of type `email`
 * (labels are free text in any language), else the profile's.
 */
export function visitorOf(chat: ChatWithThread): ThreadOfVisitor {
  const { thread } = chat;
  const events = thread.events ?? [];
  const customer = chat.users?.find((user) => user.type === 'customer');
  const fields = events.filter((event) => event.type === 'filled_form').flatMap((event) => event.fields ?? []);
  const form = answersOf(fields);
  const name = nameOf(form.byType['name'], customer?.name);
  const said = lastCorrection(events) || (form.byType['email'] ?? '');
  const startUrl = clean(textAt(thread.properties, 'routing', 'start_url'));
  return {
    threadId: thread.id,
    chatId: chat.id,
    customerId: customer?.id,
    active: thread.active,
    startedAt: thread.created_at,
    endedAt: thread.active ? undefined : endOf(thread.created_at, events),
    said: saidIn(form, said),
    visit: {
      visitor: {
        id: customer?.id ?? '',
        email: said || clean(customer?.email),
        name,
        ...partsOf(name),
        phone: clean(customer?.phone_number) || (form.byType['phone'] ?? ''),
        location: locationOf(thread.customer_visit?.geolocation ?? customer?.visit?.geolocation),
        address: addressOf(customer),
        variables: variablesOf(customer),
        counts: countsOf(customer),
      },
      thread: {
        id: thread.id,
        startedAt: thread.created_at,
        endedAt: thread.active ? '' : endOf(thread.created_at, events),
        tags: (thread.tags ?? []).map(clean),
        agents: agentsOf(chat),
        groupIds: thread.access?.group_ids ?? [],
        rating: ratingOf(chat),
        startUrl,
        referrer: clean(textAt(thread.properties, 'routing', 'referrer')),
        utm: utmOf(startUrl),
        properties: propertiesOf(thread.properties),
      },
      chat: { id: chat.id, properties: propertiesOf(chat.properties) },
      form,
    },
  };
}

/** What a visitor answered, and an agent corrected, in the thread. */
function saidIn(form: Visit['form'], email: string): ThreadOfVisitor['said'] {
  const name = nameOf(form.byType['name'], undefined);
  const phone = form.byType['phone'] ?? '';
  return {
    ...(email === '' ? {} : { email }),
    ...(name === '' ? {} : { name, ...partsOf(name) }),
    ...(phone === '' ? {} : { phone }),
  };
}

function partsOf(name: string): { firstName: string; lastName: string } {
  const [firstName = '', ...rest] = name.split(/\s+/);
  return { firstName, lastName: rest.join(' ') };
}

/** Equal for equal content: a thread that was delivered is delivered again only when this changes. */
export function contentHash(visit: Visit): string {
  return createHash('sha256').update(JSON.stringify(visit)).digest('hex').slice(0, 32);
}

/**
 * Why a visitor with this address cannot be a lead, or undefined where nothing speaks against it.
 *
 * Marketo takes ASCII addresses only ("Leads", Create and Update), and separates the addresses of a look-up with
 * commas, for which no escape is documented.
 */
export function addressProblem(address: string, excludedDomains: readonly string[]): AddressProblem | undefined {
  if (address === '') return 'no-address';
  if (!/^[\x21-\x7e]+$/.test(address)) return 'address-not-ascii';
  if (address.includes(',')) return 'address-with-comma';
  const at = address.lastIndexOf('@');
  if (at < 1 || at === address.length - 1 || address.length > 255) return 'address-malformed';
  const domain = address.slice(at + 1).toLowerCase();
  return excludedDomains.some((excluded) => domain === excluded || domain.endsWith(`.${excluded}`))
    ? 'address-excluded'
    : undefined;
}

export type AddressProblem =
  | 'no-address'
  | 'address-not-ascii'
  | 'address-with-comma'
  | 'address-malformed'
  | 'address-excluded';

/** Trimmed; without NUL and half surrogates, which Postgres' jsonb refuses: one bad letter must not cost the page. */
function clean(text: string | undefined): string {
  return (text ?? '').toWellFormed().replaceAll('\u0000', '').trim();
}

function answersOf(fields: readonly FormField[]): Visit['form'] {
  const form: Visit['form'] = { byType: {}, byId: {} };
  for (const field of fields) {
    const value = answerOf(field);
    if (value === '') continue;
    if (field.type !== undefined) form.byType[clean(field.type)] = value;
    if (field.id !== undefined) form.byId[clean(field.id)] = value;
  }
  return form;
}

function answerOf(field: FormField): string {
  if (typeof field.answer === 'string') return clean(field.answer);
  if (field.answer) return clean(field.answer.label);
  return (field.answers ?? [])
    .map((answer) => clean(answer.label))
    .filter((label) => label !== '')
    .join(', ');
}

/** LiveChat names a visitor who gave no name: such a name in Marketo would be worse than none. */
const DEFAULT_NAME = /^(?:visitor|customer|client|guest|(?:unnamed|unknown) (?:visitor|customer)|#?[0-9a-f]{6,})$/i;

function nameOf(answered: string | undefined, profile: string | undefined): string {
  return [answered ?? '', clean(profile)].find((name) => name !== '' && !DEFAULT_NAME.test(name)) ?? '';
}

/** Both spellings of the variable occur: `customer_email`, and `customers_email` where the name changed with it. */
function lastCorrection(events: readonly LiveChatEvent[]): string {
  const corrected = events
    .filter((event) => event.type === 'system_message' && event.system_message_type === 'customer_updated')
    .map((event) => event.text_vars?.['customer_email'] ?? event.text_vars?.['customers_email'])
    .filter((value) => typeof value === 'string')
    .map(clean)
    .filter((value) => value !== '');
  return corrected.at(-1) ?? '';
}

/**
 * Threads have no end of their own: it is the last closing message, else the last event, else the start. A closing
 * message is always the last event of its thread but for late forms and ratings.
 */
function endOf(start: Instant, events: readonly LiveChatEvent[]): Instant {
  const times = (list: readonly LiveChatEvent[]) => list.flatMap((event) => event.created_at ?? []).sort();
  const closing = events.filter((event) => CLOSING.test(event.system_message_type ?? ''));
  return times(closing).at(-1) ?? times(events).at(-1) ?? start;
}

const CLOSING = /^(?:manual_archived_|archived_|customer_banned|routing\.archived_|system_archived)/;

function locationOf(place: Geolocation | undefined): Visit['visitor']['location'] {
  return {
    country: clean(place?.country),
    countryCode: clean(place?.country_code),
    region: clean(place?.region),
    city: clean(place?.city),
    timezone: clean(place?.timezone),
  };
}

function addressOf(customer: LiveChatUser | undefined): Visit['visitor']['address'] {
  const address = customer?.address;
  return {
    street: clean(address?.address),
    city: clean(address?.city),
    state: clean(address?.state),
    country: clean(address?.country),
    postalCode: clean(address?.postal_code),
  };
}

function variablesOf(customer: LiveChatUser | undefined): Record<string, string> {
  const pairs = (customer?.session_fields ?? []).flatMap((field) => Object.entries(field));
  return Object.fromEntries(
    pairs.flatMap(([key, value]) => (typeof value === 'string' ? [[clean(key), clean(value)]] : [])),
  );
}

function countsOf(customer: LiveChatUser | undefined): Visit['visitor']['counts'] {
  const { chats_count, threads_count, visits_count, page_views_count } = customer?.statistics ?? {};
  return {
    chats: chats_count ?? 0,
    threads: threads_count ?? 0,
    visits: visits_count ?? 0,
    pageViews: page_views_count ?? 0,
  };
}

/** As LiveChat has them, unknown namespaces too; what is not text, number or boolean is none of its property types. */
function propertiesOf(properties: ChatWithThread['properties']): Properties {
  const kept: Properties = {};
  for (const [namespace, values] of Object.entries(properties ?? {})) {
    const pairs = Object.entries(values ?? {}).flatMap(([name, value]): [string, string | number | boolean][] => {
      if (typeof value === 'string') return [[clean(name), clean(value)]];
      return typeof value === 'number' || typeof value === 'boolean' ? [[clean(name), value]] : [];
    });
    if (pairs.length > 0) kept[clean(namespace)] = Object.fromEntries(pairs);
  }
  return kept;
}

/** Of the whole chat, only the agents who are in this thread. */
function agentsOf(chat: ChatWithThread): string[] {
  const present = chat.thread.user_ids;
  return (chat.users ?? [])
    .filter((user) => user.type === 'agent' && (present === undefined || present.includes(user.id)))
    .map((user) => clean(user.name) || clean(user.id));
}

function ratingOf(chat: ChatWithThread): Visit['thread']['rating'] {
  const score = chat.thread.properties?.['rating']?.['score'];
  return {
    score: score === 1 ? 'good' : score === 0 ? 'bad' : '',
    comment: clean(textAt(chat.thread.properties, 'rating', 'comment')),
  };
}

function textAt(properties: ChatWithThread['properties'], namespace: string, name: string): string | undefined {
  const value = properties?.[namespace]?.[name];
  return typeof value === 'string' ? value : undefined;
}

function utmOf(address: string): Visit['thread']['utm'] {
  const query = URL.canParse(address) ? new URL(address).searchParams : new URLSearchParams();
  const of = (name: string) => clean(query.get(`utm_${name}`) ?? '');
  return {
    source: of('source'),
    medium: of('medium'),
    campaign: of('campaign'),
    term: of('term'),
    content: of('content'),
  };
}
