import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createMarketo } from '../../services/shared/marketo/client.ts';
import { createSlots } from '../../services/shared/marketo/slots.ts';
import { parseRules } from '../../services/shared/rules/load.ts';
import { type Instant, instantOf } from '../../services/shared/runtime/instant.ts';
import { fileThreads } from '../../services/shared/store/ledger.ts';
import { startRun } from '../../services/shared/store/runs.ts';
import { slotStore } from '../../services/shared/store/slots.ts';
import { type DeliverCounts, deliver, noDeliveries } from '../../services/sync/deliver.ts';
import { testDatabase } from '../postgres/database.ts';
import { proxyTo } from '../proxy.ts';
import type { Fault } from '../sandbox/faults.ts';
import { createRandom } from '../sandbox/random.ts';
import { startSandbox } from '../sandbox/sandbox.ts';

const { db, empty } = await testDatabase();
const sandbox = await startSandbox({
  timeScale: 100,
  marketo: {
    behaviour: {
      refuseValues: [
        ...['lastName', 'phone', 'title', 'department', 'city'].map((field) => ({
          field,
          pattern: /refuse-me/,
        })),
        // Nothing can be written without the address.
        { field: 'email', pattern: /^refuse-me@/ },
      ],
    },
  },
});
afterAll(() => sandbox.close());

const RULES = parseRules(
  `version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: lastName, from: visitor.lastName, write: if-empty }
  - { field: chatTags, from: thread.tags, write: always }
  - { field: phone, from: visitor.phone, write: if-empty }
  - { field: title, from: visitor.variables.title, write: if-empty }
  - { field: department, from: visitor.variables.department, write: if-empty }
  - group: location
    write: if-empty
    fields:
      - { field: country, from: visitor.location.country }
      - { field: city, from: visitor.location.city }
`,
  'test.yaml',
);
const NOW = instantOf(Date.UTC(2026, 10, 23, 12));

beforeEach(async () => {
  sandbox.reset();
  await empty();
});

/** Files threads as ready: one for each address, with further words in its visitor where a test wants them. */
async function ready(
  visitors: { email: string; lastName?: string; tags?: string[]; more?: object }[],
  at: Instant = NOW,
): Promise<void> {
  await db.transaction().execute((transaction) =>
    fileThreads(
      transaction,
      visitors.map(({ email, lastName = 'Doe', tags = [], more = {} }, index) => ({
        threadId: `T${String(index).padStart(5, '0')}`,
        chatId: `C${index}`,
        customerId: undefined,
        email,
        startedAt: at,
        endedAt: at,
        state: 'ready',
        reason: undefined,
        contentHash: 'x',
        visit: { visitor: { email, lastName, ...more }, thread: { tags }, chat: {}, form: {} },
      })),
      at,
    ),
  );
}

async function deliverOnce(
  options: { batchSize?: number; now?: Instant; maxAttempts?: number; endpoint?: string } = {},
): Promise<DeliverCounts> {
  const { marketo: address } = sandbox.index();
  const windowMs = 200;
  const signal = new AbortController().signal;
  const marketo = createMarketo({
    endpoint: options.endpoint ?? address.url,
    clientId: address.clientId,
    clientSecret: address.clientSecret,
    slots: await createSlots(
      slotStore(db, { instance: 'x', callsPerWindow: 100, windowMs, concurrency: 5, leaseMs: 100, marginMs: 0 }),
    ),
    readTimeoutMs: 10_000,
    writeTimeoutMs: 10_000,
    budget: { dailyCalls: 10_000, dailyQuota: 50_000, ownCalls: async () => 0 },
    windowMs,
    signal,
    onCall: async () => {},
  });
  try {
    const fields = await marketo.describe();
    const runId = await startRun(db, 'sync', undefined);
    return await deliver(
      {
        marketo,
        db,
        log: pino({ level: 'silent' }),
        runId,
        signal,
        rules: RULES,
        fields,
        batchSize: options.batchSize ?? 300,
        concurrency: 5,
        maxAttempts: options.maxAttempts ?? 8,
        unknownFateMs: 100,
        counts: noDeliveries(),
      },
      options.now ?? NOW,
    );
  } finally {
    marketo.close();
  }
}

const addresses = () =>
  sandbox.marketo
    .leads()
    .map((lead) => String(lead['email']).toLowerCase())
    .sort();
