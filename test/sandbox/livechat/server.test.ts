import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createClock } from '../clock.ts';
import { createFaults } from '../faults.ts';
import { createRandom } from '../random.ts';
import { formatInstant } from './instants.ts';
import { type LiveChatOptions, startLiveChat } from './server.ts';
import type { ThreadSpec } from './spec.ts';

const NOON = Date.parse('2026-11-23T12:00:00.000Z');
const MINUTE = 60_000;
const account = { accountId: '7c1a3b52-0c6e-4f0e-9d57-1f2a5c9d8e01', pat: 'dal:sandbox' };
const basic = `Basic ${Buffer.from(`${account.accountId}:${account.pat}`).toString('base64')}`;

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function livechat(behaviour: LiveChatOptions['behaviour'] = {}) {
  const clock = createClock(new Date(NOON));
  const random = createRandom(1);
  const faults = createFaults(random);
  const server = await startLiveChat({ clock, faults, random, ...account, behaviour });
  running.push(server);

  async function call(action: string, body: unknown = {}, headers: Record<string, string> = {}, version = 'v3.6') {
    const response = await fetch(`${server.url}/${version}/agent/action/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: basic, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  }

  /** Calls an action that must succeed, and reads what every test here looks at. */
  async function read(action: string, body: unknown = {}) {
    const { status, text } = await call(action, body);
    expect(text).not.toContain('"error"');
    expect(status).toBe(200);
    return answerSchema.parse(JSON.parse(text));
  }

  /** Calls an action that must fail, and returns the error's type. */
  async function fail(action: string, body: unknown = {}, headers: Record<string, string> = {}, version = 'v3.6') {
    const { status, text } = await call(action, body, headers, version);
    const { error } = errorSchema.parse(JSON.parse(text));
    return { status, ...error };
  }

  return { ...server, clock, faults, call, read, fail };
}

const threadSchema = z.looseObject({
  id: z.string(),
  active: z.boolean(),
  created_at: z.string(),
  events: z.array(z.looseObject({ id: z.string(), created_at: z.string(), type: z.string() })).optional(),
  tags: z.array(z.string()).optional(),
  properties: z.record(z.string(), z.record(z.string(), z.unknown())),
});
const userSchema = z.looseObject({ id: z.string(), type: z.string(), name: z.string().optional() });
const answerSchema = z.looseObject({
  chats: z.array(z.looseObject({ id: z.string(), users: z.array(userSchema), thread: threadSchema })).default([]),
  chats_summary: z
    .array(
      z.looseObject({ id: z.string(), last_thread_summary: z.looseObject({ id: z.string(), active: z.boolean() }) }),
    )
    .default([]),
  thread: threadSchema.optional(),
  found_chats: z.number().optional(),
  next_page_id: z.string().optional(),
  previous_page_id: z.string().optional(),
});
const errorSchema = z.strictObject({
  error: z.strictObject({
    type: z.string(),
    message: z.string(),
    data: z.record(z.string(), z.string()).optional(),
  }),
});

/** A thread that began so many minutes before noon, and lasted so many. */
function thread(threadId: string, minutesAgo: number, lastsMinutes = 5, more: Partial<ThreadSpec> = {}): ThreadSpec {
  const startMs = NOON - minutesAgo * MINUTE;
  const at = (ms: number) => formatInstant(ms * 1000);
  return {
    chatId: `C${threadId}`,
    threadId,
    customer: { id: `visitor-${threadId}`, name: 'Ana', email: 'ana@example.com' },
    agents: [{ id: 'kim@shop.example', name: 'Kim', email: 'kim@shop.example' }],
    groupIds: [0],
    createdAt: at(startMs),
    endsAt: at(startMs + lastsMinutes * MINUTE),
    events: [
      { type: 'message', created_at: at(startMs), author_id: `visitor-${threadId}`, text: `hello from ${threadId}` },
      { type: 'message', created_at: at(startMs + MINUTE), author_id: 'kim@shop.example', text: 'hi' },
    ],
    ...more,
  };
}

const ids = (answer: { chats: { thread: { id: string } }[] }) => answer.chats.map((chat) => chat.thread.id);
const at = (minutesAgo: number) => formatInstant((NOON - minutesAgo * MINUTE) * 1000, '+00:00');

test('an answer carries microseconds, and the Date of the sandbox clock', async () => {
  const { archive, call, read } = await livechat();
  archive.addThread(thread('A', 60, 5, { createdAt: '2026-11-23T11:00:00.123456Z' }));
  expect((await read('list_archives')).chats[0]?.thread.created_at).toBe('2026-11-23T11:00:00.123456Z');
  const { headers } = await call('list_archives');
  expect(Math.abs(Date.parse(headers.get('date') ?? '') - NOON)).toBeLessThan(5000);
});

test('the same chat comes once for each of its threads', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([thread('A', 60), thread('B', 30, 5, { chatId: 'CA' })]);
  const answer = await read('list_archives', { sort_order: 'asc' });
  expect(answer.chats.map((chat) => chat.id)).toEqual(['CA', 'CA']);
  expect(ids(answer)).toEqual(['A', 'B']);
  expect(answer.chats[0]?.thread).toMatchObject({ next_thread_id: 'B', next_accessible_thread_id: 'B' });
});

test('threads are put in all or, with an id that is there already, none', async () => {
  const { archive } = await livechat();
  archive.addThread(thread('A', 60));
  expect(() => archive.addThreads([thread('B', 50), thread('A', 40)])).toThrow('Thread A is in the archive already');
  expect(archive.threads().map(({ id }) => id)).toEqual(['A']);
});

test('ten threads come newest first where neither limit nor order is given', async () => {
  const { archive, read } = await livechat();
  archive.addThreads(Array.from({ length: 12 }, (_, index) => thread(`T${index + 10}`, 100 - index)));
  const answer = await read('list_archives');
  expect(ids(answer)).toEqual(['T21', 'T20', 'T19', 'T18', 'T17', 'T16', 'T15', 'T14', 'T13', 'T12']);
  expect(answer.found_chats).toBe(12);
});

test('pages follow each other by page_id alone, forwards and back', async () => {
  const { archive, read } = await livechat();
  archive.addThreads(['A', 'B', 'C', 'D', 'E'].map((id, index) => thread(id, 100 - index)));
  const first = await read('list_archives', { sort_order: 'asc', limit: 2 });
  const second = await read('list_archives', { page_id: first.next_page_id });
  const third = await read('list_archives', { page_id: second.next_page_id });
  expect([ids(first), ids(second), ids(third)]).toEqual([['A', 'B'], ['C', 'D'], ['E']]);
  expect(first).not.toHaveProperty('previous_page_id');
  expect(third).not.toHaveProperty('next_page_id');
  expect(ids(await read('list_archives', { page_id: third.previous_page_id }))).toEqual(['C', 'D']);
});

test('a page_id is a readable keyset on time, one microsecond beyond the last row', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([thread('A', 30), thread('B', 20), thread('C', 10)]);
  const decode = (pageId = '') => Buffer.from(pageId, 'base64').toString();
  const descending = decode((await read('list_archives', { limit: 2 })).next_page_id);
  expect(descending).toMatch(new RegExp(`^${(NOON - 20 * MINUTE) * 1000 - 1}:desc:2:true:`));
  const ascending = decode((await read('list_archives', { limit: 2, sort_order: 'asc' })).next_page_id);
  expect(ascending).toMatch(new RegExp(`^${(NOON - 20 * MINUTE) * 1000 + 1}:asc:2:true:`));
});

test('threads with one timestamp at a page cut are dropped by the walk, and found_chats still counts them', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([thread('A', 30), thread('B', 20), thread('C', 20), thread('D', 10)]);
  const first = await read('list_archives', { sort_order: 'asc', limit: 2 });
  const second = await read('list_archives', { page_id: first.next_page_id });
  expect([...ids(first), ...ids(second)]).toEqual(['A', 'B', 'D']);
  expect(first.found_chats).toBe(4);
});

test('a walk whose rest was dropped ends on an empty page', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([thread('A', 20), thread('B', 20), thread('C', 20)]);
  const first = await read('list_archives', { limit: 2 });
  const second = await read('list_archives', { page_id: first.next_page_id });
  expect(ids(second)).toEqual([]);
  expect(second).not.toHaveProperty('next_page_id');
});

test('with ties kept, a walk by single rows sees every thread of one instant', async () => {
  const { archive, read } = await livechat({ pageTies: 'keep' });
  archive.addThreads([thread('A', 20), thread('B', 20), thread('C', 20)]);
  const seen: string[] = [];
  let page = await read('list_archives', { limit: 1, sort_order: 'asc' });
  for (; page.next_page_id !== undefined; page = await read('list_archives', { page_id: page.next_page_id })) {
    seen.push(...ids(page));
  }
  expect([...seen, ...ids(page)]).toEqual(['A', 'B', 'C']);
});

test.each([{ filters: {} }, { limit: 10 }, { sort_order: 'asc' }])(
  'page_id with %j is a validation error',
  async (more) => {
    const { archive, read, fail } = await livechat();
    archive.addThreads([thread('A', 30), thread('B', 20)]);
    const { next_page_id } = await read('list_archives', { limit: 1 });
    expect(await fail('list_archives', { page_id: next_page_id, ...more })).toMatchObject({
      status: 400,
      type: 'validation',
    });
  },
);

test('a page keeps the filters of its own walk', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([
    thread('A', 30),
    thread('B', 20),
    thread('C', 10, 5, { groupIds: [7] }),
    thread('D', 5, 5, { groupIds: [0, 7] }),
  ]);
  // Both walks cut behind A: the same microsecond, other filters.
  const zero = await read('list_archives', { filters: { group_ids: [0] }, limit: 1, sort_order: 'asc' });
  const any = await read('list_archives', { limit: 1, sort_order: 'asc' });
  const rest = async (page: { next_page_id?: string | undefined }): Promise<string[]> => {
    if (page.next_page_id === undefined) return [];
    const next = await read('list_archives', { page_id: page.next_page_id });
    return [...ids(next), ...(await rest(next))];
  };
  expect(await rest(zero)).toEqual(['B', 'D']);
  expect(await rest(any)).toEqual(['B', 'C', 'D']);
});

test('a page_id that is invented, of another action or older than a month is a validation error', async () => {
  const { archive, read, fail, clock } = await livechat();
  archive.addThreads([thread('A', 30), thread('B', 20)]);
  const { next_page_id } = await read('list_archives', { limit: 1 });
  expect(await fail('list_archives', { page_id: 'MTUxNzM5ODEzMTQ5Ng==' })).toMatchObject({ type: 'validation' });
  expect(await fail('list_chats', { page_id: next_page_id })).toMatchObject({ type: 'validation' });
  clock.shift(29 * 24 * 60 * MINUTE);
  expect(ids(await read('list_archives', { page_id: next_page_id }))).toEqual(['A']);
  clock.shift(2 * 24 * 60 * MINUTE);
  expect(await fail('list_archives', { page_id: next_page_id })).toMatchObject({ type: 'validation' });
});

test('from and to hold inside filters, and are silently ignored beside them', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([thread('A', 300), thread('B', 200), thread('C', 100)]);
  const window = { from: at(250), to: at(150) };
  expect(ids(await read('list_archives', { filters: window }))).toEqual(['B']);
  expect(ids(await read('list_archives', window))).toEqual(['C', 'B', 'A']);
});

test('an offset in from is honoured, so that a bogus one silently moves the window', async () => {
  const { archive, read } = await livechat();
  archive.addThread(thread('A', 60));
  expect(ids(await read('list_archives', { filters: { from: '2026-11-23T11:59:00.000000+01:00' } }))).toEqual(['A']);
  expect(ids(await read('list_archives', { filters: { from: '2026-11-23T11:59:00.000000+00:00' } }))).toEqual([]);
});

test('the window holds created_at by default: a long chat that began before it and ended inside is absent', async () => {
  const { archive, read, behaviour } = await livechat();
  archive.addThread(thread('A', 120, 90, { events: [] }));
  const window = { filters: { from: at(60), to: at(0) } };
  expect(ids(await read('list_archives', window))).toEqual([]);
  behaviour.windowBy = 'last_activity';
  archive.addEvent('A', { type: 'message', author_id: 'kim@shop.example', text: 'late note', visibility: 'agents' });
  expect(ids(await read('list_archives', { filters: { from: at(60) } }))).toEqual(['A']);
});

test('the ends of the window belong to it, or not, as told', async () => {
  const { archive, read, behaviour } = await livechat();
  archive.addThreads([thread('A', 60), thread('B', 30)]);
  const window = { filters: { from: at(60), to: at(30) } };
  expect(ids(await read('list_archives', window))).toEqual(['B', 'A']);
  behaviour.windowEnds = 'exclusive';
  expect(ids(await read('list_archives', window))).toEqual([]);
});

test.each([
  ['a filter it does not know', { filters: { active: true } }],
  ['a time without microseconds', { filters: { from: '2026-11-23T11:00:00Z' } }],
  ['a month that does not exist', { filters: { from: '2026-13-23T11:00:00.000000+00:00' } }],
  ['a limit above 100', { limit: 101 }],
  ['a limit of nothing', { limit: 0 }],
  ['an unknown order', { sort_order: 'newest' }],
  ['more than twenty thread ids', { filters: { thread_ids: Array.from({ length: 21 }, (_, i) => `T${i}`) } }],
  ['thread ids with another filter', { filters: { thread_ids: ['A'], group_ids: [0] } }],
  ['thread ids with a limit', { filters: { thread_ids: ['A'] }, limit: 20 }],
  ['an empty body', ''],
  ['a body that is no object', '[]'],
  ['a body that is no JSON', '{'],
])('list_archives refuses %s as validation', async (_what, body) => {
  const { fail } = await livechat();
  expect(await fail('list_archives', body)).toMatchObject({ status: 400, type: 'validation' });
});

test('up to twenty threads come by their ids at once, active or not', async () => {
  const { archive, read } = await livechat();
  const all = Array.from({ length: 20 }, (_, index) => thread(`T${index + 10}`, 100 - index, index === 0 ? 500 : 5));
  archive.addThreads([...all, thread('OTHER', 10)]);
  const answer = await read('list_archives', { filters: { thread_ids: all.map(({ threadId }) => threadId) } });
  expect(answer.chats).toHaveLength(20);
  expect(answer).not.toHaveProperty('next_page_id');
});

test('chats are found by chat, group, customer, address without regard to case, and text', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([
    thread('A', 60, 5, { groupIds: [3] }),
    thread('B', 50, 5, { customer: { id: 'bo', email: 'Bo@Example.com' } }),
  ]);
  const find = async (filters: object) => ids(await read('list_archives', { filters }));
  expect(await find({ chat_ids: ['CA'] })).toEqual(['A']);
  expect(await find({ group_ids: [3, 4] })).toEqual(['A']);
  expect(await find({ customer_id: 'bo' })).toEqual(['B']);
  expect(await find({ customer_email: 'bo@example.com' })).toEqual(['B']);
  expect(await find({ query: 'FROM A' })).toEqual(['A']);
});

test('an active thread appears in list_archives, or not, and closes by itself when the clock passes its end', async () => {
  const { archive, read, behaviour, clock } = await livechat();
  archive.addThread(thread('A', 10, 30));
  expect((await read('list_archives')).chats[0]?.thread.active).toBe(true);
  behaviour.includeActiveInArchives = false;
  expect(ids(await read('list_archives'))).toEqual([]);
  clock.shift(21 * MINUTE);
  expect((await read('list_archives')).chats[0]?.thread.active).toBe(false);
});

test('an ended thread is missing from list_archives until it is indexed, and in get_chat all along', async () => {
  const { archive, read, clock } = await livechat({ indexingDelayMs: 10 * MINUTE });
  archive.addThread(thread('A', 10, 5));
  expect(ids(await read('list_archives'))).toEqual([]);
  expect((await read('list_chats', { filters: { active: true } })).chats_summary).toEqual([]);
  expect((await read('get_chat', { chat_id: 'CA' })).thread?.active).toBe(false);
  clock.shift(6 * MINUTE);
  expect(ids(await read('list_archives'))).toEqual(['A']);
});

test('what lies after now is not there yet: threads, events, ratings', async () => {
  const { archive, read, clock } = await livechat();
  const rating = { at: formatInstant((NOON + 10 * MINUTE) * 1000), score: 1, comment: 'fast' } as const;
  archive.addThreads([thread('A', 0.5, 5, { rating }), thread('LATER', -60)]);
  const before = await read('list_archives');
  expect(ids(before)).toEqual(['A']);
  expect(before.chats[0]?.thread.events?.map(({ id }) => id)).toEqual(['A_1']);
  expect(before.chats[0]?.thread.properties).not.toHaveProperty('rating');
  clock.shift(90 * MINUTE);
  const after = await read('list_archives', { sort_order: 'asc' });
  expect(ids(after)).toEqual(['A', 'LATER']);
  expect(after.chats[0]?.thread.events?.map(({ id }) => id)).toEqual(['A_1', 'A_2', 'A_3', 'A_4']);
  expect(after.chats[0]?.thread.properties['rating']).toEqual({ score: 1, comment: 'fast' });
});

test('some ended threads come without their events from list_archives, and with them from get_chat', async () => {
  const { archive, read } = await livechat();
  archive.addThread(thread('A', 60, 5, { withholdEvents: true }));
  expect((await read('list_archives')).chats[0]?.thread).not.toHaveProperty('events');
  expect((await read('get_chat', { chat_id: 'CA', thread_id: 'A' })).thread?.events).toHaveLength(2);
});

test('a restricted thread says why and never shows its events', async () => {
  const { archive, read } = await livechat();
  const reason = "You can't access threads older than 60 days on starter plan";
  archive.addThread(thread('A', 60, 5, { restrictedAccess: reason }));
  for (const shown of [
    (await read('list_archives')).chats[0]?.thread,
    (await read('get_chat', { chat_id: 'CA' })).thread,
  ]) {
    expect(shown).toMatchObject({ restricted_access: reason });
    expect(shown).not.toHaveProperty('events');
  }
});

test('session_fields are gone once the session is, and a chat may list agents only', async () => {
  const { archive, read, clock } = await livechat();
  const customer = { id: 'ana', session_fields: [{ plan: 'trial' }] };
  archive.addThreads([
    thread('A', 10, 15, { customer, sessionEndsAt: formatInstant((NOON + 20 * MINUTE) * 1000) }),
    thread('B', 30),
  ]);
  const { customer: _without, ...agentsOnly } = thread('C', 40);
  archive.addThread(agentsOnly);
  const find = async () => (await read('list_archives')).chats[0]?.users.find(({ type }) => type === 'customer');
  expect(await find()).toMatchObject({ session_fields: [{ plan: 'trial' }] });
  clock.shift(10 * MINUTE);
  expect(await find()).toMatchObject({ session_fields: [{ plan: 'trial' }] });
  clock.shift(15 * MINUTE);
  expect(await find()).not.toHaveProperty('session_fields');
  expect((await read('list_archives')).chats[2]?.users.map(({ type }) => type)).toEqual(['agent']);
});

test('times of a customer may come with an offset, and are the same instants', async () => {
  const { archive, read } = await livechat();
  // Whether a customer's times have an offset depends on their id alone.
  const created_at = '2026-10-01T08:00:00.500000Z';
  for (const id of ['x0', 'x1', 'x2']) archive.addThread(thread(id, 60, 5, { customer: { id, created_at } }));
  const users = (await read('list_archives')).chats.flatMap((chat) =>
    chat.users.filter(({ type }) => type === 'customer'),
  );
  const times = users.map((user) => String(user['created_at'])).sort();
  expect(times).toEqual([created_at, created_at, '2026-10-01T09:00:00.500000+01:00']);
});

test('list_chats shows the last thread of each chat, all of them or only the active or the ended ones', async () => {
  const { archive, read } = await livechat();
  archive.addThreads([thread('A', 60), thread('B', 10, 60, { chatId: 'CA' }), thread('C', 30)]);
  const find = async (active: boolean | null) =>
    (await read('list_chats', { filters: { active } })).chats_summary.map((chat) => chat.last_thread_summary.id);
  expect(await find(true)).toEqual(['B']);
  expect(await find(false)).toEqual(['C']);
  expect(await find(null)).toEqual(['B', 'C']);
  const first = await read('list_chats', { limit: 1 });
  expect(first.found_chats).toBe(2);
  const second = await read('list_chats', { page_id: first.next_page_id });
  expect(second.chats_summary.map(({ id }) => id)).toEqual(['CC']);
});

test('get_chat gives the latest thread unless one is named, and not_found for a thread of another chat', async () => {
  const { archive, read, fail } = await livechat();
  archive.addThreads([thread('A', 60), thread('B', 10, 5, { chatId: 'CA' }), thread('C', 5)]);
  expect((await read('get_chat', { chat_id: 'CA' })).thread?.id).toBe('B');
  expect((await read('get_chat', { chat_id: 'CA', thread_id: 'A' })).thread?.id).toBe('A');
  expect(await fail('get_chat', { chat_id: 'CA', thread_id: 'C' })).toMatchObject({ status: 404, type: 'not_found' });
  archive.deleteChat('CA');
  expect(await fail('get_chat', { chat_id: 'CA' })).toMatchObject({ type: 'not_found' });
  expect(ids(await read('list_archives'))).toEqual(['C']);
});

test('get_customer gives the profile as it stands now', async () => {
  const { archive, read, fail } = await livechat();
  archive.addThread(thread('A', 60));
  archive.updateCustomer('visitor-A', { name: 'Ana María' });
  expect(await read('get_customer', { id: 'visitor-A' })).toMatchObject({
    type: 'customer',
    name: 'Ana María',
    email: 'ana@example.com',
    chat_ids: ['CA'],
    statistics: { chats_count: 1, threads_count: 1 },
  });
  expect((await read('list_archives')).chats[0]?.users.map(({ name }) => name).sort()).toEqual(['Ana María', 'Kim']);
  expect(await fail('get_customer', { id: 'nobody' })).toMatchObject({ type: 'not_found' });
});

test('a token of some groups gets a subset of the chats without a word', async () => {
  const { archive, read, fail } = await livechat({ visibleGroups: [1] });
  archive.addThreads([thread('A', 60), thread('B', 30, 5, { groupIds: [1] })]);
  const answer = await read('list_archives');
  expect(ids(answer)).toEqual(['B']);
  expect(answer.found_chats).toBe(1);
  expect(await fail('get_chat', { chat_id: 'CA' })).toMatchObject({ status: 403, type: 'missing_access' });
});

test('found_chats can be off', async () => {
  const { archive, read } = await livechat({ foundChatsOff: 2 });
  archive.addThread(thread('A', 60));
  expect((await read('list_archives')).found_chats).toBe(3);
});

test('only Basic with account id and token is let in', async () => {
  const { fail } = await livechat();
  const wrong = { status: 401, type: 'authentication' };
  expect(await fail('list_archives', {}, { authorization: `Bearer ${account.pat}` })).toMatchObject(wrong);
  const byEmail = `Basic ${Buffer.from(`kim@shop.example:${account.pat}`).toString('base64')}`;
  expect(await fail('list_archives', {}, { authorization: byEmail })).toMatchObject(wrong);
});

test('a call without the region of the account is misdirected, and told where to go', async () => {
  const { call, fail } = await livechat({ region: 'fra' });
  expect(await fail('list_archives')).toMatchObject({ type: 'misdirected_request', data: { region: 'fra' } });
  expect((await call('list_archives', {}, { 'x-region': 'fra' })).status).toBe(200);
});

test('versions say how old they are, and unknown ones are refused', async () => {
  const { call, fail, behaviour } = await livechat();
  expect((await call('list_archives', {}, {}, 'v3.5')).headers.get('legacy')).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect((await call('list_archives', {}, {}, 'v3.4')).headers.get('deprecation')).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(await fail('list_archives', {}, {}, 'v3.2')).toMatchObject({ type: 'unsupported_version' });
  expect((await call('list_archives')).headers.has('legacy')).toBe(false);
  behaviour.versionHeaders = { Legacy: '2027-06-30' };
  expect((await call('list_archives')).headers.get('legacy')).toBe('2027-06-30');
});

test('an action it does not know, and list_customers that v3.6 removed, are not found', async () => {
  const { fail } = await livechat();
  expect(await fail('list_customers')).toMatchObject({ status: 404, type: 'not_found' });
});

test('faults answer in the place of the truth, as often as they were told to', async () => {
  const { call, fail, faults } = await livechat();
  const headers = { 'retry-after': '3' };
  faults.add({ server: 'livechat', endpoint: 'get_chat', effect: { kind: 'reset' } });
  faults.add({ server: 'livechat', effect: { kind: 'error', type: 'too_many_requests', headers }, times: 1 });
  faults.add({ server: 'livechat', effect: { kind: 'html', status: 502 }, times: 1 });
  faults.add({ server: 'livechat', effect: { kind: 'truncated' }, times: 1 });
  faults.add({ server: 'livechat', effect: { kind: 'error', type: 'internal', status: 200 }, times: 1 });
  await expect(call('get_chat', { chat_id: 'CA' })).rejects.toThrow();
  const limited = await call('list_archives');
  expect(limited.status).toBe(429);
  expect(limited.headers.get('retry-after')).toBe('3');
  const page = await call('list_archives');
  expect(page.status).toBe(502);
  expect(page.headers.get('content-type')).toContain('text/html');
  const cut = await call('list_archives');
  expect(cut.status).toBe(200);
  expect(() => JSON.parse(cut.text)).toThrow(SyntaxError);
  expect(await fail('list_archives')).toMatchObject({ status: 200, type: 'internal' });
  expect((await call('list_archives')).status).toBe(200);
});

test('a server at work on a slow call closes at once', async () => {
  const { call, faults, close, calls } = await livechat();
  faults.setLatency('livechat', { kind: 'fixed', ms: 10_000 });
  const slow = call('list_archives').then(
    () => 'answered',
    () => 'cut',
  );
  await expect.poll(() => calls().length).toBe(1);
  const startedAt = performance.now();
  await close();
  await slow;
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test('latency delays the answer', async () => {
  const { call, faults, calls } = await livechat();
  faults.setLatency('livechat', { kind: 'fixed', ms: 60 });
  await call('list_archives');
  const [seen] = calls();
  expect((seen?.answeredAt ?? 0) - (seen?.arrivedAt ?? 0)).toBeGreaterThanOrEqual(55);
});

test('the log has a line for every call, with what was asked', async () => {
  const { archive, call, calls, reset } = await livechat();
  archive.addThread(thread('A', 60));
  await call('list_archives', { limit: 5 });
  await call('get_chat', { chat_id: 'nowhere' });
  expect(calls()).toMatchObject([
    { endpoint: 'list_archives', status: 200, code: null, records: 1, request: { limit: 5 } },
    { endpoint: 'get_chat', status: 404, code: 'not_found', records: 0, request: { chat_id: 'nowhere' } },
  ]);
  reset();
  expect(calls()).toEqual([]);
  expect(archive.threads()).toEqual([]);
});

test('a chat that begins, is talked in, tagged, corrected, closed, rated and reopened shows all of it', async () => {
  const { archive, read, clock } = await livechat();
  const kim = { id: 'kim@shop.example', name: 'Kim' };
  const { chatId, threadId } = archive.startChat({ customer: { id: 'ana' }, agents: [kim], text: 'Is anybody there?' });
  clock.shift(MINUTE);
  archive.addEvent(threadId, { type: 'message', author_id: kim.id, text: 'Yes!' });
  archive.tag(threadId, 'sales');
  archive.updateCustomer('ana', { email: 'ana@example.com' }, 'Kim');
  archive.updateCustomer('ana', { name: 'Ana', email: 'ana@example.org' }, 'Kim');
  clock.shift(MINUTE);
  archive.closeThread(threadId, 'visitor');
  clock.shift(MINUTE);
  archive.rate(threadId, 0, 'too slow');
  const again = archive.reopen(chatId, { text: 'Me again' });

  const ended = (await read('get_chat', { chat_id: chatId, thread_id: threadId })).thread;
  expect(ended).toMatchObject({
    active: false,
    tags: ['sales'],
    properties: { rating: { score: 0, comment: 'too slow' } },
  });
  expect(ended?.events?.map((event) => event['system_message_type'] ?? event['text'])).toEqual([
    'Is anybody there?',
    'Yes!',
    'customer_updated',
    'customer_updated',
    'manual_archived_customer',
    'rating.chat_rated',
    'rating.chat_commented',
  ]);
  expect(ended?.events?.[2]?.['text_vars']).toEqual({ initiator: 'Kim', customer_email: 'ana@example.com' });
  expect(ended?.events?.[3]?.['text_vars']).toEqual({
    initiator: 'Kim',
    customer_name: 'Ana',
    customers_email: 'ana@example.org',
  });
  const current = await read('get_chat', { chat_id: chatId });
  expect(current.thread).toMatchObject({ id: again.threadId, active: true, previous_thread_id: threadId });
  expect(() => archive.reopen(chatId)).toThrow('still has an active thread');
  expect(() => archive.closeThread(threadId)).toThrow('has ended already');
});

test('a window that begins before the plan’s history is limit_reached; a page that is too large times out', async () => {
  const { fail, read, behaviour } = await livechat({ historyMs: 3_600_000, largestPage: 50 });
  const from = (time: string) => ({ filters: { from: `2026-11-23T${time}.000000+00:00` }, limit: 50 });
  expect(await fail('list_archives', from('10:59:59'))).toMatchObject({ type: 'limit_reached' });
  await read('list_archives', from('11:00:01'));
  expect(await fail('list_archives', { limit: 51 })).toMatchObject({ type: 'request_timeout', status: 408 });
  await read('list_archives', { filters: { thread_ids: ['T1'] } });
  behaviour.largestPage = undefined;
  await read('list_archives', { limit: 51 });
});

test('groups are the configuration API’s, and need a scope of their own', async () => {
  const groups = [{ id: 1, name: 'Sales', agents: ['a@shop.example'] }];
  const { behaviour, url } = await livechat();
  const list = async (api: string, body: object) => {
    const response = await fetch(`${url}/v3.6/${api}/action/list_groups`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: basic },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  expect(await list('configuration', {})).toMatchObject({ error: { type: 'authorization' } });
  behaviour.groups = groups;
  expect(await list('agent', {})).toMatchObject({ error: { type: 'not_found' } });
  expect(await list('configuration', {})).toEqual([{ id: 1, name: 'Sales', language_code: 'en' }]);
  expect(await list('configuration', { fields: ['agent_priorities'] })).toMatchObject([
    { agent_priorities: { 'a@shop.example': 'normal' } },
  ]);
});
