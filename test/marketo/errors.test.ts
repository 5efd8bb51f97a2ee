import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CLASSES, MarketoError, RECORD_CLASSES } from '../../services/shared/marketo/errors.ts';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { type Connection, connect, ENDPOINT, EVERY_WAY, WAYS, type Way, WINDOW_MS } from './connect.ts';
import { bad, good, type Script, type Scripted, scriptedMarketo } from './scripted.ts';

const { db } = await testDatabase();
const sandbox = await startSandbox({ marketo: { limits: { windowMs: WINDOW_MS } } });
afterAll(() => sandbox.close());

beforeEach(() => sandbox.reset());

/** What the client must do about an answer that comes every time. */
type Treatment = {
  /** How often the call is sent. */
  attempts: number;
  /** The kind of what is thrown in the end. */
  kind: MarketoError['kind'];
  /** How many tokens are asked for; one where nothing else is said. */
  tokens?: number;
  /** Whether every refusal slows all processes down. */
  slowsDown?: true;
};
type Expected = { read: Treatment; write: Treatment };

/** A call and its six repetitions. */
const ALL = 7;
const same = (treatment: Treatment): Expected => ({ read: treatment, write: treatment });

/** 601, 602: one new token, one repetition, never a second. */
const NEW_TOKEN = same({ attempts: 2, tokens: 2, kind: 'unavailable' });
/** 606, 615: the shared limits. Nothing was done, so a write is repeated too. */
const SHARED_LIMIT = same({ attempts: ALL, kind: 'throttled', slowsDown: true });
/** 607: only midnight helps. */
const DAY_IS_USED_UP = same({ attempts: 1, kind: 'quota' });
/** Nothing was done, and it may work in a moment. */
const AGAIN = same({ attempts: ALL, kind: 'unavailable' });
/** A time-out or a crash on Marketo's side: a write may have been done, and a blind repetition would double leads. */
const PERHAPS_DONE: Expected = {
  read: { attempts: ALL, kind: 'unavailable' },
  write: { attempts: 1, kind: 'unknown-fate' },
};
/** A person must mend it. */
const MEND = same({ attempts: 1, kind: 'configuration' });
const NO_PERMISSION = same({ attempts: 1, kind: 'credentials' });
/** Nobody knows what it means: reads may be repeated, writes not. */
const UNKNOWN: Expected = {
  read: { attempts: ALL, kind: 'undocumented' },
  write: { attempts: 1, kind: 'undocumented' },
};

/** Marketo developer docs, "Error codes", the response-level table, in its order. */
const RESPONSE_LEVEL: [code: string, name: string, expected: Expected][] = [
  ['500', 'Internal server error', PERHAPS_DONE],
  ['502', 'Bad gateway', PERHAPS_DONE],
  ['600', 'Empty access token', MEND],
  ['601', 'Access token invalid', NEW_TOKEN],
  ['602', 'Access token expired', NEW_TOKEN],
  ['603', 'Access denied', NO_PERMISSION],
  ['604', 'Request timed out', PERHAPS_DONE],
  ['605', 'HTTP method not supported', MEND],
  ['606', "Max rate limit '100' exceeded with in '20' secs", SHARED_LIMIT],
  ['607', "Daily quota '50000' reached", DAY_IS_USED_UP],
  ['608', 'API temporarily unavailable', AGAIN],
  ['609', 'Invalid JSON', MEND],
  ['610', 'Requested resource not found', MEND],
  ['611', 'System error', PERHAPS_DONE],
  ['612', 'Invalid content type', MEND],
  ['613', 'Invalid multipart request', MEND],
  ['614', 'Invalid subscription', AGAIN],
  ['615', "Concurrent access limit '10' reached", SHARED_LIMIT],
  ['616', 'Invalid subscription type', MEND],
  ['701', 'Cannot be blank', MEND],
  ['702', 'No data found', MEND],
  ['703', 'Feature not enabled', MEND],
  ['704', 'Invalid date format', MEND],
  ['709', 'Business rule violation', MEND],
  ['710', 'Parent folder not found', MEND],
  ['711', 'Incompatible folder type', MEND],
  ['712', 'Merge is not possible', MEND],
  ['713', 'Transient error', AGAIN],
  ['714', 'Unable to find the default record type', MEND],
  ['718', 'ExternalSalesPersonID not found', MEND],
  ['719', 'Lock wait timeout', AGAIN],
  // Codes of the record-level table that were seen for a whole call, or can only be about one.
  ['1001', "Invalid value 'X'. Required of type 'Y'", MEND],
  ['1002', 'Missing value for a required parameter', MEND],
  ['1003', 'Too many results match the filter', MEND],
  ['1004', 'Lead [1234] not found', MEND],
  ['1006', "Lookup field 'userId' not found", MEND],
  ['1008', 'Access denied to partition', MEND],
  ['1009', 'Partition name must be specified', MEND],
  ['1011', 'Field not supported', MEND],
  ['1013', 'Object not found', MEND],
  ['1016', 'Too many imports', AGAIN],
  ['1018', 'CRM is enabled', MEND],
  ['1029', 'Too many jobs', AGAIN],
];

