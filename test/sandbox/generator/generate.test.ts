import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createClock } from '../clock.ts';
import { createFaults } from '../faults.ts';
import { startLiveChat } from '../livechat/server.ts';
import { threadSpecSchema } from '../livechat/spec.ts';
import { createRandom } from '../random.ts';
import { type GeneratedThread, generateChats } from './generate.ts';
import { KINDS, type Kind } from './kinds.ts';
import { countries } from './places.ts';
import { PROPORTIONS } from './proportions.ts';

const from = new Date('2026-11-01T00:00:00Z');
const to = new Date('2026-11-15T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const archive = generateChats({ seed: 1, count: 1000, from, to });
const ofKind = (kind: Kind) => archive.filter(({ truth }) => truth.kinds.includes(kind));

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

test('it makes as many threads as it is asked for, all of them valid and oldest first', () => {
  expect(archive).toHaveLength(1000);
  for (const thread of archive) threadSpecSchema.parse(thread);
  const times = archive.map(({ createdAt }) => createdAt);
  expect(times).toEqual([...times].sort());
  expect(new Set(archive.map(({ threadId }) => threadId)).size).toBe(1000);
});

test('the same seed and count give the same threads, another seed gives others', () => {
  expect(generateChats({ seed: 1, count: 1000, from, to })).toEqual(archive);
  const others = generateChats({ seed: 2, count: 1000, from, to });
  const ids = new Set(archive.map(({ threadId }) => threadId));
  expect(others.filter(({ threadId }) => ids.has(threadId))).toEqual([]);
});

test('no id comes twice in a large archive, nor one that is taken', () => {
  const idsOf = (threads: readonly GeneratedThread[]) => threads.map(({ threadId }) => threadId);
  // With this seed two people of the first thirty thousand have the same source of chance.
  const many = idsOf(generateChats({ seed: 1, count: 30_000, from, to }));
  expect([many.length, new Set(many).size]).toEqual([30_000, 30_000]);
  const taken = new Set(idsOf(archive).slice(0, 500));
  const others = idsOf(generateChats({ seed: 1, count: 1000, from, to, isTaken: (id) => taken.has(id) }));
  expect(others.length).toBe(1000);
  expect(others.filter((id) => taken.has(id))).toEqual([]);
});

test('another range moves the times and changes nothing else', () => {
  const later = { from: new Date('2027-03-01T00:00:00Z'), to: new Date('2027-03-15T00:00:00Z') };
  const moved = generateChats({ seed: 1, count: 1000, ...later });
  const shift = later.from.getTime() - from.getTime();
  const timeless = (threads: readonly GeneratedThread[]) =>
    JSON.stringify(threads).replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z/g, 'T');
  expect(timeless(moved)).toBe(timeless(archive));
  expect(moved.map(({ createdAt }) => Date.parse(createdAt) - shift)).toEqual(
    archive.map(({ createdAt }) => Date.parse(createdAt)),
  );
});

test('a shorter range keeps people, words and the order of events', () => {
  const hour = generateChats({ seed: 1, count: 1000, from, to: new Date(from.getTime() + HOUR) });
  const words = (threads: readonly GeneratedThread[]) =>
    new Map(threads.map((thread) => [thread.threadId, [thread.customer?.name, thread.tags, thread.truth.email]]));
  expect(words(hour)).toEqual(words(archive));
});

test('a range that ends before it begins is refused', () => {
  expect(() => generateChats({ seed: 1, count: 1, from: to, to: from })).toThrow(RangeError);
});

test('every kind of trap occurs among a thousand', () => {
  for (const kind of KINDS) expect(ofKind(kind).length, kind).toBeGreaterThan(0);
});

test('shares are about what they are meant to be', () => {
  const share = (threads: readonly unknown[]) => threads.length / archive.length;
  expect(share(ofKind('no-address'))).toBeCloseTo(PROPORTIONS.noAddress, 1);
  expect(share(archive.filter(({ truth }) => truth.returning))).toBeCloseTo(PROPORTIONS.returning, 1);
  expect(share(ofKind('spam'))).toBeGreaterThan(0.01);
  expect(share(archive.filter(({ rating }) => rating !== undefined))).toBeGreaterThan(0.1);
});

