import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { connectCluster } from '../../services/status/cluster/api.ts';
import { watchCluster } from '../../services/status/cluster/watch.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { cronJob, startKubernetes } from './kubernetes.ts';
import { addThreads, HOUR, silent, tellStory, tellThread } from './story.ts';

const TOKEN = 'a-token-of-the-tests-0123456789';
const HOST = 'status.example';
const { db, url, empty } = await testDatabase();
const readings = openReadings(url, SCHEMA, 5000);
const kubernetes = await startKubernetes('marketing');
kubernetes.cronJobs.push(cronJob('sync'), cronJob('digest'));
const cluster = watchCluster(
  () => connectCluster({ namespace: 'marketing', release: 'shop' }, kubernetes.config),
  silent,
  50,
);
const shared = { readings, log: silent, syncInterval: HOUR, cluster };
const app = buildApp({ ...shared, token: TOKEN, keepFor: 60_000 });
const replica = buildApp({ ...shared, token: TOKEN });
const another = buildApp({ ...shared, token: 'another-token-0123456789' });
const withoutToken = buildApp(shared);
afterAll(async () => {
  cluster.close();
  for (const each of [app, replica, another, withoutToken]) await each.close();
  await kubernetes.close();
  await readings.close();
});
beforeEach(empty);

type Form = Record<string, string>;
let caller = 0;

/** Sends a form as a browser does from a page of this service; each from an address of its own, for the rate limit. */
function post(path: string, form: Form, headers: Record<string, string> = {}, at = app) {
  return at.inject({
    method: 'POST',
    url: path,
    remoteAddress: `10.0.${caller >> 8}.${caller++ & 255}`,
    headers: {
      host: HOST,
      origin: `http://${HOST}`,
      accept: 'text/html',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    payload: new URLSearchParams(form).toString(),
  });
}

const get = (path: string, headers: Record<string, string> = {}, at = app) =>
  at.inject({ url: path, headers: { host: HOST, accept: 'text/html', ...headers } });

async function unlock(): Promise<{ cookie: string; formKey: string }> {
  const answer = await post('/login', { token: TOKEN });
  expect(answer.statusCode).toBe(303);
  const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
  const page = await get('/login', { cookie });
  return { cookie, formKey: /name="formKey" value="([^"]+)"/.exec(page.body)?.[1] ?? '' };
}

