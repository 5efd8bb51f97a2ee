import { request } from 'node:http';
import { expect, test } from 'vitest';
import { codeOf, form, json, startInstance } from './harness.ts';

const LEADS = '/rest/v1/leads.json';

test('a URI over 8 KB answers 414 with an HTML page, up to tens of KB', async () => {
  const { raw, server } = await startInstance();
  for (const length of [8_200, 60_000]) {
    const response = await raw(`${LEADS}?filterType=email&filterValues=${'a'.repeat(length)}`);
    expect(response.status).toBe(414);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('414 Request-URI Too Large');
  }
  expect((await raw(`${LEADS}?filterType=email&filterValues=${'a'.repeat(8_000)}`)).status).toBe(200);
  expect(server.calls().filter((call) => call.status === 414)).toHaveLength(2);
});

test('a body over 1 MB answers 413 with an HTML page', async () => {
  const { raw } = await startInstance();
  const response = await raw(LEADS, json({ input: [{ email: 'a@example.com', address: 'x'.repeat(1_100_000) }] }));
  expect(response.status).toBe(413);
  expect(await response.text()).toContain('413');
});

test('a form POST that lost its _method answers 605, whichever parameters it has', async () => {
  const { call } = await startInstance();
  const answer = await call(LEADS, form({ filterType: 'email', filterValues: 'a@example.com' }));
  expect(answer.errors).toEqual([{ code: '605', message: "Request method 'POST' not supported" }]);
  expect(codeOf(await call('/rest/v1/leads/describe.json', json({})))).toBe('605');
});

test('_method is taken from the URL and from the form body', async () => {
  const { call, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com' }]);
  const params = { filterType: 'email', filterValues: 'a@example.com', fields: 'email' };
  const found = [{ id, email: 'a@example.com' }];
  expect((await call(`${LEADS}?_method=GET`, form(params))).result).toEqual(found);
  expect((await call(LEADS, form({ ...params, _method: 'GET' }))).result).toEqual(found);
  expect((await call(`${LEADS}?${new URLSearchParams(params)}`)).result).toEqual(found);
});

test('a wrong content type answers 612, a body that is no JSON 609', async () => {
  const { call } = await startInstance();
  const post = (contentType: string, body: string, query = '') =>
    call(`${LEADS}${query}`, { method: 'POST', headers: { 'content-type': contentType }, body });
  expect(codeOf(await post('text/plain', '{"input":[]}'))).toBe('612');
  expect(codeOf(await post('nonsense', '{"input":[]}'))).toBe('612');
  expect(codeOf(await post('application/json', '{}', '?_method=GET'))).toBe('612');
  expect(codeOf(await post('application/json; charset=utf-8', '{"input":['))).toBe('609');
});

test('paths that do not exist and double slashes answer 610', async () => {
  const { call, server, token } = await startInstance();
  expect(codeOf(await call('/rest/v1/lead.json'))).toBe('610');
  expect(codeOf(await call('/rest//v1/leads.json?filterType=id&filterValues=1'))).toBe('610');
  const headers = { authorization: `Bearer ${(await token()).access_token}` };
  expect((await fetch(`${server.url}//rest/v1/leads.json`, { headers })).status).toBe(404);
});

test('answers carry the recorded headers, and a requestId that holds the time, both on the sandbox clock', async () => {
  const { raw, clock } = await startInstance();
  clock.set(Date.parse('2026-12-24T18:00:00Z'));
  const response = await raw('/rest/v1/stats/usage.json');
  expect(response.headers.get('content-type')).toBe('application/json;charset=UTF-8');
  expect(response.headers.get('date')).toBe('Thu, 24 Dec 2026 18:00:00 GMT');
  const body = await response.text();
  const stamp = /"requestId":"[0-9a-f]+#([0-9a-f]+)"/.exec(body)?.[1] ?? '';
  expect(new Date(Number.parseInt(stamp, 16)).toISOString()).toMatch(/^2026-12-24T18:00:0/);
  expect(Object.keys(JSON.parse(body))).toEqual(['requestId', 'result', 'success']);
});

test('a failed call has success false, the code as a string, and no result', async () => {
  const { call } = await startInstance();
  const { requestId, ...answer } = await call('/rest/v1/nothing.json');
  expect(requestId).toMatch(/#/);
  expect(answer).toEqual({ success: false, errors: [{ code: '610', message: 'Requested resource not found' }] });
});

test('an HTML page, a cut body and a cut connection can stand in for any answer', async () => {
  const { raw, faults } = await startInstance();
  const usage = '/rest/v1/stats/usage.json';
  faults.add({ server: 'marketo', endpoint: 'usage', effect: { kind: 'html', status: 502 }, times: 1 });
  const page = await raw(usage);
  expect(page.status).toBe(502);
  expect(await page.text()).toContain('502 Bad Gateway');
  faults.add({ server: 'marketo', endpoint: 'usage', effect: { kind: 'truncated' }, times: 1 });
  const cut = await raw(usage);
  expect(cut.status).toBe(200);
  const half = await cut.text();
  expect(half).toMatch(/^\{"requestId"/);
  expect(() => JSON.parse(half)).toThrow(SyntaxError);
  faults.add({ server: 'marketo', endpoint: 'usage', effect: { kind: 'reset' }, times: 1 });
  await expect(raw(usage)).rejects.toThrow('fetch failed');
  expect((await raw(usage)).status).toBe(200);
});

test('identity can fail too', async () => {
  const { server, faults, token } = await startInstance();
  faults.add({ server: 'marketo', endpoint: 'identity', effect: { kind: 'html', status: 503 }, times: 1 });
  const { clientId, clientSecret } = server.clients[0];
  const query = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  });
  expect((await fetch(`${server.url}/identity/oauth/token?${query}`)).status).toBe(503);
  expect((await token()).expires_in).toBeGreaterThan(3_590);
});

test('closing does not wait for calls that are still being worked on', async () => {
  const { server, faults, raw, token } = await startInstance();
  await token();
  faults.setLatency('marketo', { kind: 'fixed', ms: 60_000 });
  const { port } = new URL(server.url);
  const waiting = new Promise((resolve) => {
    request({ port, path: '/rest/v1/stats/usage.json', headers: { authorization: 'Bearer x' } }, resolve)
      .on('error', resolve)
      .end();
  });
  await waiting;
  const hanging = raw('/rest/v1/stats/usage.json').catch(() => 'cut');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const started = performance.now();
  await server.close();
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(await hanging).toBe('cut');
});