const many = (count: number) => Array.from({ length: count }, (_, index) => ({ email: `v${index}@example.com` }));
const states = () =>
  db
    .selectFrom('chat_thread')
    .select(['thread_id', 'state', 'attempts', 'lead_id', 'reason', 'next_attempt_at'])
    .orderBy('thread_id')
    .execute();

describe('a write without an answer', () => {
  const fates: [string, Fault['effect']][] = [
    ['the connection is cut', { kind: 'reset' }],
    ['a gateway answers 502', { kind: 'html', status: 502 }],
    ['Marketo answers 604', { kind: 'code', code: '604' }],
    ['Marketo answers 611', { kind: 'code', code: '611' }],
    ['the answer is cut off', { kind: 'truncated' }],
    ['HTML comes with HTTP 200', { kind: 'html', status: 200 }],
    ['a code comes that nobody knows', { kind: 'code', code: '799' }],
  ];
  test.each(
    fates.flatMap(([name, effect]) => (['before', 'after'] as const).map((when) => [when, name, effect] as const)),
  )('%s the create was done, %s: each visitor is a lead once', async (when, _name, effect) => {
    await ready(many(40));
    sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect, when, times: 1 });
    const counts = await deliverOnce();
    expect(addresses()).toEqual(
      many(40)
        .map(({ email }) => email)
        .sort(),
    );
    expect(counts.created + counts.updated + counts.unchanged).toBe(40);
    for (const row of await states()) expect(row).toMatchObject({ state: 'synced', attempts: 1 });
  });

  test('twice in a row ends the run; the threads are given back untried, and not before Marketo can be done with them', async () => {
    await ready(many(3));
    sandbox.faults.add({
      server: 'marketo',
      endpoint: 'leads-sync',
      effect: { kind: 'reset' },
      when: 'after',
      times: 2,
    });
    sandbox.faults.add({ server: 'marketo', endpoint: 'leads-lookup', effect: { kind: 'code', code: '608' } });
    await expect(deliverOnce()).rejects.toMatchObject({ name: 'MarketoError', kind: 'unavailable' });
    for (const row of await states()) {
      expect(row).toMatchObject({ state: 'ready', attempts: 0 });
      expect(row.next_attempt_at).toBeTruthy();
    }
    sandbox.faults.clear();
    await deliverOnce({ now: instantOf(Date.UTC(2026, 10, 23, 13)) });
    expect(addresses()).toHaveLength(3);
  });
});

test('whatever breaks how often, in the end each visitor is a lead once, and no thread is left behind', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    sandbox.reset();
    await empty();
    const random = createRandom(seed);
    const people = many(random.integer(20, 60)).map((person) => ({
      ...person,
      tags: random.chance(0.5) ? ['a'] : [],
      // Marketo refuses this value: then the fault may meet the second call of a record, too.
      more: random.chance(0.2) ? { phone: 'refuse-me' } : {},
    }));
    await ready(people);
    sandbox.marketo.addLeads(
      people
        .filter(() => random.chance(0.3))
        .map(({ email }) => ({ email: email.toUpperCase().replace('EXAMPLE.COM', 'example.com') })),
    );
    sandbox.faults.setLatency('marketo', { kind: 'uniform', fromMs: 0, toMs: 15 });
    for (const effect of [{ kind: 'reset' }, { kind: 'truncated' }, { kind: 'html', status: 503 }] as const) {
      for (const when of ['before', 'after'] as const) {
        sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect, when, rate: 0.12 });
      }
      sandbox.faults.add({ server: 'marketo', endpoint: 'leads-lookup', effect, rate: 0.12 });
    }
    for (let run = 0; run < 30; run += 1) {
      const now = instantOf(Date.UTC(2026, 10, 23, 13 + run));
      await deliverOnce({ batchSize: random.integer(3, 20), now }).catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'MarketoError' });
      });
      if ((await states()).every(({ state }) => state === 'synced')) break;
    }
    expect(addresses(), `seed ${seed}`).toEqual(people.map(({ email }) => email).sort());
    expect(sandbox.marketo.leads().filter((lead) => lead['phone'] !== null)).toEqual([]);
    expect(
      (await states()).filter(({ state }) => state !== 'synced'),
      `seed ${seed}`,
    ).toEqual([]);
  }
}, 120_000);

