import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ErrorCode } from '../../services/shared/runtime/catalogue.ts';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import type { Fault } from '../sandbox/faults.ts';
import { formatInstant } from '../sandbox/livechat/instants.ts';
import type { ThreadSpec } from '../sandbox/livechat/spec.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../services.ts';
import { ago, syncHere } from './in-process.ts';

const { db, url, empty } = await testDatabase();
const sandbox = await startSandbox({
  timeScale: 100,
  marketo: { behaviour: { refuseValues: [{ field: 'email', pattern: /^refused@/ }] } },
});
afterAll(() => sandbox.close());
const { archive, behaviour } = sandbox.livechat;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const env = {
  ...sandboxEnvironment(sandbox, url),
  SYNC_SETTLE: '1m',
  SYNC_OVERLAP: '2h',
  RULES_FILE: rulesFile(`version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: lastName, from: visitor.lastName, write: if-empty }
  - { field: chatTags, from: thread.tags, write: always }
`),
};

/** One run at the sandbox's time; two minutes pass first, so that what has just happened has settled. */
async function sync(more: Record<string, string> = {}) {
  sandbox.clock.shift(2 * MINUTE);
  return syncHere(db, { ...env, ...more }, () => sandbox.clock.now());
}

beforeEach(async () => {
  sandbox.reset();
  // In the past of this machine's clock, so that days can pass; at noon, so that an hour is no other day.
  sandbox.clock.set(Date.UTC(2026, 7, 3, 12));
  await empty();
});

const state = async (threadId: string) =>
  (await db.selectFrom('chat_thread').select('state').where('thread_id', '=', threadId).executeTakeFirst())?.state;
const states = async () =>
  Object.fromEntries(
    (await db.selectFrom('chat_thread').select(['thread_id', 'state', 'reason']).execute()).map((row) => [
      row.thread_id,
      row.reason === null ? row.state : `${row.state}: ${row.reason}`,
    ]),
  );
const errors = async (code?: ErrorCode) =>
  (await db.selectFrom('sync_error').select(['code', 'message', 'subject']).orderBy('id').execute()).filter(
    (error) => code === undefined || error.code === code,
  );
const lastCounts = async () =>
  (await db.selectFrom('run').select('counts').orderBy('id', 'desc').executeTakeFirstOrThrow()).counts;
const watermarks = () =>
  db.selectFrom('watermark').select(['stream', 'position']).where('stream', 'not like', 'look %');
const written = () => sandbox.marketo.report().byEndpoint['leads-sync'] ?? 0;

/** Writes to a lead as a marketer does, past the sync. */
async function setLead(email: string, values: Record<string, string>): Promise<void> {
  const { url: marketo, clientId, clientSecret } = sandbox.index().marketo;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  });
  const identity = await fetch(`${marketo}/identity/oauth/token`, { method: 'POST', body: form });
  const token = z.object({ access_token: z.string() }).parse(await identity.json());
  const [lead] = sandbox.marketo.leads(email);
  const body = { action: 'updateOnly', lookupField: 'id', input: [{ id: lead?.['id'], ...values }] };
  const answer = await fetch(`${marketo}/rest/v1/leads.json`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(await answer.json()).toMatchObject({ success: true, result: [{ status: 'updated' }] });
}

let made = 0;
function start(email: string | undefined, more: Parameters<typeof archive.startChat>[0]['more'] = {}, id?: string) {
  made += 1;
  const customer = { id: id ?? `customer-${made}`, name: 'Ann Lee', ...(email === undefined ? {} : { email }) };
  return archive.startChat({ customer, text: 'Hello', more });
}

/** A thread that ended at an instant of the past. */
function ended(id: string, atMs: number, more: Partial<ThreadSpec> = {}): ThreadSpec {
  const at = formatInstant(Math.floor(atMs * 1000));
  return {
    chatId: `chat-${id}`,
    threadId: id,
    customer: { id: `customer-${id}`, name: 'Ann Lee', email: `${id}@example.com` },
    agents: [],
    groupIds: [0],
    createdAt: at,
    endsAt: at,
    events: [{ type: 'message', created_at: at, author_id: `customer-${id}`, text: 'Hello' }],
    ...more,
  };
}

