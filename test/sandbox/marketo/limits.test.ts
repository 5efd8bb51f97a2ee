import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { codeOf, form, type Instance, startInstance } from './harness.ts';

const USAGE = '/rest/v1/stats/usage.json';

/** So many calls at the same time, and their codes: quick enough to fall into one window on a busy machine. */
async function burst({ call }: Instance, calls: number): Promise<(string | undefined)[]> {
  return (await Promise.all(Array.from({ length: calls }, () => call(USAGE)))).map(codeOf);
}

const passed = (calls: number) => Array.from({ length: calls }, () => undefined);

test('the call past the limit of a window answers 606 in HTTP 200, and calls pass again when the window has moved on', async () => {
  const instance = await startInstance({ limits: { callsPerWindow: 20, windowMs: 1_000 } });
  expect([...(await burst(instance, 10)), ...(await burst(instance, 10))]).toEqual(passed(20));
  expect(await burst(instance, 1)).toEqual(['606']);
  await delay(1_010);
  expect(await burst(instance, 1)).toEqual(passed(1));
  expect(instance.server.report()).toMatchObject({ calls: 22, throttled: { '606': 1 }, maxInAnyWindow: 21 });
});

test('the message of 606 names the limit and the seconds', async () => {
  const { call } = await startInstance({ limits: { callsPerWindow: 0 } });
  expect((await call(USAGE)).errors).toEqual([
    { code: '606', message: "Max rate limit '0' exceeded with in '20' secs" },
  ]);
});

test('the window slides: calls at the end of one clock-aligned window still count at the start of the next', async () => {
  const instance = await startInstance({ limits: { callsPerWindow: 10, windowMs: 1_000 } });
  await burst(instance, 5);
  await delay(600);
  expect(await burst(instance, 5)).toEqual(passed(5));
  await delay(500);
  expect((await burst(instance, 6)).filter((code) => code === '606')).toHaveLength(1);
});

test.each([true, false])('refused calls count: %s, as the instance is set up', async (rejectedCallsCount) => {
  const instance = await startInstance({ limits: { callsPerWindow: 5, windowMs: 800, rejectedCallsCount } });
  await burst(instance, 5);
  await delay(450);
  expect(await burst(instance, 5)).toEqual(Array.from({ length: 5 }, () => '606'));
  await delay(450);
  expect(await burst(instance, 1)).toEqual(rejectedCallsCount ? ['606'] : passed(1));
});

test('the eleventh call at the same time answers 615 at once, and a place is free when an answer has come', async () => {
  const { call, faults, server, token } = await startInstance();
  await token();
  faults.setLatency('marketo', { kind: 'fixed', ms: 150 });
  const codes = (await Promise.all(Array.from({ length: 12 }, () => call(USAGE)))).map(codeOf);
  expect(codes.filter((code) => code === '615')).toHaveLength(2);
  expect(codes.filter((code) => code === undefined)).toHaveLength(10);
  const again = (await Promise.all(Array.from({ length: 10 }, () => call(USAGE)))).map(codeOf);
  expect(again.every((code) => code === undefined)).toBe(true);
  expect(server.report().maxConcurrent).toBe(11);
  expect(server.report().throttled['615']).toBe(2);
});

test('a caller that hangs up does not free its place: the server works on', async () => {
  const { call, faults, server, token } = await startInstance({ limits: { concurrency: 1 } });
  const headers = { authorization: `Bearer ${(await token()).access_token}` };
  const caller = new AbortController();
  const underWay = () => server.calls().some((line) => line.endpoint === 'usage' && line.status === null);
  faults.setLatency('marketo', { kind: 'fixed', ms: 400 });
  const answer = fetch(`${server.url}${USAGE}`, { headers, signal: caller.signal });
  while (!underWay()) await delay(2);
  faults.setLatency('marketo', undefined);
  caller.abort();
  await expect(answer).rejects.toThrow('abort');
  expect(codeOf(await call(USAGE))).toBe('615');
  while (underWay()) await delay(2);
  expect(codeOf(await call(USAGE))).toBeUndefined();
});

test('the daily quota answers 607 until midnight in Chicago on the sandbox clock', async () => {
  const { call, clock } = await startInstance({ limits: { dailyCalls: 3 } });
  clock.set(Date.parse('2026-11-24T05:30:00Z'));
  for (let i = 0; i < 3; i++) expect(codeOf(await call(USAGE))).toBeUndefined();
  expect((await call(USAGE)).errors).toEqual([{ code: '607', message: "Daily quota '3' reached" }]);
  clock.set(Date.parse('2026-11-24T06:00:01Z'));
  expect(codeOf(await call(USAGE))).toBeUndefined();
});

test('usage and errors are told by day and by user, seven days of them on demand', async () => {
  const { call, clock, server } = await startInstance();
  clock.set(Date.parse('2026-11-22T20:00:00Z'));
  await call(USAGE);
  await call('/rest/v1/nothing.json');
  clock.shift(86_400_000);
  const user = server.clients[0].user;
  expect((await call(USAGE)).result).toEqual([{ date: '2026-11-23', total: 1, users: [{ userId: user, count: 1 }] }]);
  const week = (await call('/rest/v1/stats/usage/last7days.json')).result;
  expect(week).toHaveLength(7);
  expect(week?.slice(5)).toMatchObject([
    { date: '2026-11-22', total: 2 },
    { date: '2026-11-23', total: 2 },
  ]);
  expect((await call('/rest/v1/stats/errors.json')).result).toEqual([{ date: '2026-11-23', total: 0, errors: [] }]);
  const errors = (await call('/rest/v1/stats/errors/last7days.json')).result;
  expect(errors?.[5]).toEqual({ date: '2026-11-22', total: 1, errors: [{ errorCode: '610', count: 1 }] });
});

test('calls answered with the starred codes are taken off the accounts, others stay on them', async () => {
  const { call, faults } = await startInstance({ limits: { callsPerWindow: 3 } });
  for (const code of ['604', '608', '611']) faults.add({ server: 'marketo', effect: { kind: 'code', code }, times: 1 });
  for (const code of ['604', '608', '611']) expect(codeOf(await call(USAGE))).toBe(code);
  expect(codeOf(await call('/rest/v1/leads.json', form({ filterType: 'email' })))).toBe('605');
  expect((await call(USAGE)).result).toMatchObject([{ total: 1 }]);
  faults.add({ server: 'marketo', effect: { kind: 'code', code: '713' }, times: 1 });
  expect(codeOf(await call(USAGE))).toBe('713');
  expect((await call(USAGE)).result).toMatchObject([{ total: 3 }]);
  expect(codeOf(await call(USAGE))).toBe('606');
});