describe('a code for the whole call', () => {
  test('has a class if and only if it is documented or was seen', () => {
    expect(Object.keys(CLASSES).sort()).toEqual(RESPONSE_LEVEL.map(([code]) => code).sort());
  });

  const cases = RESPONSE_LEVEL.flatMap(([code, name, expected]) =>
    EVERY_WAY.map((way) => [code, name, way, expected] as const),
  );
  test.each(cases)('%s %s, always, for a %s', async (code, name, way, expected) => {
    armFault(way, code, name);
    const connection = await connect(db, sandbox.index().marketo);
    const error = await thrownBy(connection, way);
    await expectTreated(connection, way, treatmentOf(way, expected), error, code);
    expect(identityCalls()).toBe(treatmentOf(way, expected).tokens ?? 1);
    expect(serverCalls(way)).toBe(treatmentOf(way, expected).attempts);
  });

  const passing = RESPONSE_LEVEL.flatMap(([code, name, expected]) =>
    EVERY_WAY.filter((way) => treatmentOf(way, expected).attempts > 1).map((way) => [code, name, way] as const),
  );
  test.each(passing)('%s %s, once, costs a %s one repetition and no more', async (code, name, way) => {
    armFault(way, code, name, 1);
    const connection = await connect(db, sandbox.index().marketo);
    const result = await WAYS[way](connection.marketo);
    expect(result).toEqual(HEALTHY_RESULT[way]);
    expect(leadAttempts(connection)).toMatchObject([
      { outcome: expect.not.stringMatching('ok'), code },
      { outcome: 'ok', code: undefined },
    ]);
    expect(connection.fates).toEqual(connection.fates.map(() => 'answered'));
  });

  test.each(EVERY_WAY)('that nobody knows is repeated for reads alone, and told apart, for a %s', async (way) => {
    for (const code of ['799', '617', '1999', '1005', '42', 'what']) {
      sandbox.reset();
      armFault(way, code, 'Nobody knows.');
      const connection = await connect(db, sandbox.index().marketo);
      await expectTreated(connection, way, treatmentOf(way, UNKNOWN), await thrownBy(connection, way), code);
    }
  });

  test.each(EVERY_WAY)('counts by its first error, as a text or as a number, for a %s', async (way) => {
    for (const code of [607, '607']) {
      const server = await scripted(() => bad(code));
      const connection = await connect(db, server);
      const error = await thrownBy(connection, way);
      await expectTreated(connection, way, treatmentOf(way, DAY_IS_USED_UP), error, '607');
    }
  });

  test.each(EVERY_WAY)('counts with any HTTP status, for a %s', async (way) => {
    for (const status of [400, 403, 500, 503]) {
      const server = await scripted(() => ({ ...answered(bad('608')), status }));
      const connection = await connect(db, server);
      await expectTreated(connection, way, treatmentOf(way, AGAIN), await thrownBy(connection, way), '608');
    }
  });

  test.each(EVERY_WAY)('counts where the request id is missing or no text, for a %s', async (way) => {
    for (const requestId of [undefined, 17, null]) {
      const body = JSON.stringify({ requestId, success: false, errors: [{ code: '603' }] });
      const server = await scripted(() => ({ body }));
      const connection = await connect(db, server);
      await expectTreated(connection, way, treatmentOf(way, NO_PERMISSION), await thrownBy(connection, way), '603');
    }
  });
});

