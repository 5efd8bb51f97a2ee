import { expect, test } from 'vitest';
import { codeOf, json, outcomes, startInstance } from './harness.ts';

const LEADS = '/rest/v1/leads.json';
const DEFAULTS = { action: 'createOrUpdate', lookupField: 'email' };

test('results come in the order of the input, with ids for what was written and none for what was skipped', async () => {
  const { sync, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'old@example.com' }]);
  const answer = await sync({
    input: [
      { email: 'new@example.com', firstName: 'New' },
      { email: 'bad', firstName: 'Bad' },
      { email: 'old@example.com', firstName: 'Old' },
    ],
  });
  expect(answer.success).toBe(true);
  expect(answer.result).toEqual([
    { id: expect.any(Number), status: 'created' },
    { status: 'skipped', reasons: [{ code: '1003', message: "Invalid value for field 'email' and value 'bad'" }] },
    { id, status: 'updated' },
  ]);
});

test('one bad value skips the whole record, its good fields included, and no other record', async () => {
  const { sync, server } = await startInstance();
  const [first, second] = server.addLeads([{ email: 'a@example.com' }, { email: 'b@example.com' }]);
  const answer = await sync({
    action: 'updateOnly',
    lookupField: 'id',
    input: [
      { id: first, firstName: 'Ann', chatCount: 14.1 },
      { id: second, firstName: 'Ben' },
    ],
  });
  expect(outcomes(answer)).toEqual(['skipped 1003', 'updated']);
  expect(answer.result?.[0]).toEqual({
    status: 'skipped',
    reasons: [{ code: '1003', message: "Invalid value for field 'chatCount' and value '14.1'" }],
  });
  expect(server.leads('a@example.com')[0]).toMatchObject({ firstName: null, chatCount: null });
  expect(server.leads('b@example.com')[0]).toMatchObject({ firstName: 'Ben' });
});

test('createOnly skips an address that exists with 1005, whatever its case, also one created in the same call', async () => {
  const { sync, server } = await startInstance();
  server.addLeads([{ email: 'Old@example.com' }]);
  const input = [{ email: 'old@example.com' }, { email: 'new@example.com' }, { email: 'NEW@example.com' }];
  const answer = await sync({ action: 'createOnly', lookupField: 'email', input });
  expect(outcomes(answer)).toEqual(['skipped 1005', 'created', 'skipped 1005']);
  expect(server.leads()).toHaveLength(2);
});

test('updateOnly skips what does not exist with 1004, by address and by id', async () => {
  const { sync } = await startInstance();
  expect(outcomes(await sync({ action: 'updateOnly', input: [{ email: 'new@example.com' }] }))).toEqual([
    'skipped 1004',
  ]);
  const byId = { action: 'updateOnly', lookupField: 'id', input: [{ id: 12, city: 'Bonn' }] };
  expect(outcomes(await sync(byId))).toEqual(['skipped 1004']);
});