test('a code that nobody knows, for one record of many, puts that record aside and lets the others through', async () => {
  const people = many(40);
  await ready([...people, { email: 'poison@example.com', lastName: 'poison' }]);
  for (let call = 0; call < 2; call += 1) {
    sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'code', code: '1999' }, times: 1 });
  }
  const counts = await deliverOnce();
  expect(counts).toMatchObject({ created: 41, refused: 0 });
  sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'code', code: '1999' } });
  await empty();
  await ready([{ email: 'poison2@example.com' }]);
  expect(await deliverOnce()).toMatchObject({ created: 0, refused: 1 });
  expect(await states()).toMatchObject([{ state: 'ready', attempts: 1, reason: 'marketo-answer 1999' }]);
});

describe('a record that makes Marketo refuse the whole call', () => {
  const refusal = (code: string) =>
    JSON.stringify({ requestId: 'x#1', success: false, errors: [{ code, message: 'no' }] });

  test.each(['611', '604', '1999', '1003', '609'])(
    'with %s is found, and costs nobody else anything, not even an attempt',
    async (code) => {
      const people = many(300).map((person, index) => (index % 75 === 10 ? { ...person, lastName: 'poison' } : person));
      await ready(people);
      const endpoint = await proxyTo(sandbox.index().marketo.url, ({ url, body }) =>
        url === '/rest/v1/leads.json' && body.includes('poison') ? refusal(code) : undefined,
      );
      const counts = { created: 0, refused: 0, dead: 0 };
      for (let run = 0; run < 4; run += 1) {
        const one = await deliverOnce({ endpoint, now: instantOf(Date.UTC(2026, 10, 23, 12, run)) });
        for (const key of ['created', 'refused', 'dead'] as const) counts[key] += one[key];
      }
      expect(counts).toEqual({ created: 296, refused: 4, dead: 0 });
      const rows = await states();
      expect(rows.filter(({ state }) => state === 'synced')).toHaveLength(296);
      for (const row of rows) expect(row.attempts).toBe(1);
    },
  );

  test('when it is not a record but all of Marketo, the run ends, and nobody loses an attempt', async () => {
    await ready(many(50));
    const endpoint = await proxyTo(sandbox.index().marketo.url, ({ url }) =>
      url === '/rest/v1/leads.json' ? refusal('1009') : undefined,
    );
    await expect(deliverOnce({ endpoint })).rejects.toMatchObject({ kind: 'configuration', code: '1009' });
    for (const row of await states()) expect(row).toMatchObject({ state: 'ready', attempts: 0 });
  });

  test('an address that a thousand leads have is refused by itself, and the others are looked up', async () => {
    await ready([...many(40), { email: 'test@test.example' }]);
    const endpoint = await proxyTo(sandbox.index().marketo.url, ({ url, body }) =>
      url.includes('_method=GET') && body.includes('test%40test.example') ? refusal('1003') : undefined,
    );
    expect(await deliverOnce({ endpoint })).toMatchObject({ created: 40, refused: 1 });
  });

  test('one whose stored content cannot be read, or that has killed its runs, is given up, and the others go on', async () => {
    await ready(many(5));
    await db.updateTable('chat_thread').set({ visitor: '"nonsense"' }).where('thread_id', '=', 'T00001').execute();
    await db.updateTable('chat_thread').set({ attempts: 8 }).where('thread_id', '=', 'T00002').execute();
    expect(await deliverOnce()).toMatchObject({ created: 3, dead: 2 });
    const dead = (await states()).filter(({ state }) => state === 'dead');
    expect(dead.map(({ thread_id }) => thread_id)).toEqual(['T00001', 'T00002']);
  });
});

test('an older thread that changes late does not take back what a newer one has brought', async () => {
  const hour = (n: number) => instantOf(Date.UTC(2026, 10, 23, n));
  await ready([{ email: 'ann@example.com', tags: ['old'] }], hour(8));
  await db.updateTable('chat_thread').set({ thread_id: 'OLD' }).execute();
  await ready([{ email: 'ann@example.com', tags: ['new'] }], hour(10));
  await deliverOnce();
  expect(sandbox.marketo.leads()).toMatchObject([{ chatTags: 'new' }]);
  await db
    .updateTable('chat_thread')
    .set({ state: 'ready', next_attempt_at: NOW, run_id: null })
    .where('thread_id', '=', 'OLD')
    .execute();
  expect(await deliverOnce()).toMatchObject({ updated: 0, unchanged: 1 });
  expect(sandbox.marketo.leads()).toMatchObject([{ chatTags: 'new' }]);
});

