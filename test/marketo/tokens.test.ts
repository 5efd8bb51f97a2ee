import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf, MarketoError } from '../../services/shared/marketo/errors.ts';
import { EXIT } from '../../services/shared/runtime/failure.ts';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { connect, EVERY_WAY, WAYS, WINDOW_MS } from './connect.ts';
import { bad, good, type Received, type Script, type Scripted, scriptedMarketo, token } from './scripted.ts';

const { db } = await testDatabase();
const sandbox = await startSandbox({ marketo: { limits: { windowMs: WINDOW_MS } } });
afterAll(() => sandbox.close());

const servers: { close(): Promise<void> }[] = [];
afterAll(() => Promise.all(servers.map((server) => server.close())));

async function scripted(script: Script) {
  const server = await scriptedMarketo(script);
  servers.push(server);
  return server;
}

const bearer = ({ headers }: Received) => headers.authorization;

// These wait for seconds that the identity service itself counts in, so they wait side by side.
describe.concurrent('a token lives as long as the identity service says', () => {
  test('an hour: one is enough for every call', async () => {
    const server = await scripted({ identity: () => token('T1', 3599) });
    const { marketo } = await connect(db, server);
    for (let call = 0; call < 5; call += 1) await WAYS.lookup(marketo);
    await WAYS.create(marketo);
    await WAYS.update(marketo);
    await marketo.describe();
    expect(server.count('identity')).toBe(1);
    const calls = server.received.filter(({ asked }) => asked !== 'identity');
    expect(calls.map(bearer)).toEqual(calls.map(() => 'Bearer T1'));
  });

  test('a second: the next call after it asks again', async () => {
    const server = await scripted({ identity: (_received, count) => token(`T${count}`, 1) });
    const { marketo } = await connect(db, server);
    await WAYS.lookup(marketo);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await WAYS.lookup(marketo);
    expect(server.count('identity')).toBe(2);
    const calls = server.received.filter(({ asked }) => asked === 'lookup');
    expect(calls.map(bearer)).toEqual(['Bearer T1', 'Bearer T2']);
  });

  test('not at all, twice: it is asked for again a moment later, and the one that lives is used', async () => {
    const server = await scripted({
      identity: (_received, count) => (count < 3 ? token('dying', 0) : token('fresh', 3600)),
    });
    const { marketo } = await connect(db, server);
    await WAYS.lookup(marketo);
    await WAYS.lookup(marketo);
    expect(server.count('identity')).toBe(3);
    expect(server.received.filter(({ asked }) => asked === 'lookup').map(bearer)).toEqual([
      'Bearer fresh',
      'Bearer fresh',
    ]);
  });

  test('never: it is asked for a bounded number of times, and then tried as it is', async () => {
    const server = await scripted({ identity: () => token('dying', 0), lookup: () => good([]) });
    const { marketo } = await connect(db, server);
    await marketo.usage();
    expect(server.count('identity')).toBe(4);
    expect(server.received.filter(({ asked }) => asked === 'usage').map(bearer)).toEqual(['Bearer dying']);
  });
});