describe('the token', () => {
  test('begins a session whose cookie no script reads and no other site sends', async () => {
    const answer = await post('/login', { token: TOKEN });
    expect(answer.headers['set-cookie']).toMatch(
      /^lcm_session=[^;]+; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const overTls = await post('/login', { token: TOKEN }, { 'x-forwarded-proto': 'https' });
    expect(overTls.headers['set-cookie']).toMatch(/; Secure;/);
  });

  test('that is wrong, or sent by a page of another site, begins none', async () => {
    for (const token of ['', 'wrong', `${TOKEN}x`, TOKEN.slice(1), '\0']) {
      const answer = await post('/login', { token });
      expect([token, answer.statusCode, answer.headers['set-cookie']]).toEqual([token, 403, undefined]);
      expect(answer.body).toContain('That is not the token.');
    }
    for (const origin of ['http://evil.example', 'null', '', `http://${HOST}.evil.example`]) {
      const answer = await post('/login', { token: TOKEN }, { origin });
      expect([origin, answer.statusCode, answer.headers['set-cookie']]).toEqual([origin, 403, undefined]);
    }
  });

  test('cannot be guessed quickly', async () => {
    const guess = () =>
      app.inject({
        method: 'POST',
        url: '/login',
        remoteAddress: '10.9.9.9',
        headers: { host: HOST, origin: `http://${HOST}`, 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'token=guess',
      });
    const answers: number[] = [];
    for (let count = 0; count < 12; count++) answers.push((await guess()).statusCode);
    expect(answers).toEqual([...Array(10).fill(403), 429, 429]);
    expect((await guess()).json()).toMatchObject({ status: 429, detail: 'Too many requests: try again in a minute.' });
  });

  test('is not guessed through the API, nor on the page that is else never refused', async () => {
    // A slow machine must not let a minute pass while this one guesses.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    for (const path of ['/api/v1/dead', '/']) {
      const guesser = buildApp({ ...shared, token: TOKEN });
      const guess = async (number: number) => {
        const authorization = `Bearer guess-${number}`;
        return (await guesser.inject({ url: path, headers: { host: HOST, authorization } })).statusCode;
      };
      const answers = new Set<number>();
      for (let number = 0; number < 1300 && !answers.has(429); number += 1) answers.add(await guess(number));
      expect(answers, path).toContain(429);
      await guesser.close();
    }
  });

  test('where it is not configured unlocks nothing', async () => {
    expect((await post('/login', { token: '' }, {}, withoutToken)).statusCode).toBe(403);
    expect((await get('/login', {}, withoutToken)).body).toContain('This service has no token');
    const bearer = { authorization: 'Bearer undefined' };
    expect((await get('/api/v1/status', bearer, withoutToken)).statusCode).toBe(401);
  });
});

describe('a session', () => {
  test('shows addresses and values, on every replica with the same token and on no other', async () => {
    const { synced } = await tellThread(db);
    const { cookie } = await unlock();
    for (const [at, shows] of [
      [app, true],
      [replica, true],
      [another, false],
      [withoutToken, false],
    ] as const) {
      const { body } = await get(`/threads/${synced}`, { cookie }, at);
      expect(body.includes('maria.canary@example.com')).toBe(shows);
      expect(body.includes('Maria Canary')).toBe(shows);
    }
    expect((await get(`/threads/${synced}`)).body).not.toMatch(/maria\.canary|Maria Canary/);
  });

  test('that was changed, or is over, is none', async () => {
    const { cookie } = await unlock();
    const [until = '', nonce = '', signed = ''] = cookie.replace('lcm_session=', '').split('.');
    for (const forged of [
      `${Number(until) + 1000}.${nonce}.${signed}`,
      `${until}.${nonce}.`,
      `${until}.${nonce}`,
      `9999999999999.x.${'0'.repeat(43)}`,
      '',
    ]) {
      expect((await get('/', { cookie: `lcm_session=${forged}` })).body).toContain('<a class="lock" href="/login">');
    }
  });

  test('ends when it is locked', async () => {
    const { cookie, formKey } = await unlock();
    const answer = await post('/logout', { formKey }, { cookie });
    expect([answer.statusCode, answer.headers['set-cookie']]).toEqual([303, expect.stringMatching(/^lcm_session=;/)]);
  });
});

describe('an action', () => {
  test('replays and dismisses dead threads, one, those of a code, or all', async () => {
    const { dead } = await tellThread(db);
    await addThreads(db, 'dead', 3, { reason: 'lead-conflict' });
    const { cookie, formKey } = await unlock();
    const states = async () => {
      const rows = await db
        .selectFrom('chat_thread')
        .select(['state', 'reason'])
        .where('thread_id', '<>', 'SYNCED0001')
        .execute();
      return rows.map(({ state, reason }) => `${state} ${reason ?? ''}`.trim()).sort();
    };
    const one = await post('/dead/replay', { formKey, thread: dead }, { cookie });
    expect([one.statusCode, one.headers['location']]).toEqual([303, '/dead?replayed=1']);
    expect((await get('/dead?replayed=1', { cookie })).body).toContain(
      '1 thread is ready again; the next run takes it.',
    );
    expect(await states()).toEqual(['dead lead-conflict', 'dead lead-conflict', 'dead lead-conflict', 'ready']);
    const ofCode = await post('/dead/dismiss', { formKey, code: 'lead-conflict' }, { cookie });
    expect(ofCode.headers['location']).toBe('/dead?dismissed=3');
    expect(await states()).toEqual(['ignored dismissed', 'ignored dismissed', 'ignored dismissed', 'ready']);
    const none = await post('/dead/replay', { formKey }, { cookie });
    expect(none.statusCode).toBe(400);
  });

  test('is seen on the first screen at once, although that is kept for others', async () => {
    await tellStory(db);
    const { dead } = await tellThread(db);
    const { cookie, formKey } = await unlock();
    const told = async () => /Dead<\/dt><dd>(?:<a[^>]*>)?([^<]+)/.exec((await get('/', { cookie })).body)?.[1];
    await post('/dead/dismiss', { formKey, thread: 'none' }, { cookie });
    expect(await told()).toBe('2 threads');
    await post('/dead/dismiss', { formKey, thread: dead }, { cookie });
    expect(await told()).toBe('1 thread');
  });

  test('is refused without session, with the key of another, and from another site; and then nothing is done', async () => {
    const { dead } = await tellThread(db);
    const mine = await unlock();
    const other = await unlock();
    const attempts: [Form, Record<string, string>][] = [
      [{ formKey: mine.formKey }, {}],
      [{ formKey: other.formKey }, { cookie: mine.cookie }],
      [{ formKey: '' }, { cookie: mine.cookie }],
      [{}, { cookie: mine.cookie }],
      [{ formKey: mine.formKey }, { cookie: mine.cookie, origin: 'http://evil.example' }],
      [{ formKey: mine.formKey }, { cookie: mine.cookie, origin: 'null' }],
    ];
    for (const [form, headers] of attempts) {
      for (const path of ['/dead/replay', '/dead/dismiss']) {
        expect((await post(path, { ...form, thread: dead }, headers)).statusCode).toBe(403);
      }
      expect((await post('/run-now', { ...form, job: 'sync', request: 'abcdefgh' }, headers)).statusCode).toBe(403);
      expect((await post('/threads/find', { ...form, text: 'maria.canary@example.com' }, headers)).statusCode).toBe(
        403,
      );
    }
    const { state } = await db
      .selectFrom('chat_thread')
      .select('state')
      .where('thread_id', '=', dead)
      .executeTakeFirstOrThrow();
    expect([state, kubernetes.jobs]).toEqual(['dead', []]);
  });

  test('through the API takes the token as Bearer, not the cookie', async () => {
    await tellThread(db);
    const { cookie } = await unlock();
    const replay = (headers: Record<string, string>, payload: object = { code: 'lead-refused' }) =>
      app.inject({ method: 'POST', url: '/api/v1/dead/replay', headers, payload });
    expect((await replay({})).statusCode).toBe(401);
    expect((await replay({ cookie, host: HOST, origin: `http://${HOST}` })).statusCode).toBe(401);
    expect((await replay({ authorization: 'Bearer wrong' })).statusCode).toBe(401);
    expect((await replay({ authorization: `Bearer ${TOKEN}` }, {})).statusCode).toBe(400);
    const typo = await replay({ authorization: `Bearer ${TOKEN}` }, { code: 'lead-refusd' });
    expect([typo.statusCode, typo.json().detail]).toEqual([
      400,
      expect.stringContaining('no error with the code lead-refusd'),
    ]);
    const done = await replay({ authorization: `Bearer ${TOKEN}` });
    expect([done.statusCode, done.json()]).toEqual([200, { threads: 1 }]);
  });

  test('starts a run, by form and through the API', async () => {
    for (let look = 0; cluster.view().state !== 'known' && look < 400; look++)
      await new Promise((done) => setTimeout(done, 10));
    const { cookie, formKey } = await unlock();
    const page = await get('/', { cookie });
    const request = /name="request" value="([a-z]{8})"/.exec(page.body)?.[1] ?? '';
    const answer = await post('/run-now', { formKey, job: 'sync', request }, { cookie });
    expect([answer.statusCode, answer.headers['location']]).toEqual([303, '/#cluster']);
    const viaApi = await app.inject({
      method: 'POST',
      url: '/api/v1/runs',
      headers: { authorization: `Bearer ${TOKEN}` },
      payload: { job: 'digest' },
    });
    expect([viaApi.statusCode, viaApi.json().job]).toEqual([202, kubernetes.jobs[1]?.metadata.name]);
    expect(kubernetes.jobs.map(({ metadata }) => metadata.name.slice(0, 32))).toEqual([
      'shop-livechat-marketo-sync-sync-',
      'shop-livechat-marketo-sync-diges',
    ]);
  });
});

test('with the token the API tells addresses and values, and another caller’s copy of an answer is never used', async () => {
  const { synced } = await tellThread(db);
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const path = `/api/v1/threads/${synced}`;
  const [locked, unlocked] = [await app.inject(path), await app.inject({ url: path, headers: bearer })];
  expect(locked.json()).toMatchObject({ thread: { address: 'm•••@example.com', visit: null } });
  expect(locked.json().written[0].changes[0]).toEqual({
    field: 'firstName',
    from: 'empty',
    to: '•••',
    rule: 'name',
    mode: 'if-empty',
  });
  expect(unlocked.json()).toMatchObject({
    thread: { address: 'maria.canary@example.com', visit: { visitor: { name: 'Maria Canary' } } },
  });
  expect(unlocked.json().written[0].changes[0]).toMatchObject({ from: null, to: 'Maria Canary' });
  expect(locked.headers['cache-control']).toBe('private, no-cache');
  const again = await app.inject({ url: path, headers: { 'if-none-match': String(locked.headers['etag']) } });
  expect([again.statusCode, again.body]).toEqual([304, '']);
  const asUnlocked = await app.inject({
    url: path,
    headers: { ...bearer, 'if-none-match': String(locked.headers['etag']) },
  });
  expect(asUnlocked.statusCode).toBe(200);
});

test('a thread is found by its id, and by its visitor’s address only with the token', async () => {
  const { synced } = await tellThread(db);
  expect((await get(`/threads?text=${synced}`)).headers['location']).toBe(`/threads/${synced}`);
  const tried = await get('/threads?text=maria.canary%40example.com');
  expect([tried.statusCode, tried.body]).toEqual([200, expect.stringContaining('only after unlocking')]);
  expect(tried.body).not.toContain('maria.canary');
  const { cookie, formKey } = await unlock();
  const found = await post('/threads/find', { formKey, text: ' Maria.Canary@example.com ' }, { cookie });
  expect(found.body).toContain('2 threads of this address');
  expect(found.body).toContain(`href="/threads/${synced}"`);
});