describe.each(['created_at', 'last_activity'] as const)('whichever time the window compares with (%s)', (windowBy) => {
  beforeEach(() => {
    behaviour.windowBy = windowBy;
  });

  test('F1: a chat that began before the window and ended in it is taken in', async () => {
    const { threadId } = start('f1@example.com');
    await sync();
    expect(await state(threadId)).toBe('open');
    sandbox.clock.shift(40 * MINUTE);
    archive.closeThread(threadId);
    await sync();
    expect(await state(threadId)).toBe('synced');
    expect(sandbox.marketo.leads('f1@example.com')).toHaveLength(1);
  });

  test('F2: a chat that stays open for days is followed until it ends, also where the archive does not show it', async () => {
    behaviour.includeActiveInArchives = false;
    const { threadId } = start('f2@example.com');
    for (let day = 0; day < 4; day += 1) {
      await sync();
      expect(await state(threadId)).toBe('open');
      sandbox.clock.shift(DAY);
    }
    archive.closeThread(threadId);
    await sync();
    expect(await state(threadId)).toBe('synced');
  });

  test('F3: a thread that the index shows late is taken in by the overlap', async () => {
    behaviour.indexingDelayMs = 90 * MINUTE;
    archive.addThread(ended('f3', sandbox.clock.now() - 5 * MINUTE));
    await sync({ SYNC_FROM: ago(sandbox.clock.now(), HOUR) });
    expect(await state('f3')).toBeUndefined();
    sandbox.clock.shift(HOUR);
    await sync();
    sandbox.clock.shift(HOUR);
    await sync();
    expect(await state('f3')).toBe('synced');
  });

  test.each(['inclusive', 'exclusive'] as const)(
    'F5: a thread at the very end of a window belongs to it, ends being %s',
    async (windowEnds) => {
      behaviour.windowEnds = windowEnds;
      const from = sandbox.clock.now() - 3 * DAY;
      const to = sandbox.clock.now() - DAY;
      archive.addThreads([ended('first', from), ended('last', to)]);
      await sync({ SYNC_FROM: ago(from, 0), SYNC_TO: ago(to, 0) });
      expect(await states()).toEqual({ first: 'synced', last: 'synced' });
    },
  );
});

test('F4: of 250 threads with three times only, those that a page’s cut drops are found in halves', async () => {
  const now = sandbox.clock.now();
  archive.addThreads(Array.from({ length: 250 }, (_, n) => ended(`f4-${n}`, now - HOUR + (n % 3) * MINUTE)));
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(Object.values(await states())).toEqual(Array(250).fill('synced'));
  expect(await errors('livechat-found-short')).toEqual([]);
  expect(await lastCounts()).toMatchObject({ seen: 250, new: 250, ready: 250, delivered: 250 });
});

test('F4: of more threads of one instant than a page holds, the rest is found from the other end', async () => {
  const now = sandbox.clock.now();
  archive.addThreads(Array.from({ length: 130 }, (_, n) => ended(`tie-${n}`, now - HOUR)));
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(Object.keys(await states())).toHaveLength(130);
  expect(await errors('livechat-found-short')).toEqual([]);
});

test('F4: more than two pages of one instant cannot all be listed, and that is said', async () => {
  const now = sandbox.clock.now();
  archive.addThreads(Array.from({ length: 230 }, (_, n) => ended(`tie-${n}`, now - HOUR)));
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(await errors('livechat-found-short')).toMatchObject([{ message: expect.stringContaining('announced 230') }]);
});

test('an estimate that is wrong by a few costs calls, and neither a thread nor the run', async () => {
  const now = sandbox.clock.now();
  behaviour.foundChatsOff = 3;
  archive.addThreads(Array.from({ length: 230 }, (_, n) => ended(`off-${n}`, now - HOUR + n * 1000)));
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(Object.keys(await states())).toHaveLength(230);
  expect(await errors('livechat-found-short')).toHaveLength(1);
});

const archiveFault = (effect: Fault['effect'], times = 1): Fault => ({
  server: 'livechat',
  endpoint: 'list_archives',
  effect,
  times,
});

/** A run whose licence ends at its n-th call of list_archives. */
async function refusedAtCall(number: number, run: () => Promise<unknown>): Promise<void> {
  let calls = 0;
  const { take } = sandbox.faults;
  sandbox.faults.take = (server, endpoint) => {
    if (server !== 'livechat' || endpoint !== 'list_archives') return take(server, endpoint);
    calls += 1;
    return calls === number ? archiveFault({ kind: 'error', type: 'license_expired' }) : take(server, endpoint);
  };
  try {
    await expect(run()).rejects.toMatchObject({ exitCode: 77 });
  } finally {
    sandbox.faults.take = take;
  }
}