test('a lead that somebody else creates between look-up and write is updated, not doubled', async () => {
  await ready([{ email: 'race@example.com', tags: ['a'] }]);
  sandbox.faults.setLatency('marketo', { kind: 'fixed', ms: 250 });
  const delivered = deliverOnce();
  for (;;) {
    const calls = sandbox.marketo.calls();
    if (calls.some((call) => call.endpoint === 'leads-lookup' && call.answeredAt !== null)) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  sandbox.marketo.addLeads([{ email: 'race@example.com', lastName: 'Theirs' }]);
  expect(await delivered).toMatchObject({ created: 0, updated: 1, refused: 0 });
  expect(sandbox.marketo.leads()).toMatchObject([{ lastName: 'Theirs', chatTags: 'a', leadSource: null }]);
});

test('a refused visitor costs nobody else anything, waits longer each time, and is dead after the last attempt', async () => {
  await ready([...many(10), { email: 'refuse-me@example.com', lastName: 'canary' }]);
  const hours = [0, 1, 3, 7];
  for (const [index, hour] of hours.entries()) {
    const now = instantOf(Date.UTC(2026, 10, 23, 12 + hour));
    const counts = await deliverOnce({ now, maxAttempts: 4 });
    expect(counts).toMatchObject({ refused: 1, created: index === 0 ? 10 : 0, dead: index === 3 ? 1 : 0 });
    expect(await deliverOnce({ now, maxAttempts: 4 })).toMatchObject({ visitors: 0 });
  }
  const bad = (await states()).at(-1);
  expect(bad).toMatchObject({
    state: 'dead',
    attempts: 4,
    reason: 'lead-refused 1003 email',
    next_attempt_at: null,
  });
  const errors = await db.selectFrom('sync_error').selectAll().execute();
  expect(errors.map(({ code }) => code)).toEqual([
    'lead-refused',
    'lead-refused',
    'lead-refused',
    'lead-refused',
    'thread-dead',
  ]);
  expect(JSON.stringify(errors)).not.toMatch(/canary|refuse-me/);
  expect(new Set(errors.map(({ fingerprint }) => fingerprint)).size).toBe(2);
});

describe('a record that is refused for the value of one field', () => {
  const errors = () =>
    db.selectFrom('sync_error').select(['code', 'subject', 'message', 'thread_id']).orderBy('id').execute();
  const writes = () => sandbox.marketo.report().byEndpoint['leads-sync'] ?? 0;
  const leadOf = (email: string) => sandbox.marketo.leads().find((lead) => lead['email'] === email);

  test('is sent once more in the same run without it, and the error says so without the value', async () => {
    await ready([...many(40), { email: 'ann@example.com', more: { phone: 'canary refuse-me' } }]);
    expect(await deliverOnce()).toMatchObject({ created: 41, refused: 0, delivered: 41, failed: 0 });
    expect(leadOf('ann@example.com')).toMatchObject({ lastName: 'Doe', phone: null, leadSource: 'LiveChat' });
    expect(writes()).toBe(2);
    expect(await errors()).toEqual([
      {
        code: 'field-refused',
        subject: '1003 phone',
        message: 'Marketo refused the value of phone (code 1003); the lead was written without it.',
        thread_id: 'T00040',
      },
    ]);
    for (const row of await states()) expect(row).toMatchObject({ state: 'synced', attempts: 1, reason: null });
    const trail = await db.selectFrom('lead_change').select('changes').where('thread_id', '=', 'T00040').execute();
    expect(JSON.stringify(trail)).not.toMatch(/phone|canary/);
  });

  test('loses a group as a whole, so that no city lands without its country', async () => {
    await ready([{ email: 'ann@example.com', more: { location: { country: 'Chile', city: 'refuse-me' } } }]);
    expect(await deliverOnce()).toMatchObject({ created: 1, refused: 0 });
    expect(leadOf('ann@example.com')).toMatchObject({ lastName: 'Doe', country: null, city: null });
    expect(await errors()).toMatchObject([{ message: expect.stringContaining('the rest of its group (country).') }]);
  });

  test('is updated without it as well; where nothing else was to be written, nothing is', async () => {
    sandbox.marketo.addLeads(['ann@example.com', 'bob@example.com'].map((email) => ({ email, lastName: 'There' })));
    await ready([
      { email: 'ann@example.com', tags: ['a'], more: { phone: 'refuse-me' } },
      { email: 'bob@example.com', more: { phone: 'refuse-me' } },
    ]);
    expect(await deliverOnce()).toMatchObject({ updated: 1, unchanged: 1, refused: 0, delivered: 2 });
    expect(leadOf('ann@example.com')).toMatchObject({ chatTags: 'a', phone: null });
    expect(writes()).toBe(2);
    expect((await errors()).map(({ code }) => code)).toEqual(['field-refused', 'field-refused']);
    for (const row of await states()) expect(row).toMatchObject({ state: 'synced', lead_id: expect.any(Number) });
    expect(await db.selectFrom('lead_change').select('thread_id').execute()).toEqual([{ thread_id: 'T00000' }]);
  });

  test('may lose three; with a fourth it is refused, and no field is called lost', async () => {
    const bad = { phone: 'refuse-me', variables: { title: 'refuse-me' }, location: { city: 'refuse-me' } };
    const worse = { ...bad, variables: { title: 'refuse-me', department: 'refuse-me' } };
    await ready([
      { email: 'three@example.com', more: bad },
      { email: 'four@example.com', more: worse },
    ]);
    expect(await deliverOnce()).toMatchObject({ created: 1, refused: 1, delivered: 1, failed: 1 });
    expect(writes()).toBe(4);
    expect(addresses()).toEqual(['three@example.com']);
    const told = await errors();
    expect(told.filter(({ thread_id }) => thread_id === 'T00000').map(({ code }) => code)).toEqual(
      Array(3).fill('field-refused'),
    );
    expect(told.filter(({ thread_id }) => thread_id === 'T00001').map(({ code }) => code)).toEqual(['lead-refused']);
  });

  test('costs a call for all of them together, not one each', async () => {
    await ready(
      many(900).map((person, index) => (index % 3 === 0 ? { ...person, more: { phone: 'refuse-me' } } : person)),
    );
    expect(await deliverOnce()).toMatchObject({ created: 900, refused: 0 });
    // Three hundred of nine hundred are sent twice: four full calls, and at most one that is not.
    expect(writes()).toBeLessThanOrEqual(5);
  });
});

test('several threads of one person, in any letter case, become one lead, and bring each other along', async () => {
  await ready([
    { email: 'Ann@Example.com', lastName: '', tags: ['first'] },
    { email: 'ann@example.com', lastName: 'Lee', tags: ['second'] },
    { email: 'ANN@example.com', lastName: '', tags: [] },
  ]);
  expect(await deliverOnce()).toMatchObject({ visitors: 1, created: 1 });
  expect(sandbox.marketo.leads()).toMatchObject([{ lastName: 'Lee' }]);
  const leads = new Set((await states()).map(({ lead_id }) => lead_id));
  expect(leads.size).toBe(1);
});

test('of several leads with one address the most recently updated one is written to, and that is said', async () => {
  sandbox.marketo.addLeads([{ email: 'twin@example.com', lastName: 'Old' }]);
  sandbox.clock.shift(60_000);
  sandbox.marketo.addLeads([{ email: 'Twin@example.com', lastName: 'New' }]);
  await ready([{ email: 'twin@example.com', tags: ['a'] }]);
  expect(await deliverOnce()).toMatchObject({ updated: 1 });
  const tagged = sandbox.marketo.leads().filter((lead) => lead['chatTags'] === 'a');
  expect(tagged).toMatchObject([{ lastName: 'New' }]);
  expect(await db.selectFrom('sync_error').select('code').execute()).toEqual([{ code: 'lead-duplicates' }]);
});

test('N visitors cost ⌈N/300⌉ look-ups and at most one write more, whoever of them is there already', async () => {
  const people = many(700).map((person) => ({ ...person, tags: ['a'] }));
  sandbox.marketo.addLeads(people.slice(0, 350).map(({ email }) => ({ email, lastName: 'There' })));
  await ready(people);
  expect(await deliverOnce()).toMatchObject({ visitors: 700, created: 350, updated: 350 });
  const { byEndpoint } = sandbox.marketo.report();
  expect(byEndpoint['leads-lookup']).toBe(3);
  expect(byEndpoint['leads-sync']).toBeLessThanOrEqual(4);
});

test('a call is cut before it is larger than Marketo takes', async () => {
  await ready(many(60).map((person) => ({ ...person, tags: ['x'.repeat(29_000)] })));
  expect(await deliverOnce()).toMatchObject({ created: 60, refused: 0 });
  expect(sandbox.marketo.calls().filter((call) => call.status === 413)).toEqual([]);
});