/** Marketo developer docs, "Error codes", the record-level table. */
const RECORD_LEVEL = [
  ...[1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018],
  ...[1019, 1020, 1021, 1022, 1025, 1026, 1027, 1028, 1029, 1035, 1036, 1037, 1042, 1048, 1049],
  ...[1076, 1077, 1078, 1079, 1080],
].map(String);
/** The lead came or went since it was looked up. */
const CAME_OR_WENT = ['1004', '1005'];

describe('a code for one record', () => {
  test('has a class if and only if it is documented, and only two ask for another look-up', () => {
    expect(Object.keys(RECORD_CLASSES).sort()).toEqual([...RECORD_LEVEL].sort());
    const again = Object.entries(RECORD_CLASSES).filter(([, kind]) => kind === 'look-again');
    expect(again.map(([code]) => code)).toEqual(CAME_OR_WENT);
  });

  const cases = [...RECORD_LEVEL, '1999'].flatMap((code) =>
    (['create', 'update'] as const).map((way) => [code, way] as const),
  );
  test.each(cases)(
    '%s for a record of a %s is its result, not an error, and is never sent again',
    async (code, way) => {
      const skipped = {
        status: 'skipped',
        reasons: [{ code, message: "Invalid value for field 'lastName' and value 'Lee'" }],
      };
      const server = await scripted(() => good([skipped]));
      const connection = await connect(db, server);
      expect(await WAYS[way](connection.marketo)).toEqual([
        { status: 'skipped', reasons: [{ code, field: 'lastName' }] },
      ]);
      expect(server.count(way)).toBe(1);
      expect(server.count('identity')).toBe(1);
      expect(connection.throttled()).toBe(0);
      expect(leadAttempts(connection)).toMatchObject([{ outcome: 'ok', code: undefined }]);
      expect(connection.fates).toEqual(['answered', 'answered']);
    },
  );

  test('belongs to the lead at its place, and names a field only where that was sent', async () => {
    const reasons = (message?: string) => ({ status: 'skipped', reasons: [{ code: '1003', message }] });
    const server = await scripted(() =>
      good([
        { status: 'created', id: 11 },
        reasons("Invalid value for field 'lastName' and value 'Ann Lee'"),
        reasons("Invalid value for field 'Ann Lee' and value 'lastName'"),
        reasons("Invalid value for field 'toString'"),
        reasons(),
        { status: 'skipped' },
        { status: 'skipped', reasons: [] },
        { status: 'created', id: 18 },
      ]),
    );
    const { marketo } = await connect(db, server);
    const leads = Array.from({ length: 8 }, (_, index) => ({ email: `a${index}@example.com`, lastName: 'Lee' }));
    const refused = (code: string, field?: string) => ({ status: 'skipped', reasons: [{ code, field }] });
    expect(await marketo.createLeads(leads)).toEqual([
      { status: 'created', id: 11 },
      refused('1003', 'lastName'),
      refused('1003'),
      refused('1003'),
      refused('1003'),
      refused('skipped'),
      refused('skipped'),
      { status: 'created', id: 18 },
    ]);
  });
});