test('addresses, links and telephone numbers can belong to nobody', () => {
  const reserved = /(^|\.)(example|example\.(com|net|org))$/i;
  const text = JSON.stringify(archive);
  const hosts = [
    ...text.matchAll(/[^\s"\\,:@]+@([^\s"\\,<>]+?)(?=[\s"\\,.<]*["\\, ])/g),
    ...text.matchAll(/https?:\/\/([^/"?\\]+)/g),
  ].map((match) => match[1] ?? '');
  expect(hosts.length).toBeGreaterThan(1000);
  expect(hosts.filter((host) => !reserved.test(host))).toEqual([]);
  const phones = archive.flatMap(({ customer }) => customer?.phone_number ?? []);
  expect(phones.length).toBeGreaterThan(50);
  for (const phone of phones) expect(phone).toMatch(/^\+[1-9]\d{6,14}$/);
});

test('visitors come from at least 25 countries, from cities in time zones that exist', () => {
  const seen = new Set(archive.map(({ customerVisit }) => customerVisit?.geolocation?.country_code));
  expect(seen.size).toBeGreaterThanOrEqual(25);
  for (const { code, cities } of countries) {
    expect(code).toMatch(/^[A-Z]{2}$/);
    for (const { timezone, latitude, longitude } of cities) {
      expect(() => new Intl.DateTimeFormat('en', { timeZone: timezone })).not.toThrow();
      expect(Math.abs(Number(latitude))).toBeLessThanOrEqual(90);
      expect(Math.abs(Number(longitude))).toBeLessThanOrEqual(180);
    }
  }
  const names = archive.map(({ customer }) => customer?.name ?? '').join('');
  for (const script of [
    /\p{Script=Han}/u,
    /\p{Script=Arabic}/u,
    /\p{Script=Cyrillic}/u,
    /\p{Script=Hangul}/u,
    /ł/,
    /ß/,
  ]) {
    expect(names).toMatch(script);
  }
});

test('no two people share an address, however it is written', () => {
  const owners = new Map<string, Set<string>>();
  for (const { truth } of archive) {
    if (truth.email === undefined) continue;
    const key = truth.email.toLowerCase();
    owners.set(key, (owners.get(key) ?? new Set()).add(truth.person));
  }
  expect([...owners].filter(([, people]) => people.size > 1)).toEqual([]);
});

test('of the threads of one chat only the last is ever open', () => {
  const chats = Map.groupBy(archive, ({ chatId }) => chatId);
  expect([...chats.values()].filter((threads) => threads.length > 1).length).toBeGreaterThan(20);
  for (const threads of chats.values()) {
    for (const [index, thread] of threads.entries()) {
      const next = threads[index + 1];
      if (next !== undefined) expect(thread.endsAt !== undefined && thread.endsAt < next.createdAt).toBe(true);
    }
  }
});

test('what is long is long, what is open is open, and instants collide to the microsecond', () => {
  const company = ofKind('long-company').flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'filled_form' ? event.fields : [])),
  );
  expect(company.some((field) => 'answer' in field && String(field.answer).length === 400)).toBe(true);
  const texts = ofKind('long-message').flatMap(({ events }) =>
    events.map((event) => ('text' in event ? event.text : '')),
  );
  expect(texts.some((text) => text?.length === 3000)).toBe(true);
  for (const { endsAt } of ofKind('open-at-end')) {
    expect(endsAt === undefined || Date.parse(endsAt) > to.getTime()).toBe(true);
  }
  const times = Map.groupBy(archive, ({ createdAt }) => createdAt);
  for (const { createdAt } of ofKind('same-instant')) expect(times.get(createdAt)?.length).toBeGreaterThan(1);
});