test('an update by an address that several leads share is skipped with 1007; by id it works', async () => {
  const { sync, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com' }, { email: 'A@example.com' }]);
  for (const action of ['updateOnly', 'createOrUpdate']) {
    const answer = await sync({ action, input: [{ email: 'a@example.com', city: 'Bonn' }] });
    expect(outcomes(answer)).toEqual(['skipped 1007']);
  }
  const byId = await sync({ action: 'updateOnly', lookupField: 'id', input: [{ id, city: 'Bonn' }] });
  expect(byId.result).toEqual([{ id, status: 'updated' }]);
});

test('createOrUpdate updates what an earlier record of the same call creates', async () => {
  const { sync, server } = await startInstance();
  const answer = await sync({
    ...DEFAULTS,
    input: [
      { email: 'a@example.com', firstName: 'Ann' },
      { email: 'A@example.com', lastName: 'Lee' },
    ],
  });
  expect(outcomes(answer)).toEqual(['created', 'updated']);
  expect(server.leads('a@example.com')).toMatchObject([{ firstName: 'Ann', lastName: 'Lee' }]);
});

test('createDuplicate creates a second lead for an address', async () => {
  const { sync, server } = await startInstance();
  server.addLeads([{ email: 'a@example.com' }]);
  expect(outcomes(await sync({ action: 'createDuplicate', input: [{ email: 'a@example.com' }] }))).toEqual(['created']);
  expect(server.leads('a@example.com')).toHaveLength(2);
});

test('id is refused with createOnly, and is a key with updateOnly and createOrUpdate', async () => {
  const { sync, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com' }]);
  const tryIt = async (action: string) =>
    outcomes(await sync({ action, lookupField: 'id', input: [{ id, city: 'Bonn' }] }));
  expect(await tryIt('createOnly')).toEqual(['skipped 1003']);
  expect(await tryIt('updateOnly')).toEqual(['updated']);
  expect(await tryIt('createOrUpdate')).toEqual(['updated']);
  expect(outcomes(await sync({ action: 'createOnly', input: [{ id, email: 'b@example.com' }] }))).toEqual([
    'skipped 1003',
  ]);
});

test('a record without its lookup value is skipped: 1002 when it is missing, 1003 when it is empty', async () => {
  const { sync } = await startInstance();
  const answer = await sync({ ...DEFAULTS, input: [{ city: 'Bonn' }, { email: '' }, { email: null }] });
  expect(outcomes(answer)).toEqual(['skipped 1002', 'skipped 1003', 'skipped 1003']);
});

test('an unknown field skips its record with 1006, or fails the call where the instance is set up so', async () => {
  const body = { ...DEFAULTS, input: [{ email: 'a@example.com', nope: 1 }, { email: 'b@example.com' }] };
  const byRecord = await startInstance();
  expect(outcomes(await byRecord.sync(body))).toEqual(['skipped 1006', 'created']);
  const byCall = await startInstance({ behaviour: { unknownInputField: 'response' } });
  expect(codeOf(await byCall.sync(body))).toBe('1006');
  expect(byCall.server.leads()).toEqual([]);
});

test('an unknown lookupField fails the call with 1006, an unsearchable one with 1011', async () => {
  const { sync } = await startInstance();
  expect((await sync({ lookupField: 'userId', input: [{ userId: 1 }] })).errors).toEqual([
    { code: '1006', message: "Lookup field 'userId' not found" },
  ]);
  expect(codeOf(await sync({ lookupField: 'city', input: [{ city: 'Bonn' }] }))).toBe('1011');
});

test('a read-only field skips its record, or is passed over in silence where the instance is set up so', async () => {
  const body = { ...DEFAULTS, input: [{ email: 'a@example.com', inferredCountry: 'France', city: 'Lyon' }] };
  const strict = await startInstance();
  expect(outcomes(await strict.sync(body))).toEqual(['skipped 1003']);
  const silent = await startInstance({ behaviour: { readOnlyField: 'ignore' } });
  expect(outcomes(await silent.sync(body))).toEqual(['created']);
  expect(silent.server.leads('a@example.com')[0]).toMatchObject({ inferredCountry: null, city: 'Lyon' });
});

test('a company field skips its record with 1021, or is written where the instance is set up so', async () => {
  const body = { ...DEFAULTS, input: [{ email: 'a@example.com', billingCity: 'Lyon' }] };
  const strict = await startInstance();
  expect(outcomes(await strict.sync(body))).toEqual(['skipped 1021']);
  const lenient = await startInstance({ behaviour: { companyField: 'accept' } });
  expect(outcomes(await lenient.sync(body))).toEqual(['created']);
});

test('null and the empty text clear a field, and a cleared boolean is false', async () => {
  const { sync, server } = await startInstance();
  server.addLeads([{ email: 'a@example.com', city: 'Bonn', leadScore: 5, unsubscribed: true, country: 'Germany' }]);
  await sync({ ...DEFAULTS, input: [{ email: 'a@example.com', city: '', leadScore: null, unsubscribed: null }] });
  expect(server.leads('a@example.com')[0]).toMatchObject({
    city: null,
    leadScore: null,
    unsubscribed: false,
    country: 'Germany',
  });
});

test('a blocked field takes its first value and silently keeps it, and the record is reported as updated', async () => {
  const { sync, server } = await startInstance({ behaviour: { blockedFields: ['country'] } });
  server.addLeads([{ email: 'a@example.com' }]);
  const write = (country: string) => sync({ ...DEFAULTS, input: [{ email: 'a@example.com', country }] });
  expect(outcomes(await write('France'))).toEqual(['updated']);
  expect(outcomes(await write('Spain'))).toEqual(['updated']);
  expect(server.leads('a@example.com')[0]).toMatchObject({ country: 'France' });
});

test('an update that changes nothing is reported as updated and leaves updatedAt alone; one that does moves it', async () => {
  const { sync, server, clock } = await startInstance();
  server.addLeads([{ email: 'a@example.com', city: 'Bonn', lastChatAt: '2026-11-20T10:00:00Z' }]);
  const before = server.leads('a@example.com')[0]?.['updatedAt'];
  clock.shift(60_000);
  const same = { email: 'a@example.com', city: 'Bonn', lastChatAt: '2026-11-20T11:00:00.789+01:00', doNotCall: false };
  expect(outcomes(await sync({ ...DEFAULTS, input: [same] }))).toEqual(['updated']);
  expect(server.leads('a@example.com')[0]).toMatchObject({ updatedAt: before });
  await sync({ ...DEFAULTS, input: [{ email: 'a@example.com', city: 'Berlin' }] });
  expect(server.leads('a@example.com')[0]?.['updatedAt']).not.toBe(before);
  expect(server.leads('a@example.com')[0]?.['createdAt']).toBe(before);
});

test('an instance can refuse values by a rule of its own, quoting them in the message', async () => {
  const refuseValues = [{ field: 'phone', pattern: /[a-z]/i }];
  const { sync } = await startInstance({ behaviour: { refuseValues } });
  const answer = await sync({
    ...DEFAULTS,
    input: [
      { email: 'a@example.com', phone: 'call me' },
      { email: 'b@example.com', phone: '+49 228 1' },
    ],
  });
  expect(answer.result?.[0]).toEqual({
    status: 'skipped',
    reasons: [{ code: '1003', message: "Invalid value for field 'phone' and value 'call me'" }],
  });
  expect(outcomes(answer)).toEqual(['skipped 1003', 'created']);
});

test('more than 300 records, no input, an unknown action and an unknown partition fail the call', async () => {
  const { sync, server } = await startInstance();
  const many = Array.from({ length: 301 }, (_, i) => ({ email: `v${i}@example.com` }));
  expect(codeOf(await sync({ input: many }))).toBe('1003');
  expect(codeOf(await sync({ action: 'createOnly' }))).toBe('1002');
  expect(codeOf(await sync({ action: 'upsert', input: [] }))).toBe('1003');
  expect(codeOf(await sync({ partitionName: 'EU', input: [] }))).toBe('1013');
  expect(server.leads()).toEqual([]);
  expect((await sync({ input: many.slice(0, 300) })).result).toHaveLength(300);
});

test('what was written is read by the next lookup', async () => {
  const { sync, lookup } = await startInstance();
  await sync({ ...DEFAULTS, input: [{ email: 'a@example.com', city: 'Bonn' }] });
  const found = await lookup({ filterType: 'email', filterValues: 'a@example.com', fields: 'city' });
  expect(found.result).toMatchObject([{ city: 'Bonn' }]);
});

test('leads are deleted by both ways of asking, and unknown ids are skipped with 1004', async () => {
  const { call, server } = await startInstance();
  const [first, second] = server.addLeads([{ email: 'a@example.com' }, { email: 'b@example.com' }]);
  const one = await call(`${LEADS}?_method=DELETE`, json({ input: [{ id: first }, { id: 5 }] }));
  expect(one.result?.[0]).toEqual({ id: first, status: 'deleted' });
  expect(outcomes(one)).toEqual(['deleted', 'skipped 1004']);
  const other = await call('/rest/v1/leads/delete.json', json({ input: [{ id: second }] }));
  expect(outcomes(other)).toEqual(['deleted']);
  expect(server.leads()).toEqual([]);
});

test('a lead deleted between lookup and write is skipped with 1004', async () => {
  const { sync, call, server, faults, token } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com' }]);
  await token();
  faults.setLatency('marketo', { kind: 'fixed', ms: 150 });
  const write = sync({ action: 'updateOnly', lookupField: 'id', input: [{ id, city: 'Bonn' }] });
  await arrived(() => server.calls().some((c) => c.endpoint === 'leads-sync'));
  faults.setLatency('marketo', undefined);
  await call('/rest/v1/leads/delete.json', json({ input: [{ id }] }));
  expect(outcomes(await write)).toEqual(['skipped 1004']);
});

test('overlapping writes of one new address create duplicates, writes one after the other do not', async () => {
  const { sync, server, faults, token } = await startInstance();
  await token();
  faults.setLatency('marketo', { kind: 'fixed', ms: 100 });
  const body = { ...DEFAULTS, input: [{ email: 'a@example.com' }] };
  const answers = await Promise.all([sync(body), sync(body)]);
  expect(answers.map(outcomes)).toEqual([['created'], ['created']]);
  expect(server.leads('a@example.com')).toHaveLength(2);
  const other = { ...DEFAULTS, input: [{ email: 'b@example.com' }] };
  expect([outcomes(await sync(other)), outcomes(await sync(other))]).toEqual([['created'], ['updated']]);
});

test('a write can take place and its answer be lost: in a page, in a code, or with the connection', async () => {
  const { sync, raw, server, faults } = await startInstance();
  const write = (email: string) => raw(LEADS, json({ ...DEFAULTS, input: [{ email }] }));
  const after = { server: 'marketo', endpoint: 'leads-sync', when: 'after', times: 1 } as const;
  faults.add({ ...after, effect: { kind: 'html', status: 502 } });
  expect((await write('a@example.com')).status).toBe(502);
  faults.add({ ...after, effect: { kind: 'reset' } });
  await expect(write('b@example.com')).rejects.toThrow('fetch failed');
  faults.add({ ...after, effect: { kind: 'code', code: '604' } });
  expect(codeOf(await sync({ ...DEFAULTS, input: [{ email: 'c@example.com' }] }))).toBe('604');
  expect(server.leads().map((lead) => lead['email'])).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
});

test('a write that a fault strikes before its effect leaves no trace', async () => {
  const { sync, server, faults } = await startInstance();
  faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'code', code: '611' }, times: 1 });
  expect(codeOf(await sync({ ...DEFAULTS, input: [{ email: 'a@example.com' }] }))).toBe('611');
  expect(server.leads()).toEqual([]);
});

