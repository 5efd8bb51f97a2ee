import { expect, test } from 'vitest';
import { codeOf, startInstance } from './harness.ts';
import { DEFAULT_CLIENT } from './server.ts';

const query = (params: Record<string, string>) =>
  new URLSearchParams({ grant_type: 'client_credentials', ...params }).toString();

test('identity gives the same token until it expires, with what is left of its life, and a new one after', async () => {
  const { token, clock } = await startInstance();
  const first = await token();
  expect(first).toMatchObject({ token_type: 'bearer', scope: DEFAULT_CLIENT.user });
  expect(first.access_token).toMatch(/^[0-9a-f-]{36}:sbx$/);
  expect(first.expires_in).toBeGreaterThanOrEqual(3_599);
  clock.shift(1_800_000);
  const later = await token();
  expect(later.access_token).toBe(first.access_token);
  expect(later.expires_in).toBeLessThanOrEqual(1_800);
  clock.shift(1_799_100);
  const last = await token();
  expect(last.access_token).toBe(first.access_token);
  expect(last.expires_in).toBe(0);
  clock.shift(1_000);
  const next = await token();
  expect(next.access_token).not.toBe(first.access_token);
  expect(next.expires_in).toBeGreaterThanOrEqual(3_599);
});

test('identity takes its parameters from the query by GET and POST and from a form body', async () => {
  const { server, token } = await startInstance();
  const credentials = query({ client_id: DEFAULT_CLIENT.clientId, client_secret: DEFAULT_CLIENT.clientSecret });
  const byGet = await fetch(`${server.url}/identity/oauth/token?${credentials}`);
  const byPost = await fetch(`${server.url}/identity/oauth/token?${credentials}`, { method: 'POST' });
  expect(byGet.headers.get('cache-control')).toBe('no-store');
  const expected = (await token()).access_token;
  expect(await byGet.json()).toMatchObject({ access_token: expected });
  expect(await byPost.json()).toMatchObject({ access_token: expected });
});

test('each custom service has its own token', async () => {
  const other = { ...DEFAULT_CLIENT, clientId: 'other', clientSecret: 'secret' };
  const { server, token } = await startInstance({ clients: [DEFAULT_CLIENT, other] });
  const response = await fetch(
    `${server.url}/identity/oauth/token?${query({ client_id: 'other', client_secret: 'secret' })}`,
  );
  const body: unknown = await response.json();
  expect(body).toHaveProperty('access_token');
  expect(body).not.toHaveProperty('access_token', (await token()).access_token);
});

test('wrong credentials answer 401 with a body that has neither success nor errors', async () => {
  const { server } = await startInstance();
  const ask = (params: Record<string, string>) => fetch(`${server.url}/identity/oauth/token?${query(params)}`);
  const wrongSecret = await ask({ client_id: DEFAULT_CLIENT.clientId, client_secret: 'wrong' });
  expect(wrongSecret.status).toBe(401);
  expect(await wrongSecret.json()).toEqual({ error: 'invalid_client', error_description: 'Bad client credentials' });
  const unknownClient = await ask({ client_id: 'nobody', client_secret: 'wrong' });
  expect(unknownClient.status).toBe(401);
  expect(await unknownClient.json()).toEqual({
    error: 'unauthorized',
    error_description: 'No client with requested id: nobody',
  });
});

test('no token, a made-up one, an expired one and one without permission answer 600, 601, 602 and 603 in HTTP 200', async () => {
  const { server, token, clock, call } = await startInstance({
    clients: [{ ...DEFAULT_CLIENT, permissions: ['read'] }],
  });
  const path = '/rest/v1/leads.json?filterType=email&filterValues=a@example.com';
  const ask = async (headers: Record<string, string>, suffix = '') => {
    const response = await fetch(`${server.url}${path}${suffix}`, { headers });
    return { status: response.status, body: await response.json() };
  };
  const failure = (code: string) => ({ status: 200, body: { success: false, errors: [{ code }] } });
  const { access_token } = await token();
  expect(await ask({})).toMatchObject(failure('600'));
  expect(await ask({}, `&access_token=${access_token}`)).toMatchObject(failure('600'));
  expect(await ask({ authorization: 'Bearer nonsense' })).toMatchObject(failure('601'));
  expect(await ask({ authorization: `Bearer ${access_token}` })).toMatchObject({ body: { success: true } });
  expect(codeOf(await call('/rest/v1/leads/describe.json'))).toBe('603');
  expect((await call('/rest/v1/stats/usage.json')).success).toBe(true);
  clock.shift(3_600_000);
  await token();
  expect(await ask({ authorization: `Bearer ${access_token}` })).toMatchObject(failure('602'));
});

test('identity calls and calls answered 600 to 602 by the token check do not count', async () => {
  const { server, token } = await startInstance();
  await token();
  await fetch(`${server.url}/rest/v1/leads/describe.json`, { headers: { authorization: 'Bearer nonsense' } });
  const response = await fetch(`${server.url}/rest/v1/stats/usage.json`, {
    headers: { authorization: `Bearer ${(await token()).access_token}` },
  });
  expect(await response.json()).toMatchObject({ result: [{ total: 1 }] });
});
