import { expect, test } from 'vitest';
import { codeOf, form, startInstance } from './harness.ts';

const LEADS = '/rest/v1/leads.json';

test('a lookup returns the default fields, or those asked for and id, with explicit nulls and false for unset booleans', async () => {
  const { lookup, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com', firstName: 'Ann' }]);
  const filter = { filterType: 'email', filterValues: 'a@example.com' };
  const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect((await lookup(filter)).result).toEqual([
    { id, email: 'a@example.com', updatedAt: instant, createdAt: instant, firstName: 'Ann', lastName: null },
  ]);
  const fields = 'email,country,unsubscribed,leadScore,lastChatAt';
  expect((await lookup({ ...filter, fields })).result).toEqual([
    { id, email: 'a@example.com', country: null, unsubscribed: false, leadScore: null, lastChatAt: null },
  ]);
});

test('leads that do not exist are absent, and finding none is a success with an empty result', async () => {
  const { lookup, server } = await startInstance();
  server.addLeads([{ email: 'a@example.com' }]);
  const some = await lookup({ filterType: 'email', filterValues: 'x@example.com,a@example.com,y@example.com' });
  expect(some.result).toHaveLength(1);
  const { requestId: _, ...none } = await lookup({ filterType: 'email', filterValues: 'x@example.com' });
  expect(none).toEqual({ result: [], success: true });
});

test('the order of the result is not that of the filter, and is the same every time', async () => {
  const { lookup, server } = await startInstance();
  const emails = Array.from({ length: 20 }, (_, i) => `v${i}@example.com`);
  server.addLeads(emails.map((email) => ({ email })));
  const ask = async () =>
    (await lookup({ filterType: 'email', filterValues: emails.join(','), fields: 'email' })).result?.map(
      (l) => l['email'],
    );
  const order = await ask();
  expect(order).not.toEqual(emails);
  expect(order?.toSorted()).toEqual(emails.toSorted());
  expect(await ask()).toEqual(order);
});

test('every lead of a shared address comes back, matched without case and in the case it was stored', async () => {
  const { lookup, server } = await startInstance();
  server.addLeads([{ email: '0M996mK4pH@example.com' }, { email: '0m996mk4ph@example.com' }]);
  const { result } = await lookup({ filterType: 'email', filterValues: '0M996MK4PH@EXAMPLE.COM', fields: 'email' });
  expect(result?.map((lead) => lead['email']).toSorted()).toEqual(['0M996mK4pH@example.com', '0m996mk4ph@example.com']);
});

test('an instance can be set up to match addresses with case', async () => {
  const { lookup, server } = await startInstance({ behaviour: { emailMatching: 'caseSensitive' } });
  server.addLeads([{ email: 'Ann@example.com' }]);
  expect((await lookup({ filterType: 'email', filterValues: 'ann@example.com' })).result).toEqual([]);
  expect((await lookup({ filterType: 'email', filterValues: 'Ann@example.com' })).result).toHaveLength(1);
});

test('a plus that is not encoded is a space, blanks are part of a value, and a comma always separates', async () => {
  const { call, lookup, server } = await startInstance();
  server.addLeads([{ email: 'a+chat@example.com' }]);
  const post = (body: string) =>
    call(`${LEADS}?_method=GET`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
  expect((await post('filterType=email&filterValues=a+chat@example.com')).result).toEqual([]);
  expect((await post('filterType=email&filterValues=a%2Bchat@example.com')).result).toHaveLength(1);
  expect((await call(`${LEADS}?filterType=email&filterValues=a+chat@example.com`)).result).toEqual([]);
  expect((await lookup({ filterType: 'email', filterValues: ' a+chat@example.com' })).result).toEqual([]);
  expect((await lookup({ filterType: 'email', filterValues: '"x,a+chat@example.com"' })).result).toEqual([]);
});

test('300 addresses that match more than 300 leads make a page 2, announced by nextPageToken without moreResult', async () => {
  const { lookup, server } = await startInstance();
  const emails = Array.from({ length: 300 }, (_, i) => `v${i}@example.com`);
  const ids = server.addLeads([...emails, ...emails.slice(0, 50)].map((email) => ({ email })));
  const filter = { filterType: 'email', filterValues: emails.join(','), fields: 'email', batchSize: '300' };
  const first = await lookup(filter);
  expect(first.result).toHaveLength(300);
  expect(first).not.toHaveProperty('moreResult');
  const second = await lookup({ ...filter, nextPageToken: first.nextPageToken ?? '' });
  expect(second.result).toHaveLength(50);
  expect(second).not.toHaveProperty('nextPageToken');
  const seen = [...(first.result ?? []), ...(second.result ?? [])].map((lead) => lead['id']);
  expect(new Set(seen)).toEqual(new Set(ids));
  expect(codeOf(await lookup({ ...filter, nextPageToken: 'made-up' }))).toBe('1003');
});

test('batchSize makes pages smaller, and never larger than 300', async () => {
  const { lookup, server } = await startInstance();
  server.addLeads(Array.from({ length: 301 }, () => ({ email: 'a@example.com' })));
  const filter = { filterType: 'email', filterValues: 'a@example.com' };
  expect((await lookup({ ...filter, batchSize: '7' })).result).toHaveLength(7);
  expect((await lookup({ ...filter, batchSize: '1000' })).result).toHaveLength(300);
  expect(codeOf(await lookup({ ...filter, batchSize: 'many' }))).toBe('1001');
});

test('more than 1,000 matches fail the call with 1003', async () => {
  const { lookup, server } = await startInstance();
  server.addLeads(Array.from({ length: 1_000 }, () => ({ email: 'a@example.com' })));
  expect((await lookup({ filterType: 'email', filterValues: 'a@example.com' })).success).toBe(true);
  server.addLeads([{ email: 'a@example.com' }]);
  expect((await lookup({ filterType: 'email', filterValues: 'a@example.com' })).errors).toEqual([
    { code: '1003', message: 'Too many results match the filter' },
  ]);
});

test('an unknown field or filterType fails the whole call with 1006, an unsearchable one with 1011, a missing one with 1002', async () => {
  const { lookup } = await startInstance();
  const values = { filterValues: 'a@example.com' };
  expect((await lookup({ filterType: 'email', ...values, fields: 'email,Country' })).errors).toEqual([
    { code: '1006', message: "Field 'Country' not found" },
  ]);
  expect(codeOf(await lookup({ filterType: 'userId', ...values }))).toBe('1006');
  expect(codeOf(await lookup({ filterType: 'country', ...values }))).toBe('1011');
  expect(codeOf(await lookup(values))).toBe('1002');
  expect(codeOf(await lookup({ filterType: 'email' }))).toBe('1002');
});

test('more than 300 filter values are refused with the code that the instance is set up with', async () => {
  const filterValues = Array.from({ length: 301 }, (_, i) => `v${i}@example.com`).join(',');
  const byDefault = await startInstance();
  expect(codeOf(await byDefault.lookup({ filterType: 'email', filterValues }))).toBe('1003');
  const other = await startInstance({ behaviour: { tooManyRecordsCode: '611' } });
  expect(codeOf(await other.lookup({ filterType: 'email', filterValues }))).toBe('611');
});

test('leads are found by id and by custom string and integer fields', async () => {
  const { lookup, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com', lastChatTopic: 'Prices', chatCount: 3 }]);
  for (const [filterType, filterValues] of [
    ['id', `${id},1`],
    ['lastChatTopic', 'Prices'],
    ['chatCount', '3'],
  ] as const) {
    expect((await lookup({ filterType, filterValues, fields: 'email' })).result).toEqual([
      { id, email: 'a@example.com' },
    ]);
  }
});

test('one lead is read by its id, and an unknown id answers 1004', async () => {
  const { call, server } = await startInstance();
  const [id] = server.addLeads([{ email: 'a@example.com', city: 'Bonn' }]);
  expect((await call(`/rest/v1/lead/${id}.json?fields=city`)).result).toEqual([{ id, city: 'Bonn' }]);
  expect(codeOf(await call('/rest/v1/lead/1.json'))).toBe('1004');
});

test('describe tells types, lengths and read-only fields; describe2 what can be searched and updated', async () => {
  const { call } = await startInstance();
  const { result: fields = [] } = await call('/rest/v1/leads/describe.json');
  const byName = (name: string) => fields.find((field) => JSON.stringify(field['rest']).includes(`"${name}"`));
  expect(byName('country')).toMatchObject({ dataType: 'string', length: 255, rest: { readOnly: false } });
  expect(byName('inferredCountry')).toMatchObject({ rest: { readOnly: true } });
  expect(byName('billingCity')).toMatchObject({ rest: { readOnly: false } });
  expect(byName('externalCompanyId')).toMatchObject({ length: 50 });
  expect(byName('lastChatAt')).toMatchObject({ dataType: 'datetime', rest: { name: 'lastChatAt', readOnly: false } });
  expect(byName('lastChatAt')).not.toHaveProperty('length');
  const { result } = await call('/rest/v1/leads/describe2.json');
  expect(result).toHaveLength(1);
  expect(result?.[0]).toMatchObject({
    name: 'API Lead',
    searchableFields: expect.arrayContaining([['email'], ['id'], ['chatCount'], ['utmSource']]),
    fields: expect.arrayContaining([
      { name: 'createdAt', displayName: 'Created At', dataType: 'datetime', updateable: false, crmManaged: false },
    ]),
  });
});

test('a GET with short addresses works like the POST', async () => {
  const { call, server } = await startInstance();
  server.addLeads([{ email: 'a@example.com' }]);
  const params = { filterType: 'email', filterValues: 'a@example.com', fields: 'email' };
  const byGet = await call(`${LEADS}?${new URLSearchParams(params)}`);
  const byPost = await call(`${LEADS}?_method=GET`, form(params));
  expect(byGet.result).toEqual(byPost.result);
});