test('F6: a page id that LiveChat refuses in the middle of a walk costs another walk', async () => {
  const now = sandbox.clock.now();
  archive.addThreads(Array.from({ length: 350 }, (_, n) => ended(`f6-${n}`, now - HOUR + n * 1000)));
  let pages = 0;
  const { take } = sandbox.faults;
  sandbox.faults.take = (server, endpoint) => {
    if (server === 'livechat' && endpoint === 'list_archives') pages += 1;
    if (pages === 3) {
      pages += 1;
      return archiveFault({ kind: 'error', type: 'validation', message: 'Wrong format of `page_id`' });
    }
    return take(server, endpoint);
  };
  try {
    await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  } finally {
    sandbox.faults.take = take;
  }
  expect(Object.keys(await states())).toHaveLength(350);
});

test('a page that takes LiveChat too long is asked for in smaller ones', async () => {
  const now = sandbox.clock.now();
  behaviour.largestPage = 25;
  archive.addThreads(Array.from({ length: 120 }, (_, n) => ended(`slow-${n}`, now - HOUR + n * 1000)));
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(Object.keys(await states())).toHaveLength(120);
  behaviour.largestPage = 20;
  await expect(sync()).rejects.toMatchObject({ exitCode: 75, code: 'livechat-unreachable' });
});

test.each<[string, Fault['effect']]>([
  ['429 without Retry-After', { kind: 'error', type: 'too_many_requests' }],
  ['429 with Retry-After', { kind: 'error', type: 'too_many_requests', headers: { 'retry-after': '1' } }],
  ['a gateway’s page', { kind: 'html', status: 502 }],
  ['HTML with HTTP 200', { kind: 'html', status: 200 }],
  ['a cut connection', { kind: 'reset' }],
  ['half an answer', { kind: 'truncated' }],
  ['an error on HTTP 200', { kind: 'error', type: 'internal', status: 200 }],
])('%s costs time, and no thread', async (_name, effect) => {
  archive.addThread(ended('there', sandbox.clock.now() - HOUR));
  sandbox.faults.add(archiveFault(effect, 2));
  await sync({ SYNC_FROM: ago(sandbox.clock.now(), 2 * HOUR) });
  expect(await state('there')).toBe('synced');
});

test('an account in the other data centre is asked for there, from the first refusal on', async () => {
  behaviour.region = 'fra';
  archive.addThread(ended('fra', sandbox.clock.now() - HOUR));
  await sync({ SYNC_FROM: ago(sandbox.clock.now(), 2 * HOUR) });
  expect(await state('fra')).toBe('synced');
  expect(sandbox.livechat.calls().filter(({ code }) => code === 'misdirected_request')).toHaveLength(1);
});

test('F10: microseconds live from LiveChat to the ledger, and the watermark keeps its own', async () => {
  const at = '2026-08-03T11:00:00.123457Z';
  archive.addThread({
    ...ended('micro', 0),
    createdAt: at,
    endsAt: '2026-08-03T11:00:00.765433Z',
    events: [
      {
        type: 'system_message',
        created_at: '2026-08-03T11:00:00.765432Z',
        system_message_type: 'manual_archived_agent',
        text: '',
      },
    ],
  });
  await sync({ SYNC_FROM: '2026-08-03T10:59:59.999999Z' });
  const row = await db.selectFrom('chat_thread').selectAll().executeTakeFirstOrThrow();
  expect(row).toMatchObject({ started_at: at, ended_at: '2026-08-03T11:00:00.765432Z' });
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow();
  expect(run.window_from).toBe('2026-08-03T10:59:59.999999Z');
  const asked = sandbox.livechat.calls().find(({ endpoint }) => endpoint === 'list_archives')?.request;
  expect(asked).toMatchObject({ filters: { from: '2026-08-03T10:59:59.998999+00:00' } });
});

test('F11: a clock of this machine that runs ahead, or back, moves nothing that was not read', async () => {
  const watermark = async () => (await watermarks().executeTakeFirstOrThrow()).position;
  await syncHere(db, env, () => sandbox.clock.now() + 5 * DAY);
  const first = await watermark();
  expect(Date.parse(first)).toBeLessThanOrEqual(sandbox.clock.now());
  await syncHere(db, env, () => sandbox.clock.now() - 5 * DAY);
  expect(await watermark()).toBe(first);
  archive.addThread(ended('between', sandbox.clock.now()));
  await sync();
  expect(await state('between')).toBe('synced');
  expect((await watermark()) > first).toBe(true);
});