describe('an answer that is not Marketo’s', () => {
  const html = '<html><body><h1>Ann Lee’s page</h1></body></html>';
  const page = (status: number): Scripted => ({ status, type: 'text/html', body: html });
  const json = (body: unknown): Scripted => ({ body: JSON.stringify(body) });

  const foreign: [name: string, answer: Scripted, expected: Expected, code: RegExp][] = [
    ['HTTP 413 (a body over 1 MB)', page(413), MEND, /^HTTP 413/],
    ['HTTP 414 (a URL over 8 KB)', page(414), MEND, /^HTTP 414/],
    ['HTTP 404', page(404), MEND, /^HTTP 404/],
    ['HTTP 429', page(429), SHARED_LIMIT, /^HTTP 429/],
    ['HTTP 500', page(500), PERHAPS_DONE, /^HTTP 500/],
    ['HTTP 502', page(502), PERHAPS_DONE, /^HTTP 502/],
    ['HTTP 503', page(503), PERHAPS_DONE, /^HTTP 503/],
    ['HTTP 504', page(504), PERHAPS_DONE, /^HTTP 504/],
    // The REST API has no HTTP 401; whoever sends one may mean the token, so one new token is tried.
    ['HTTP 401', page(401), same({ attempts: 2, tokens: 2, kind: 'credentials' }), /^HTTP 401/],
    ['HTTP 302', { ...answered(page(302)), headers: { location: '/' } }, PERHAPS_DONE, /^HTTP 302/],
    ['HTTP 200, empty', { body: '' }, PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, HTML', page(200), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, JSON cut off', { body: '{"requestId":"1#2","success":true,"resu' }, PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, cut off by the connection', 'cut in the body', PERHAPS_DONE, /./],
    ['HTTP 200, {}', json({}), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, []', json([]), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, null', json(null), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, a text', json('success'), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, true', json(true), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, success as a text', json({ success: 'true', result: [] }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, success as a number', json({ success: 1, result: [] }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, no success', json({ result: [] }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, failed without errors', json({ success: false }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, failed with no error', json({ success: false, errors: [] }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, failed with an error without code', json({ success: false, errors: [{}] }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 200, failed with errors as an object', json({ success: false, errors: {} }), PERHAPS_DONE, /^HTTP 200/],
    ['HTTP 206, well formed', { ...answered(good([])), status: 206 }, PERHAPS_DONE, /^HTTP 206/],
    ['a connection that is cut', 'reset', PERHAPS_DONE, /ECONNRESET|socket/i],
  ];
  test.each(foreign.flatMap((row) => EVERY_WAY.map((way) => [...row, way] as const)))(
    '%s is an error, never an empty result (%#)',
    async (_name, answer, expected, code, way) => {
      const server = await scripted(() => answer);
      const connection = await connect(db, server);
      const treatment = treatmentOf(way, expected);
      const error = await thrownBy(connection, way);
      expect(error).toMatchObject({ kind: treatment.kind, endpoint: ENDPOINT[way], code: expect.stringMatching(code) });
      expect(error.message).not.toContain('Ann');
      expect(server.count(way)).toBe(treatment.attempts);
      expect(server.count('identity')).toBe(treatment.tokens ?? 1);
      expect(connection.throttled()).toBe(treatment.slowsDown ? treatment.attempts : 0);
      expect(connection.taken()).toBe(treatment.attempts + 1);
      // No answer at all: Marketo may still be working on the call, so its slot is not given back.
      const fate = answer === 'reset' ? 'unknown' : 'answered';
      expect(connection.fates).toEqual(['answered', ...Array.from({ length: treatment.attempts }, () => fate)]);
    },
  );

  const shapeless: [name: string, answer: Scripted][] = [
    ['no result', json({ success: true, requestId: '1#2' })],
    ['an object as its result', good({ id: 7001, email: 'ann@example.com' })],
    ['null as its result', good(null)],
    ['a text as its result', good('[]')],
    ['numbers in its result', good([1, 2])],
    ['null in its result', good([null])],
  ];
  test.each(shapeless.flatMap((row) => EVERY_WAY.map((way) => [...row, way] as const)))(
    'success with %s is an error, never an empty result (%#)',
    async (_name, answer, way) => {
      const server = await scripted(() => answer);
      const connection = await connect(db, server);
      const error = await thrownBy(connection, way);
      if (way === 'lookup') expect(['undocumented', 'unavailable']).toContain(error.kind);
      // Marketo said that it did it: only a look tells what it did.
      else expect(error.kind).toBe('unknown-fate');
      if (way !== 'lookup') expect(server.count(way)).toBe(1);
      expect(server.count(way)).toBeLessThanOrEqual(ALL);
      expect(connection.fates).toEqual(connection.fates.map(() => 'answered'));
    },
  );
});

describe('a Describe’s answer', () => {
  const field = (name: string) => ({ dataType: 'string', rest: { name, readOnly: false } });

  test.each([
    ['nothing', []],
    ['all but the address', [field('id'), field('firstName')]],
    ['all but the id', [field('email'), field('firstName')]],
    ['fields that REST does not have', [{ dataType: 'string' }]],
  ])('that has %s is an error: every field of the rules would be taken for deleted', async (_name, fields) => {
    const server = await scriptedMarketo({ describe: () => good(fields) });
    servers.push(server);
    const { marketo } = await connect(db, server);
    await expect(marketo.describe()).rejects.toMatchObject({
      name: 'MarketoError',
      kind: 'undocumented',
      endpoint: 'describe',
    });
  });
});

describe('a look-up’s answer', () => {
  const lead = (more: object = {}) => ({
    id: 7001,
    email: 'ann@example.com',
    updatedAt: '2026-11-23T10:00:00Z',
    ...more,
  });
  const lookedUp = async (lookup: Script['lookup'] & {}) => {
    const server = await scriptedMarketo({ lookup });
    servers.push(server);
    const { marketo, fates } = await connect(db, server);
    return { server, fates, found: marketo.findLeadsByEmail(['ann@example.com'], []) };
  };

  test.each([
    ['without id', { email: 'ann@example.com' }],
    ['without address', { id: 7001 }],
    ['with a text as its id', { id: '7001', email: 'ann@example.com' }],
    ['with null for its address', { id: 7001, email: null }],
  ])('with a lead %s is an error: the lead would be taken for missing, and created again', async (_name, row) => {
    const { found, fates } = await lookedUp(() => good([lead(), row]));
    await expect(found).rejects.toMatchObject({ name: 'MarketoError', kind: 'unavailable', endpoint: 'leads-lookup' });
    expect(fates).toEqual(['answered', 'answered']);
  });

  test('that names the same page twice is an error, not an endless loop', async () => {
    const { server, found } = await lookedUp(() => good([lead()], { nextPageToken: 'SAME====' }));
    await expect(found).rejects.toMatchObject({ kind: 'unavailable', code: 'the same page twice' });
    expect(server.count('lookup')).toBe(2);
  });

  test('that names a new page for ever is an error: over 1,000 matches Marketo itself refuses', async () => {
    const { server, found } = await lookedUp((_received, count) => good([lead()], { nextPageToken: `PAGE${count}` }));
    await expect(found).rejects.toMatchObject({ name: 'MarketoError', kind: 'unavailable' });
    expect(server.count('lookup')).toBeLessThan(30);
  });

  test('goes on while it names a page, without moreResult, and each page is asked for in a POST', async () => {
    const { server, found } = await lookedUp((_received, count) =>
      good([lead({ id: count })], count < 3 ? { nextPageToken: `PAGE${count}====` } : {}),
    );
    expect((await found).get('ann@example.com')).toMatchObject([{ id: 1 }, { id: 2 }, { id: 3 }]);
    const asked = server.received.filter((one) => one.asked === 'lookup');
    expect(asked.map(({ line }) => line)).toEqual(asked.map(() => 'POST /rest/v1/leads.json?_method=GET'));
    const tokens = asked.map(({ body }) => new URLSearchParams(body).get('nextPageToken'));
    expect(tokens).toEqual([null, 'PAGE1====', 'PAGE2====']);
  });

  test('ends where it says that there is no more, whatever token it carries', async () => {
    const { server, found } = await lookedUp(() => good([lead()], { nextPageToken: 'PAGE', moreResult: false }));
    expect((await found).size).toBe(1);
    expect(server.count('lookup')).toBe(1);
  });

  test('ends at an empty token', async () => {
    const { server, found } = await lookedUp(() => good([lead()], { nextPageToken: '' }));
    expect((await found).size).toBe(1);
    expect(server.count('lookup')).toBe(1);
  });

  test('with members that nobody knows, warnings or empty errors is taken', async () => {
    const more = { warnings: ['No leads found'], errors: [], moreResult: false, somethingNew: {} };
    const { found } = await lookedUp(() => good([lead({ lastName: null })], more));
    expect((await found).get('ann@example.com')).toMatchObject([{ id: 7001, values: { lastName: null } }]);
  });
});

describe('a write’s answer', () => {
  const leads = [{ email: 'a@example.com' }, { email: 'b@example.com' }];
  const created = (id: number) => ({ id, status: 'created' });
  test.each([
    ['fewer results than leads', [created(1)]],
    ['more results than leads', [created(1), created(2), created(3)]],
    ['no results', []],
    ['a result without a status', [created(1), { id: 2 }]],
    ['a text for an id', [created(1), { id: '2', status: 'created' }]],
  ])('with %s says nothing about any of them: its fate is unknown', async (_name, result) => {
    const server = await scriptedMarketo({ create: () => good(result) });
    servers.push(server);
    const { marketo, fates } = await connect(db, server);
    await expect(marketo.createLeads(leads)).rejects.toMatchObject({ kind: 'unknown-fate', endpoint: 'leads-create' });
    expect(server.count('create')).toBe(1);
    expect(fates).toEqual(['answered', 'answered']);
  });

  test.each([
    ['created, without an id', { status: 'created' }, 'created'],
    ['deleted', { id: 1, status: 'deleted' }, 'deleted'],
  ])('that a lead was %s is not taken for success', async (_name, row, code) => {
    const server = await scriptedMarketo({ create: () => good([row, created(2)]) });
    servers.push(server);
    const { marketo } = await connect(db, server);
    expect(await marketo.createLeads(leads)).toEqual([
      { status: 'skipped', reasons: [{ code, field: undefined }] },
      { status: 'created', id: 2 },
    ]);
  });

  test('that comes later than the client waits leaves its slot to the lease, and its fate unknown', async () => {
    const server = await scriptedMarketo({
      create: () => new Promise((resolve) => setTimeout(resolve, 400, good([created(1), created(2)]))),
    });
    servers.push(server);
    const { marketo, fates } = await connect(db, server, { writeTimeoutMs: 100 });
    await expect(marketo.createLeads(leads)).rejects.toMatchObject({
      kind: 'unknown-fate',
      code: expect.stringMatching(/^(?:ETIMEDOUT|ECONNABORTED)$/),
    });
    expect(server.count('create')).toBe(1);
    expect(fates).toEqual(['answered', 'unknown']);
  });
});

test('a look-up that is not answered in time is asked again, and its slot is left to the lease', async () => {
  const server = await scriptedMarketo({
    lookup: (_received, count) => (count < 3 ? new Promise((resolve) => setTimeout(resolve, 300, good([]))) : good([])),
  });
  servers.push(server);
  const { marketo, fates, attempts } = await connect(db, server, { readTimeoutMs: 80 });
  expect(await WAYS.lookup(marketo)).toEqual(new Map());
  expect(fates).toEqual(['answered', 'unknown', 'unknown', 'answered']);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'no-answer', 'no-answer', 'ok']);
});

test('an attempt that waits is not sent any more once the run is told to stop, and its slot is free', async () => {
  const stop = new AbortController();
  const server = await scriptedMarketo({
    lookup: () => {
      stop.abort();
      return bad('606');
    },
  });
  servers.push(server);
  const connection = await connect(db, server, { signal: stop.signal });
  await expect(WAYS.lookup(connection.marketo)).rejects.toThrow();
  expect(server.count('lookup')).toBe(1);
  expect(connection.fates).toEqual(['answered', 'answered']);
});

const servers: { close(): Promise<void> }[] = [];
afterAll(() => Promise.all(servers.map((server) => server.close())));

/** A Marketo that gives the same answer to every look-up and every write. */
async function scripted(answer: () => Scripted) {
  const server = await scriptedMarketo({ lookup: answer, create: answer, update: answer });
  servers.push(server);
  return server;
}

function answered(answer: Scripted): Exclude<Scripted, string> {
  if (typeof answer === 'string') throw new Error('not an answer');
  return answer;
}

function armFault(way: Way, code: string, message: string, times?: number): void {
  const endpoint = way === 'lookup' ? 'leads-lookup' : 'leads-sync';
  const effect = { kind: 'code', code, message } as const;
  sandbox.faults.add({ server: 'marketo', endpoint, effect, ...(times === undefined ? {} : { times }) });
}

function treatmentOf(way: Way, expected: Expected): Treatment {
  return way === 'lookup' ? expected.read : expected.write;
}

/** What each way comes to against an empty sandbox. */
const HEALTHY_RESULT: Record<Way, unknown> = {
  lookup: new Map(),
  create: [{ status: 'created', id: expect.any(Number) }],
  update: [{ status: 'skipped', reasons: [{ code: '1004', field: undefined }] }],
};

async function thrownBy(connection: Connection, way: Way): Promise<MarketoError> {
  try {
    await WAYS[way](connection.marketo);
  } catch (error) {
    if (error instanceof MarketoError) return error;
    throw error;
  }
  throw new Error(`the ${way} did not fail`);
}

async function expectTreated(
  connection: Connection,
  way: Way,
  treatment: Treatment,
  error: MarketoError,
  code: string,
): Promise<void> {
  expect(error).toMatchObject({ kind: treatment.kind, code, endpoint: ENDPOINT[way] });
  const attempts = leadAttempts(connection);
  expect(attempts).toHaveLength(treatment.attempts);
  for (const attempt of attempts) {
    expect(attempt).toMatchObject({ endpoint: ENDPOINT[way], code, httpStatus: expect.any(Number), records: 1 });
    expect(attempt.outcome).not.toBe('ok');
    expect(attempt.answeredAt).toBeGreaterThanOrEqual(attempt.sentAt);
  }
  expect(connection.throttled()).toBe(treatment.slowsDown ? treatment.attempts : 0);
  // One slot an attempt, and one for the reading of the usage before; every one of them is given back with the answer.
  expect(connection.taken()).toBe(treatment.attempts + 1);
  expect(connection.fates).toEqual(Array.from({ length: treatment.attempts + 1 }, () => 'answered'));
}

function leadAttempts({ attempts }: Connection) {
  return attempts.filter(({ endpoint }) => endpoint.startsWith('leads-'));
}

function identityCalls(): number {
  return sandbox.marketo.calls().filter(({ endpoint }) => endpoint === 'identity').length;
}

function serverCalls(way: Way): number {
  const endpoint = way === 'lookup' ? 'leads-lookup' : 'leads-sync';
  return sandbox.marketo.calls().filter((call) => call.endpoint === endpoint).length;
}