describe('a token that is refused', () => {
  beforeEach(() => sandbox.reset());

  test.each(EVERY_WAY.flatMap((way) => ['601', '602'].map((code) => [way, code] as const)))(
    'for every %s with %s is renewed once a call, and never in a loop',
    async (way, code) => {
      const refuse = () => bad(code);
      const server = await scripted({
        identity: (_received, count) => token(`T${count}`),
        lookup: refuse,
        create: refuse,
        update: refuse,
      });
      const { marketo } = await connect(db, server);
      for (let call = 1; call <= 4; call += 1) {
        await expect(WAYS[way](marketo)).rejects.toMatchObject({ kind: 'unavailable', code });
        expect(server.count('identity')).toBe(1 + call);
        expect(server.count(way)).toBe(2 * call);
      }
    },
  );

  test('and comes back from the identity service as it was ends the call, not in a loop', async () => {
    const server = await scripted({ identity: () => token('always-the-same'), lookup: () => bad('601') });
    const first = await connect(db, server);
    const second = await connect(db, server);
    const ends = await Promise.allSettled([WAYS.lookup(first.marketo), WAYS.lookup(second.marketo)]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(server.count('lookup')).toBe(4);
    expect(server.count('identity')).toBe(4);
  });

  test('by the usage of the day is renewed as well, and ends in a loop no more than there', async () => {
    const server = await scripted({ usage: () => bad('602') });
    const { marketo } = await connect(db, server);
    await expect(WAYS.lookup(marketo)).rejects.toMatchObject({ kind: 'unavailable', endpoint: 'usage', code: '602' });
    expect(server.count('usage')).toBe(2);
    expect(server.count('identity')).toBe(2);
    expect(server.count('lookup')).toBe(0);
  });

  test('once, and is the same one after that, goes on: two clients share it', async () => {
    const address = sandbox.index().marketo;
    const first = await connect(db, address);
    const second = await connect(db, address);
    sandbox.faults.add({
      server: 'marketo',
      endpoint: 'leads-lookup',
      effect: { kind: 'code', code: '601' },
      times: 1,
    });
    const found = await Promise.all([WAYS.lookup(first.marketo), WAYS.lookup(second.marketo)]);
    expect(found).toEqual([new Map(), new Map()]);
    // One for each, and one more for whom the refusal hit.
    expect(sandbox.marketo.calls().filter(({ endpoint }) => endpoint === 'identity')).toHaveLength(3);
  });

  test('because its hour is over is renewed in the middle of the work, for a read and for a write', async () => {
    const { marketo, attempts } = await connect(db, sandbox.index().marketo);
    await WAYS.lookup(marketo);
    sandbox.clock.shift(3_601_000);
    await WAYS.create(marketo);
    sandbox.clock.shift(3_601_000);
    await WAYS.lookup(marketo);
    expect(attempts.map(({ endpoint, outcome, code }) => [endpoint, outcome, code])).toEqual([
      ['identity', 'ok', undefined],
      ['usage', 'ok', undefined],
      ['leads-lookup', 'ok', undefined],
      ['leads-create', 'refused', '602'],
      ['identity', 'ok', undefined],
      ['leads-create', 'ok', undefined],
      ['leads-lookup', 'refused', '602'],
      ['identity', 'ok', undefined],
      ['leads-lookup', 'ok', undefined],
    ]);
    expect(sandbox.marketo.leads()).toHaveLength(1);
  });

  test('for several calls at once is renewed once for all of them', async () => {
    const server = await scripted({
      identity: (_received, count) => token(`T${count}`),
      lookup: (received) => (bearer(received) === 'Bearer T1' ? bad('602') : good([])),
    });
    const { marketo } = await connect(db, server);
    const found = await Promise.all(Array.from({ length: 8 }, () => WAYS.lookup(marketo)));
    expect(found).toHaveLength(8);
    expect(server.count('identity')).toBe(2);
    expect(server.count('lookup')).toBe(16);
  });
});

test('several calls that start together ask for one token', async () => {
  const server = await scripted({
    identity: () => new Promise<Scripted>((resolve) => setTimeout(resolve, 50, token('T1'))),
  });
  const { marketo } = await connect(db, server);
  // Asking for the usage waits for nothing else; any other first call would wait for that and find the token there.
  await Promise.all(Array.from({ length: 8 }, () => marketo.usage()));
  expect(server.count('identity')).toBe(1);
  expect(server.count('usage')).toBe(8);
});

test('no URL carries a token, a secret or an address; the secret is in the identity call’s body alone', async () => {
  const server = await scripted({ identity: () => token('canary-token') });
  const { marketo } = await connect(db, { ...server, clientId: 'canary-id', clientSecret: 'canary&secret=+' });
  await marketo.describe();
  for (const way of EVERY_WAY) await WAYS[way](marketo);
  expect(server.received.map(({ line }) => line)).toEqual([
    'POST /identity/oauth/token',
    'GET /rest/v1/stats/usage.json',
    'GET /rest/v1/leads/describe.json',
    'POST /rest/v1/leads.json?_method=GET',
    'POST /rest/v1/leads.json',
    'POST /rest/v1/leads.json',
  ]);
  const [identity, ...others] = server.received;
  expect(identity?.headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded' });
  expect(identity?.headers).not.toHaveProperty('authorization');
  expect(Object.fromEntries(new URLSearchParams(identity?.body))).toEqual({
    grant_type: 'client_credentials',
    client_id: 'canary-id',
    client_secret: 'canary&secret=+',
  });
  for (const { headers, body } of others) {
    const { authorization, ...rest } = headers;
    expect(authorization).toBe('Bearer canary-token');
    expect(JSON.stringify(rest) + body).not.toContain('canary');
  }
});

describe.concurrent('an identity service that gives no token', () => {
  const cases: [name: string, answer: Scripted, kind: MarketoError['kind'], exit: number][] = [
    ['HTTP 401, a wrong secret', refusal(401, 'invalid_client'), 'credentials', EXIT.credentialsRefused],
    ['HTTP 401, an unknown client', refusal(401, 'unauthorized'), 'credentials', EXIT.credentialsRefused],
    ['HTTP 400', refusal(400, 'unsupported_grant_type'), 'credentials', EXIT.credentialsRefused],
    ['HTTP 404, a wrong host', page(404), 'configuration', EXIT.configuration],
    [
      'HTTP 302',
      { ...page(302), headers: { location: 'https://login.example.com/' } },
      'configuration',
      EXIT.configuration,
    ],
    ['HTTP 200, HTML', page(200), 'unavailable', EXIT.tryLater],
    ['HTTP 200, empty', { body: '' }, 'unavailable', EXIT.tryLater],
    ['HTTP 200, null', { body: 'null' }, 'unavailable', EXIT.tryLater],
    ['HTTP 200, another shape', { body: '{"token":"canary"}' }, 'unavailable', EXIT.tryLater],
    ['HTTP 200, an empty token', token(''), 'unavailable', EXIT.tryLater],
    ['HTTP 200, a negative life', token('T1', -1), 'unavailable', EXIT.tryLater],
    ['HTTP 200, Marketo’s REST refusal', bad('611'), 'unavailable', EXIT.tryLater],
  ];
  test.each(cases)('but %s is asked once, and no REST call is made', async (_name, answer, kind, exit) => {
    const server = await scripted({ identity: () => answer });
    const connection = await connect(db, server);
    const error = await thrownBy(WAYS.create(connection.marketo));
    expect(error).toMatchObject({ kind, endpoint: 'identity' });
    expect(failureOf(error).exitCode).toBe(exit);
    expect(error.message + failureOf(error).message).not.toMatch(/canary|client-secret/);
    expect(server.received.map(({ asked }) => asked)).toEqual(['identity']);
    expect(connection.taken()).toBe(0);
    expect(connection.attempts).toMatchObject([{ endpoint: 'identity', outcome: 'refused' }]);
  });

  const passing: [name: string, answer: Scripted][] = [
    ['HTTP 500', page(500)],
    ['HTTP 503', page(503)],
    ['HTTP 429', page(429)],
    ['a cut connection', 'reset'],
  ];
  test.each(passing)('but %s is asked again, five times in all', async (_name, answer) => {
    const server = await scripted({ identity: () => answer });
    const connection = await connect(db, server);
    const error = await thrownBy(WAYS.create(connection.marketo));
    expect(error).toMatchObject({ kind: 'unavailable', endpoint: 'identity' });
    expect(failureOf(error).exitCode).toBe(EXIT.tryLater);
    expect(server.received.map(({ asked }) => asked)).toEqual(Array.from({ length: 5 }, () => 'identity'));
    expect(connection.taken()).toBe(0);
    expect(connection.attempts).toHaveLength(5);
  });

  test('for a moment costs nothing but that moment', async () => {
    const server = await scripted({
      identity: (_received, count) => (count === 1 ? page(503) : count === 2 ? 'reset' : token('T1')),
    });
    const { marketo } = await connect(db, server);
    expect(await WAYS.create(marketo)).toEqual([{ status: 'created', id: 1 }]);
    expect(server.count('identity')).toBe(3);
  });
});

test('603 says that the permissions are wrong: nothing is asked again, and the end is 77', async () => {
  sandbox.reset();
  const { clientId, clientSecret } = sandbox.index().marketo;
  for (const way of EVERY_WAY) {
    const endpoint = way === 'lookup' ? 'leads-lookup' : 'leads-sync';
    sandbox.faults.add({ server: 'marketo', endpoint, effect: { kind: 'code', code: '603' }, times: 1 });
    const { marketo } = await connect(db, { url: sandbox.index().marketo.url, clientId, clientSecret });
    const before = sandbox.marketo.report().calls;
    const error = await thrownBy(WAYS[way](marketo));
    expect(error).toMatchObject({ kind: 'credentials', code: '603' });
    expect(failureOf(error).exitCode).toBe(EXIT.credentialsRefused);
    // The usage of the day, and the one call.
    expect(sandbox.marketo.report().calls - before).toBe(2);
  }
});

/** The bodies of identity's refusals are not the REST envelope. */
function refusal(status: number, error: string): Scripted {
  return { status, body: JSON.stringify({ error, error_description: 'No client with requested id: canary' }) };
}

function page(status: number): Exclude<Scripted, string> {
  return { status, type: 'text/html', body: '<html><body>canary</body></html>' };
}

async function thrownBy(call: Promise<unknown>): Promise<MarketoError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof MarketoError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}