test('F13: once a day, the groups that have agents are held against those that threads came from', async () => {
  const now = sandbox.clock.now();
  archive.addThreads(
    Array.from({ length: 120 }, (_, n) => ended(`g-${n}`, now - HOUR + n * 1000, { groupIds: [n % 2 ? 1 : 2] })),
  );
  behaviour.visibleGroups = [1];
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  archive.addThreads(
    Array.from({ length: 60 }, (_, n) => ended(`h-${n}`, now - HOUR + n * 1000, { groupIds: [n % 2 ? 1 : 2] })),
  );
  await sync();
  archive.addThreads(Array.from({ length: 60 }, (_, n) => ended(`i-${n}`, now - n * 1000, { groupIds: [1] })));
  await sync();
  // The token may not list the groups: nothing can be said.
  sandbox.clock.shift(DAY);
  await sync();
  expect(await errors()).toEqual([]);
  behaviour.groups = [
    { id: 1, name: 'Sales', agents: ['a@shop.example'] },
    { id: 2, name: 'Support', agents: ['b@shop.example'] },
    { id: 3, name: 'Nobody', agents: [] },
  ];
  for (let day = 0; day < 3; day += 1) {
    sandbox.clock.shift(DAY);
    await sync();
  }
  expect(await errors()).toMatchObject([
    { code: 'livechat-scope', subject: 'groups', message: expect.stringContaining('groups 2, which') },
  ]);
});

test('F14: a watermark that is days old is said once, and the days are caught up with in slices that each commit', async () => {
  await sync();
  const from = sandbox.clock.now();
  archive.addThreads(Array.from({ length: 12 }, (_, n) => ended(`f14-${n}`, from + n * DAY)));
  sandbox.clock.shift(13 * DAY);
  // The third slice fails: what the first two have read is not read again.
  await refusedAtCall(3, () => sync());
  const reached = Date.parse((await watermarks().executeTakeFirstOrThrow()).position);
  expect(reached).toBeGreaterThan(from + DAY);
  expect(reached).toBeLessThan(from + 12 * DAY);
  await sync();
  expect(Object.values(await states())).toEqual(Array(12).fill('synced'));
  expect(await errors('livechat-lag')).toHaveLength(1);
});

test('F14: a quiet year costs few calls, and no slice of it is so long that a busy one could never be finished', async () => {
  await sync();
  archive.addThreads([ended('f14-late', sandbox.clock.now() + 390 * DAY)]);
  sandbox.clock.shift(400 * DAY);
  const calls = sandbox.livechat.calls().length;
  await sync();
  const filter = z.object({ filters: z.object({ from: z.string(), to: z.string() }) });
  const days = sandbox.livechat
    .calls()
    .slice(calls)
    .filter(({ endpoint }) => endpoint === 'list_archives')
    .flatMap(({ request }) => filter.safeParse(request).data?.filters ?? [])
    .map(({ from, to }) => Math.round((Date.parse(to) - Date.parse(from)) / DAY));
  expect(Math.max(...days)).toBe(32);
  expect(days.length).toBeLessThan(20);
  expect(Object.values(await states())).toEqual(['synced']);
});

test('F15: several threads of one chat are threads of their own', async () => {
  const { chatId, threadId } = start('f15@example.com');
  archive.closeThread(threadId);
  sandbox.clock.shift(MINUTE);
  const second = archive.reopen(chatId).threadId;
  archive.tag(second, 'again');
  archive.closeThread(second);
  await sync();
  expect(await states()).toEqual({ [threadId]: 'synced', [second]: 'synced' });
  expect(sandbox.marketo.leads('f15@example.com')).toMatchObject([{ chatTags: 'again' }]);
});

test('F16: what changes after the end is delivered again only where a rule uses it', async () => {
  const { threadId } = start('f16@example.com');
  archive.closeThread(threadId);
  await sync();
  const before = written();
  archive.rate(threadId, 1, 'Thanks');
  await sync();
  expect(await lastCounts()).toMatchObject({ seen: 1, known: 1, changed: 0, taken: 0 });
  expect(written()).toBe(before);
  // What is known of the thread is up to date all the same.
  const { visitor } = await db.selectFrom('chat_thread').select('visitor').executeTakeFirstOrThrow();
  expect(visitor).toMatchObject({ thread: { rating: { score: 'good', comment: 'Thanks' } } });
  archive.tag(threadId, 'hot');
  await sync();
  expect(await lastCounts()).toMatchObject({ changed: 1, delivered: 1, updated: 1 });
  expect(sandbox.marketo.leads('f16@example.com')).toMatchObject([{ chatTags: 'hot' }]);
});