test('the call log tells endpoint, status, code, records and both instants; a reset empties everything', async () => {
  const { sync, server, clock, lookup } = await startInstance({ leads: [{ email: 'start@example.com' }] });
  clock.set(Date.parse('2026-12-01T00:00:00Z'));
  await sync({ ...DEFAULTS, input: [{ email: 'a@example.com' }, { email: 'b@example.com' }] });
  await lookup({ filterType: 'nope', filterValues: 'x' });
  const [write, read] = server.calls().filter((call) => call.endpoint !== 'identity');
  expect(write).toMatchObject({
    endpoint: 'leads-sync',
    method: 'POST',
    path: LEADS,
    status: 200,
    code: null,
    records: 2,
  });
  expect(write?.arrivedOn).toMatch(/^2026-12-01T00:00:0/);
  expect(write?.answeredAt).toBeGreaterThan(write?.arrivedAt ?? Number.NaN);
  expect(read).toMatchObject({ endpoint: 'leads-lookup', code: '1006' });
  expect(server.report()).toMatchObject({
    calls: 2,
    byEndpoint: { identity: 2, 'leads-sync': 1, 'leads-lookup': 1 },
    maxInAnyWindow: 2,
    maxConcurrent: 1,
  });
  server.reset();
  expect(server.calls()).toEqual([]);
  expect(server.leads().map((lead) => lead['email'])).toEqual(['start@example.com']);
});

test('leads added behind the API may hold read-only values and times, and must fit their fields', async () => {
  const { server } = await startInstance();
  server.addLeads([{ email: 'a@example.com', inferredCity: 'Bronx', updatedAt: '2026-01-02T03:04:05Z' }]);
  expect(server.leads('A@example.com')).toMatchObject([{ inferredCity: 'Bronx', updatedAt: '2026-01-02T03:04:05Z' }]);
  expect(() => server.addLeads([{ email: 'b@example.com' }, { nope: 1 }])).toThrow("'nope'");
  expect(server.leads()).toHaveLength(1);
});

async function arrived(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
