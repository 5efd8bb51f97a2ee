import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { LOOPBACKS } from '../loopbacks.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { addRun } from './story.ts';

const { db, url } = await testDatabase();
const NOWHERE = 'postgres://nobody:canary-secret@127.0.0.1:9/none';

let running: Service | undefined;
afterEach(() => running?.process.kill('SIGKILL'));

test('without its database the service starts, says so, stays alive, and ends with 143 on SIGTERM', async () => {
  const service = await start({ DATABASE_URL: NOWHERE });
  expect((await fetch(`${service.address}/healthz`)).status).toBe(200);
  const ready = await fetch(`${service.address}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ status: 503, detail: 'The database cannot be reached.' });
  const page = await fetch(service.address);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('The database cannot be reached.')]);
  const api = await fetch(`${service.address}/api/v1/status`);
  expect([api.status, api.headers.get('content-type')]).toEqual([503, 'application/problem+json; charset=utf-8']);
  const metrics = await fetch(`${service.address}/metrics`);
  expect([metrics.status, await metrics.text()]).toEqual([200, expect.stringContaining('lcm_database_up 0')]);
  service.process.kill('SIGTERM');
  expect(await service.ended).toBe(143);
  expect(service.said()).not.toContain('canary-secret');
  // One line for the trouble, not one for each request.
  expect(service.said().match(/the database cannot be read/g)).toHaveLength(1);
});

test('/metrics tells when the digest was due last, in its time zone, and which CronJobs are ours', async () => {
  const service = await start({
    DATABASE_URL: NOWHERE,
    DIGEST_SCHEDULE: '5 7 * * 1',
    DIGEST_TIME_ZONE: 'Asia/Kathmandu',
    KUBERNETES_CRONJOBS: 'lcm-sync,lcm-digest',
  });
  const text = await (await fetch(`${service.address}/metrics`)).text();
  expect(text.match(/^lcm_cronjob_info.*$/gm)).toEqual([
    'lcm_cronjob_info{cronjob="lcm-sync"} 1',
    'lcm_cronjob_info{cronjob="lcm-digest"} 1',
  ]);
  const due = Number(/^lcm_digest_due_timestamp_seconds (\d+)$/m.exec(text)?.[1]);
  const ago = Date.now() / 1000 - due;
  expect([ago >= 0, ago < 7 * 86_400]).toEqual([true, true]);
  const local = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Asia/Kathmandu',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  expect(local.format(due * 1000)).toBe('Mon 07:05');
});

test('a client that does not read its answers does not hold the process for ever', async () => {
  const service = await start({ DATABASE_URL: NOWHERE });
  const { hostname, port } = new URL(service.address);
  const client = connect(Number(port), hostname);
  client.on('error', () => {});
  onTestFinished(() => void client.destroy());
  await once(client, 'connect');
  const first = once(client, 'readable');
  // More than the buffers between the two take.
  client.write('GET /api/docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: status\r\n\r\n'.repeat(20));
  await first;
  service.process.kill('SIGTERM');
  expect(await service.ended).toBe(143);
  expect(service.said()).toContain('closing the connections whose answers nobody has read');
});

test('on SIGTERM a request that is under way is answered first', async () => {
  await addRun(db, { started: 5, ended: 4 });
  const service = await start({ DATABASE_URL: url });
  expect((await fetch(`${service.address}/readyz`)).status).toBe(200);
  const answer = await db.transaction().execute(async (transaction) => {
    await sql`lock table ${sql.table(`${SCHEMA}.run`)} in access exclusive mode`.execute(transaction);
    const underWay = fetch(`${service.address}/api/v1/runs`);
    await untilSomebodyWaits();
    service.process.kill('SIGTERM');
    return { underWay };
  });
  expect((await answer.underWay).status).toBe(200);
  expect(await service.ended).toBe(143);
});

test('by itself it is reached by IPv4 and, where the machine has it, by IPv6', async () => {
  const service = await start({ DATABASE_URL: NOWHERE, STATUS_HOST: '' });
  const { hostname, port } = new URL(service.address);
  expect(hostname).toBe('localhost');
  for (const host of LOOPBACKS) {
    const url = host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
    expect([host, (await fetch(`${url}/healthz`)).status]).toEqual([host, 200]);
  }
});

test('a configuration that does not hold ends with 78, and so does an address that is taken', async () => {
  const missing = launch({});
  expect(await missing.ended).toBe(78);
  expect(missing.said()).toContain('DATABASE_URL is not set');
  const half = launch({ DATABASE_URL: NOWHERE, KUBERNETES_RELEASE: 'shop' });
  expect(await half.ended).toBe(78);
  expect(half.said()).toContain('KUBERNETES_NAMESPACE and KUBERNETES_RELEASE belong together');
  const never = launch({ DATABASE_URL: NOWHERE, DIGEST_SCHEDULE: 'at seven', KUBERNETES_CRONJOBS: 'lcm-sync,a_b' });
  expect(await never.ended).toBe(78);
  expect(never.said()).toMatch(/DIGEST_SCHEDULE must be a schedule.*KUBERNETES_CRONJOBS must be a Kubernetes name/);
  const short = launch({ DATABASE_URL: NOWHERE, STATUS_TOKEN: 'canary-short' });
  expect(await short.ended).toBe(78);
  expect(short.said()).toContain('STATUS_TOKEN must have at least 16 characters');
  expect(short.said()).not.toContain('canary');
  const first = await start({ DATABASE_URL: NOWHERE });
  const second = launch({ DATABASE_URL: NOWHERE, STATUS_PORT: new URL(first.address).port });
  expect(await second.ended).toBe(78);
  expect(second.said()).toContain('EADDRINUSE');
});

type Service = { process: ChildProcess; ended: Promise<number | null>; said(): string };

function launch(env: Record<string, string>): Service {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../services/status/main.ts', import.meta.url))], {
    env: { PATH: process.env['PATH'] ?? '', STATUS_HOST: '127.0.0.1', STATUS_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close').then(([code]): number | null => (typeof code === 'number' ? code : null));
  return { process: child, ended, said: () => said };
}

/** Starts the service and waits until it says where it listens. */
async function start(env: Record<string, string>): Promise<Service & { address: string }> {
  const service = launch(env);
  running = service;
  for (;;) {
    const address = /listening on (http:\/\/[\w.:]+)/.exec(service.said())?.[1];
    if (address !== undefined) return { ...service, address };
    if (service.process.exitCode !== null) throw new Error(`the service ended: ${service.said()}`);
    await Promise.race([once(service.process.stdout ?? service.process, 'data'), service.ended]);
  }
}

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const { rows } = await sql`select 1 from pg_locks where not granted`.execute(db);
    if (rows.length > 0) return;
  }
}