test('forms differ as they do in life', () => {
  const forms = archive.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'filled_form' ? [event] : [])),
  );
  const types = new Set(forms.map((form) => form.form_type ?? form.properties?.['lc2']?.['form_type']));
  expect(types).toEqual(new Set(['prechat', 'postchat', 'ask_for_email']));
  expect(forms.some((form) => form.form_type === undefined)).toBe(true);
  const fields = forms.flatMap((form) => form.fields);
  expect(new Set(fields.map(({ type }) => type))).toEqual(
    new Set(['name', 'email', 'question', 'select', 'checkbox', 'radio', 'textarea', 'subject', 'group_chooser']),
  );
  const ids = fields.flatMap((field) => ('answers' in field ? (field.answers ?? []).map(({ id }) => typeof id) : []));
  expect(new Set(ids)).toEqual(new Set(['string', 'number']));
  expect(fields.some((field) => field.type === 'email' && field.answer === '')).toBe(true);
});

test('with the odd ones left out, every thread is another person with an address', () => {
  const proportions = { returning: 0, noAddress: 0, spam: 0, restricted: 0, agentsOnly: 0, openAtEnd: 0 };
  const plain = generateChats({ seed: 5, count: 300, from, to, proportions });
  expect(new Set(plain.map(({ truth }) => truth.email?.toLowerCase())).size).toBe(300);
  expect(plain.every(({ truth }) => truth.email !== undefined)).toBe(true);
});

test('reading it over the API by the documented precedence leads to the truth, which the API never shows', async () => {
  const clock = createClock(new Date(to.getTime() + 4 * DAY));
  const random = createRandom(1);
  const account = { accountId: 'a', pat: 'b' };
  const server = await startLiveChat({
    clock,
    random,
    faults: createFaults(random),
    ...account,
    behaviour: { pageTies: 'keep' },
  });
  running.push(server);
  server.archive.addThreads(archive);
  const authorization = `Basic ${Buffer.from('a:b').toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const call = async (action: string, body: object): Promise<unknown> => {
    const response = await fetch(`${server.url}/v3.6/agent/action/${action}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    const text = await response.text();
    expect(text).not.toContain('truth');
    return JSON.parse(text);
  };

  const read = new Map<string, string | undefined>();
  let open = 0;
  for (let body: object = { limit: 100, sort_order: 'asc' }; ; ) {
    const page = pageSchema.parse(await call('list_archives', body));
    for (const chat of page.chats) {
      const complete =
        chat.thread.events === undefined && chat.thread.restricted_access === undefined
          ? chatSchema.parse(await call('get_chat', { chat_id: chat.id, thread_id: chat.thread.id }))
          : chat;
      read.set(chat.thread.id, addressOf(complete));
      if (chat.thread.active) open += 1;
    }
    if (page.next_page_id === undefined) break;
    body = { page_id: page.next_page_id };
  }
  expect(read).toEqual(new Map(archive.map(({ threadId, truth }) => [threadId, truth.email])));
  expect(open).toBe(archive.filter(({ endsAt }) => endsAt === undefined).length);
});

/** The address by the precedence: the last correction, the last answer that is not empty, the profile. */
function addressOf({ thread, users }: z.infer<typeof chatSchema>): string | undefined {
  const events = thread.events ?? [];
  const corrections = events.flatMap(
    ({ text_vars }) => text_vars?.['customer_email'] ?? text_vars?.['customers_email'] ?? [],
  );
  const answers = events
    .flatMap(({ fields }) => fields ?? [])
    .flatMap(({ type, answer }) => (type === 'email' && typeof answer === 'string' && answer !== '' ? [answer] : []));
  return corrections.at(-1) ?? answers.at(-1) ?? users.find(({ type }) => type === 'customer')?.email;
}

const chatSchema = z.object({
  id: z.string(),
  users: z.array(z.object({ type: z.string(), email: z.string().optional() })),
  thread: z.object({
    id: z.string(),
    active: z.boolean(),
    restricted_access: z.string().optional(),
    events: z
      .array(
        z.object({
          text_vars: z.record(z.string(), z.string()).optional(),
          fields: z.array(z.object({ type: z.string(), answer: z.unknown().optional() })).optional(),
        }),
      )
      .optional(),
  }),
});
const pageSchema = z.object({ chats: z.array(chatSchema), next_page_id: z.string().optional() });