test('F16: where the content was erased, LiveChat’s profile of today, which may be another person’s, changes nothing', async () => {
  const { threadId } = start('erased@example.com', {}, 'computer');
  archive.closeThread(threadId);
  await sync();
  const erased = { visitor: null, email: null, customer_id: null };
  await db.updateTable('chat_thread').set(erased).execute();
  archive.updateCustomer('computer', { email: 'another@example.com', name: 'Bob Ray' });
  archive.rate(threadId, 0);
  await sync();
  expect(sandbox.marketo.leads('another@example.com')).toEqual([]);
  expect(await db.selectFrom('chat_thread').selectAll().executeTakeFirstOrThrow()).toMatchObject({
    ...erased,
    state: 'synced',
  });
});

test('F17: a chat that is deleted while it is followed is closed as gone, and asked for no more', async () => {
  const { chatId, threadId } = start('f17@example.com');
  await sync();
  archive.deleteChat(chatId);
  await sync();
  expect(await states()).toEqual({ [threadId]: 'ignored: gone' });
  expect(await db.selectFrom('chat_thread').selectAll().executeTakeFirstOrThrow()).toMatchObject({
    email: null,
    customer_id: null,
    visitor: null,
  });
  const calls = sandbox.livechat.calls().length;
  await sync();
  expect(
    sandbox.livechat
      .calls()
      .slice(calls)
      .map(({ endpoint }) => endpoint),
  ).toEqual(['list_chats', 'list_archives']);
});

test('a thread that goes to a group which the token does not see is said, and does not stop the others', async () => {
  const { threadId } = start('hidden@example.com');
  await sync();
  behaviour.visibleGroups = [9];
  archive.addThread(ended('seen', sandbox.clock.now(), { groupIds: [9] }));
  await sync();
  expect(await states()).toEqual({ [threadId]: 'ignored: hidden', seen: 'synced' });
  expect(await errors('livechat-scope')).toMatchObject([{ subject: 'hidden threads' }]);
});

test('F18: an ended thread that came without its events is completed; one that the plan withholds is said', async () => {
  const now = sandbox.clock.now();
  const form = {
    type: 'filled_form' as const,
    created_at: formatInstant((now - HOUR) * 1000),
    author_id: 'customer-whole',
    form_id: 'f',
    fields: [{ type: 'email' as const, id: '1', label: 'E-mail', answer: 'from.form@example.com' }],
  };
  archive.addThreads([
    ended('whole', now - HOUR, { withholdEvents: true, events: [form] }),
    ended('withheld', now - HOUR, { restrictedAccess: 'You can’t access threads older than 60 days on starter plan' }),
  ]);
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  await sync();
  expect(sandbox.marketo.leads('from.form@example.com')).toHaveLength(1);
  expect(await errors('livechat-history-cut')).toMatchObject([{ subject: 'withheld' }]);
});

test('the time that LiveChat’s plan does not show is passed over to the hour, and said; what it shows is read', async () => {
  const now = sandbox.clock.now();
  behaviour.historyMs = 61 * DAY;
  archive.addThreads([ended('old', now - 70 * DAY), ended('shown', now - 60.5 * DAY), ended('new', now - DAY)]);
  await sync({ SYNC_FROM: ago(now, 80 * DAY) });
  expect(await states()).toEqual({ shown: 'synced', new: 'synced' });
  expect(await errors('livechat-history-cut')).toMatchObject([{ subject: 'cut' }]);
  // Newer than what every plan shows, it is refused for another reason: nothing may be passed over then.
  behaviour.historyMs = HOUR;
  await expect(sync()).rejects.toMatchObject({ exitCode: 78, code: 'livechat-answer' });
});

test('F19: a thread that Marketo refuses waits by itself: the others and the watermark go on', async () => {
  const now = sandbox.clock.now();
  archive.addThreads([
    ended('bad', now - HOUR, { customer: { id: 'bad', name: 'Ann Lee', email: 'refused@example.com' } }),
    ended('good', now - HOUR),
  ]);
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(await state('good')).toBe('synced');
  expect(await lastCounts()).toMatchObject({ ready: 2, delivered: 1, failed: 1 });
});

describe('F20: who gave no address when the chat ended', () => {
  test('and whose profile gets one within the overlap', async () => {
    const { threadId } = start(undefined, {}, 'late');
    archive.closeThread(threadId);
    await sync();
    expect(await states()).toEqual({ [threadId]: 'ignored: no-address' });
    archive.updateCustomer('late', { email: 'late@example.com' });
    await sync();
    expect(await states()).toEqual({ [threadId]: 'synced' });
  });

  test('and gives one in a form after the chat', async () => {
    const { threadId } = start(undefined);
    archive.closeThread(threadId);
    await sync();
    archive.addEvent(threadId, {
      type: 'filled_form',
      author_id: 'someone',
      form_id: 'post',
      fields: [{ type: 'email', id: '1', label: 'E-mail', answer: 'post@example.com' }],
    });
    await sync();
    expect(await states()).toEqual({ [threadId]: 'synced' });
  });

  test('and gives one in a chat weeks later: the earlier thread is theirs as well', async () => {
    const { chatId, threadId } = start(undefined, {}, 'returns');
    archive.closeThread(threadId);
    await sync();
    sandbox.clock.shift(20 * DAY);
    await sync();
    expect(await states()).toEqual({ [threadId]: 'ignored: no-address' });
    archive.updateCustomer('returns', { email: 'returns@example.com' });
    const second = archive.reopen(chatId).threadId;
    archive.closeThread(second);
    await sync();
    expect(await states()).toEqual({ [threadId]: 'synced', [second]: 'synced' });
    const leads = await db.selectFrom('chat_thread').select('lead_id').distinct().execute();
    expect(leads).toEqual(sandbox.marketo.leads('returns@example.com').map(({ id }) => ({ lead_id: id })));
    const calls = written();
    await sync();
    expect(written()).toBe(calls);
  });

  test('and did so in a chat that a backfill reads only now: it is linked to the later one, which is known already', async () => {
    const now = sandbox.clock.now();
    const customer = { id: 'returned', name: 'Ann Lee' };
    archive.addThreads([
      ended('nameless', now - 40 * DAY, { customer }),
      ended('named', now - HOUR, { customer: { ...customer, email: 'returned@example.com' } }),
    ]);
    await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
    archive.updateCustomer('returned', { email: '' });
    await sync({ SYNC_FROM: ago(now, 50 * DAY), SYNC_TO: ago(now, 30 * DAY) });
    expect(await states()).toEqual({ named: 'synced', nameless: 'synced' });
    expect(sandbox.marketo.leads()).toHaveLength(1);
  });

  test('but a thread with another address of its own keeps it', async () => {
    const own = start('own@example.com', {}, 'shared');
    archive.closeThread(own.threadId);
    await sync();
    archive.updateCustomer('shared', { email: 'other@example.com' });
    const { threadId } = archive.reopen(own.chatId);
    archive.closeThread(threadId);
    await sync();
    expect(sandbox.marketo.leads().map((lead) => lead['email'])).toEqual(['own@example.com', 'other@example.com']);
  });
});

describe('the first run', () => {
  test('starts one interval back, and says so', async () => {
    const now = sandbox.clock.now();
    archive.addThreads([ended('before', now - 2 * HOUR), ended('within', now - 30 * MINUTE)]);
    const { lines } = await sync();
    expect(await states()).toEqual({ within: 'synced' });
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^the first run: .* one interval back/));
  });

  test('starts at SYNC_FROM where it is set, and says so', async () => {
    const now = sandbox.clock.now();
    archive.addThread(ended('before', now - 20 * DAY));
    const { lines } = await sync({ SYNC_FROM: ago(now, 30 * DAY) });
    expect(await states()).toEqual({ before: 'synced' });
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^the first run: .*SYNC_FROM/));
  });
});

describe('a backfill', () => {
  test('reads a past range, leaves the watermark where it is, and does the hourly part where it is due', async () => {
    await sync();
    const watermark = await watermarks().execute();
    const now = sandbox.clock.now();
    archive.addThread(ended('past', now - 40 * DAY));
    await sync({ SYNC_FROM: ago(now, 50 * DAY), SYNC_TO: ago(now, 30 * DAY) });
    expect(await states()).toEqual({ past: 'synced' });
    expect(await watermarks().execute()).toEqual(watermark);
    archive.addThreads([ended('older', now - 45 * DAY), ended('hourly', now + HOUR)]);
    sandbox.clock.shift(2 * HOUR);
    await sync({ SYNC_FROM: ago(now, 50 * DAY), SYNC_TO: ago(now, 30 * DAY) });
    expect(await states()).toEqual({ past: 'synced', older: 'synced', hourly: 'synced' });
    const [moved, ...others] = await watermarks().execute();
    expect(others).toEqual([]);
    expect(Date.parse(moved?.position ?? '')).toBeGreaterThan(now + HOUR);
  });

  test('that was broken off goes on where it was', async () => {
    const now = sandbox.clock.now();
    const range = { SYNC_FROM: ago(now, 50 * DAY), SYNC_TO: ago(now, 30 * DAY) };
    archive.addThreads([ended('one', now - 49 * DAY), ended('two', now - 35 * DAY)]);
    await refusedAtCall(3, () => sync(range));
    const calls = sandbox.livechat.calls().length;
    await sync(range);
    const starts = sandbox.livechat
      .calls()
      .slice(calls)
      .map(({ request }) => (request as { filters?: { from?: string } }).filters?.from)
      .filter((from) => from !== undefined);
    expect(Date.parse(starts[0] ?? '')).toBeGreaterThan(now - 48 * DAY);
    expect(await states()).toEqual({ one: 'synced', two: 'synced' });
    expect(await watermarks().execute()).toEqual([]);
  });
});

describe('an audit of a day', () => {
  test('names what the ledger lacks, takes it in, and leaves the watermark alone', async () => {
    await sync();
    const now = sandbox.clock.now();
    const noon = Date.UTC(2026, 6, 20, 12);
    archive.addThreads(Array.from({ length: 150 }, (_, n) => ended(`day-${n}`, noon + n * MINUTE)));
    await sync({ SYNC_FROM: ago(noon, HOUR), SYNC_TO: ago(noon + 149 * MINUTE, 1000) });
    archive.addThread(ended('other-day', noon + DAY));
    const watermark = await watermarks().execute();
    const { lines } = await syncHere(db, { ...env, SYNC_AUDIT: '2026-07-20' }, () => now);
    expect(lines.filter(({ threadId }) => threadId !== undefined)).toMatchObject([{ threadId: 'day-149' }]);
    expect(await lastCounts()).toMatchObject({ listed: 150, missing: 1, delivered: 1 });
    expect(await state('day-149')).toBe('synced');
    expect(await state('other-day')).toBeUndefined();
    expect(await errors('livechat-missed')).toHaveLength(1);
    expect(await watermarks().execute()).toEqual(watermark);
    expect(sandbox.livechat.calls().map(({ request }) => request)).toContainEqual(
      expect.objectContaining({ sort_order: 'desc' }),
    );
    const again = await syncHere(db, { ...env, SYNC_AUDIT: '2026-07-20' }, () => now);
    expect(again.lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('has all 150 threads'));
  });

  test('that has not begun, or with a range beside it, is refused', async () => {
    await expect(sync({ SYNC_AUDIT: '2030-01-01' })).rejects.toMatchObject({ exitCode: 64 });
    await expect(
      sync({ SYNC_AUDIT: '2026-07-20', SYNC_FROM: '2026-07-01T00:00:00Z', SYNC_TO: '2026-07-02T00:00:00Z' }),
    ).rejects.toMatchObject({ exitCode: 64 });
  });
});

test('the end of the API version is said once, not in every run', async () => {
  behaviour.versionHeaders = { Legacy: '2027-02-28' };
  for (let hour = 0; hour < 3; hour += 1) await sync();
  expect(await errors('livechat-version')).toMatchObject([{ subject: 'Legacy 2027-02-28' }]);
  behaviour.versionHeaders = { Deprecation: '2027-08-31' };
  await sync();
  expect(await errors('livechat-version')).toHaveLength(2);
});

test('what a thread became stays, and its counts add up, over runs that see it again', async () => {
  const now = sandbox.clock.now();
  archive.addThreads([ended('a', now - HOUR), ended('b', now - HOUR, { customer: { id: 'b', name: 'Visitor' } })]);
  start('open@example.com');
  await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
  expect(await lastCounts()).toMatchObject({
    seen: 3,
    new: 2,
    changed: 0,
    known: 0,
    open: 1,
    ready: 2,
    delivered: 1,
    'ignored:no-address': 1,
    failed: 0,
    left: 0,
  });
  await sync();
  expect(await lastCounts()).toMatchObject({ seen: 3, new: 0, known: 2, open: 1, ready: 0, taken: 0 });
});

describe('on a computer that several people use', () => {
  test('what the profile says later is not taken for what an earlier visitor gave, also where they gave it in a form', async () => {
    const phone = rulesFile('version: 1\nfields: [{ field: phone, from: visitor.phone, write: always }]\n');
    const at = formatInstant(sandbox.clock.now() * 1000);
    const form = {
      type: 'filled_form' as const,
      created_at: at,
      author_id: 'desk',
      form_id: 'prechat',
      fields: [{ type: 'email' as const, id: '1', label: 'E-mail', answer: 'ann@example.com' }],
    };
    const { threadId } = start(undefined, { events: [form] }, 'desk');
    archive.closeThread(threadId);
    await sync({ RULES_FILE: phone });
    archive.updateCustomer('desk', {
      name: 'Bob Ray',
      phone_number: '+491701234567',
      session_fields: [{ plan: 'gold' }],
    });
    archive.rate(threadId, 1);
    await sync({ RULES_FILE: phone });
    expect(sandbox.marketo.leads('ann@example.com')).toMatchObject([{ phone: null }]);
    const { visitor } = await db.selectFrom('chat_thread').select('visitor').executeTakeFirstOrThrow();
    expect(JSON.stringify(visitor)).not.toMatch(/Bob|4917|gold/);
  });
});

test('F13: a thread that is out of the token’s sight for a while is followed again', async () => {
  behaviour.includeActiveInArchives = false;
  const { threadId } = start('seen.again@example.com');
  await sync();
  behaviour.visibleGroups = [9];
  await sync();
  expect(await states()).toEqual({ [threadId]: 'ignored: hidden' });
  behaviour.visibleGroups = undefined;
  await sync();
  expect(await states()).toEqual({ [threadId]: 'open' });
  sandbox.clock.shift(5 * HOUR);
  archive.closeThread(threadId);
  await sync();
  expect(await states()).toEqual({ [threadId]: 'synced' });
});

describe('what a marketer has changed since', () => {
  test('stays, whoever else is in the batch', async () => {
    const now = sandbox.clock.now();
    const customer = { id: 'y', name: 'Yan Lee', email: 'y@example.com' };
    archive.addThread(ended('y1', now - HOUR, { customer, tags: ['first'] }));
    await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
    await setLead('y@example.com', { chatTags: 'marketer' });
    archive.addThreads([ended('y2', now - 10 * MINUTE, { customer }), ended('stranger', now - 90 * MINUTE)]);
    await sync();
    expect(sandbox.marketo.leads('y@example.com')).toMatchObject([{ chatTags: 'marketer' }]);
  });

  test('is not taken back by a backfill of what is older than a thread whose content was erased', async () => {
    const now = sandbox.clock.now();
    const customer = { id: 'z', name: 'Zoe Lee', email: 'z@example.com' };
    archive.addThread(ended('newer', now - HOUR, { customer, tags: ['newer'] }));
    await sync({ SYNC_FROM: ago(now, 2 * HOUR) });
    await db.updateTable('chat_thread').set({ visitor: null, email: null, customer_id: null }).execute();
    archive.addThread(ended('older', now - 40 * DAY, { customer, tags: ['older'] }));
    await sync({ SYNC_FROM: ago(now, 50 * DAY), SYNC_TO: ago(now, 30 * DAY) });
    expect(await states()).toEqual({ newer: 'synced', older: 'synced' });
    expect(sandbox.marketo.leads('z@example.com')).toMatchObject([{ chatTags: 'newer' }]);
  });
});

describe('what was not read for long', () => {
  test('is read again after everything that is new has been delivered, and goes on where it was broken off', async () => {
    const now = sandbox.clock.now();
    archive.addThread(ended('past', now - 20 * DAY));
    await sync({ SYNC_FROM: ago(now, 30 * DAY) });
    archive.addThread(ended('fresh', sandbox.clock.now()));
    await refusedAtCall(4, () => sync());
    expect(await state('fresh')).toBe('synced');
    const [look] = await db.selectFrom('look').selectAll().execute();
    expect(Date.parse(look?.reached_at ?? '')).toBeGreaterThan(now - 29 * DAY);
    await sync();
    expect(await db.selectFrom('look').select('reached_at').execute()).toEqual([{ reached_at: null }]);
    for (let run = 0; run < 3; run += 1) {
      sandbox.clock.shift(50 * MINUTE);
      await sync();
    }
    expect(await db.selectFrom('look').selectAll().execute()).toEqual([]);
  });

  test('is one look, however many runs have failed before', async () => {
    await sync();
    sandbox.clock.shift(DAY);
    sandbox.faults.add({
      server: 'livechat',
      endpoint: 'list_archives',
      effect: { kind: 'error', type: 'license_expired' },
    });
    for (let run = 0; run < 4; run += 1) await expect(sync()).rejects.toMatchObject({ exitCode: 77 });
    sandbox.faults.clear();
    await sync();
    expect(await db.selectFrom('look').selectAll().execute()).toHaveLength(1);
  });
});
