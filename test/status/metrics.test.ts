import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { addCounts } from '../../services/shared/store/counters.ts';
import { coolLease, takeLease } from '../../services/shared/store/lease.ts';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { COUNTERS, DATABASE_GAUGES, SERVICE_GAUGES } from '../../services/status/metrics.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { addRun, addThreads, HOUR, minutesAgo, silent, tellStory } from './story.ts';

const { db, url, empty } = await testDatabase();
const readings = openReadings(url, SCHEMA, 5000);
const app = buildApp({ readings, log: silent, syncInterval: HOUR });
afterAll(async () => {
  await app.close();
  await readings.close();
});
beforeEach(empty);

test('on an empty database every series that there can be is there, at 0', async () => {
  const series = await scrape();
  for (const metric of [...COUNTERS, ...DATABASE_GAUGES, ...SERVICE_GAUGES]) {
    const size = Object.values(metric.labels ?? {}).reduce((product, values) => product * values.length, 1);
    const found = [...series.keys()].filter((name) => name === metric.name || name.startsWith(`${metric.name}{`));
    expect([metric.name, found.length]).toEqual([metric.name, size]);
  }
  for (const metric of COUNTERS) {
    for (const [name, value] of series)
      if (name.startsWith(`${metric.name}{`)) expect([name, value]).toEqual([name, 0]);
  }
  expect(series.get('lcm_database_up')).toBe(1);
  expect(series.get('lcm_sync_interval_seconds')).toBe(3600);
  expect(series.get('lcm_sync_last_success_timestamp_seconds')).toBe(0);
  expect(series.get('lcm_digest_due_timestamp_seconds')).toBe(0);
  expect(series.get('lcm_ledger_oldest_ready_timestamp_seconds')).toBe(0);
  // The tables were made a moment ago.
  expect(Date.now() / 1000 - (series.get('lcm_installed_timestamp_seconds') ?? 0)).toBeLessThan(600);
});

test('the gauges tell what is in the tables', async () => {
  await tellStory(db);
  await addRun(db, { started: 8, ended: 7, outcome: 'failed' });
  await addRun(db, { started: 3, ended: 2, outcome: 'skipped' });
  await addThreads(db, 'ready', 1, { seen: 500 });
  await takeLease(db, 'sync', 'me', 60);
  await takeLease(db, 'digest', 'me', -60);
  const series = await scrape();
  const age = (name: string) => (Date.now() / 1000 - (series.get(name) ?? 0)) / 60;
  expect(age('lcm_sync_last_success_timestamp_seconds')).toBeCloseTo(12.5, 0);
  expect(age('lcm_sync_last_run_timestamp_seconds')).toBeCloseTo(7.5, 0);
  expect(series.get('lcm_sync_last_run_duration_seconds')).toBeCloseTo(60, 0);
  expect(age('lcm_sync_watermark_timestamp_seconds')).toBeCloseTo(22.5, 0);
  expect(age('lcm_ledger_oldest_ready_timestamp_seconds')).toBeCloseTo(500.5, 0);
  expect(age('lcm_digest_last_success_timestamp_seconds')).toBeCloseTo(399.5, 0);
  expect(series.get('lcm_ledger_threads{state="synced"}')).toBe(1520);
  expect(series.get('lcm_ledger_threads{state="ready"}')).toBe(3);
  expect(series.get('lcm_errors_undigested')).toBe(3);
  expect(series.get('lcm_lease_held{name="sync"}')).toBe(1);
  expect(series.get('lcm_lease_held{name="digest"}')).toBe(0);
  expect(age('lcm_lease_acquired_timestamp_seconds{name="sync"}')).toBeCloseTo(0, 0);
  expect(age('lcm_lease_expires_timestamp_seconds{name="sync"}')).toBeCloseTo(-1, 0);
  expect(series.get('lcm_lease_acquired_timestamp_seconds{name="digest"}')).toBe(0);
  expect(series.get('lcm_marketo_day_calls')).toBe(3412);
  expect(series.get('lcm_marketo_day_limit_calls')).toBe(20_000);
  expect(series.get('lcm_leads_total{action="created"}')).toBe(402);
  expect(series.get('lcm_errors_total{code="lead-refused"}')).toBe(2);
});

test('an error that a digest carried is not undigested any more', async () => {
  await tellStory(db);
  const { id } = await db
    .insertInto('digest')
    .values({ local_date: '2026-11-23', state: 'sent', message_id: 'x', recipients: '[]', error_count: 3, mail: '{}' })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.updateTable('sync_error').set({ digest_id: id }).execute();
  expect((await scrape()).get('lcm_errors_undigested')).toBe(0);
});

test('a counter of a name that is not defined is not exported, nor one with other labels; a new label value is', async () => {
  await addCounts(db, [
    { name: 'lcm_unknown_total', labels: { canary: 'x' }, by: 1 },
    { name: 'lcm_leads_total', labels: { canary: 'x' }, by: 1 },
    { name: 'lcm_leads_total', labels: { action: 'merged' }, by: 5 },
  ]);
  const { body } = await app.inject('/metrics');
  expect(body).not.toContain('canary');
  expect(body).not.toContain('lcm_unknown');
  expect((await scrape()).get('lcm_leads_total{action="merged"}')).toBe(5);
});

test('a lease that nobody may take yet is held by nobody', async () => {
  await takeLease(db, 'sync', 'me', 60);
  await coolLease(db, 'sync', 'me', 60);
  expect((await scrape()).get('lcm_lease_held{name="sync"}')).toBe(0);
});

test('counters that parallel jobs add to lose nothing, and never go back from one scrape to the next', async () => {
  const seen: number[] = [];
  let adding = true;
  const watching = (async () => {
    while (adding) seen.push((await scrape()).get('lcm_leads_total{action="created"}') ?? -1);
  })();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let count = 0; count < 25; count++) {
        await addCounts(db, [
          { name: 'lcm_leads_total', labels: { action: 'created' }, by: 3 },
          { name: 'lcm_leads_total', labels: { action: 'updated' }, by: 1 },
        ]);
      }
    }),
  );
  adding = false;
  await watching;
  expect((await scrape()).get('lcm_leads_total{action="created"}')).toBe(600);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.length).toBeGreaterThan(1);
});

test('scrapes at the same time do not add up', async () => {
  await tellStory(db);
  const values = await Promise.all(
    Array.from({ length: 8 }, async () => (await scrape()).get('lcm_leads_total{action="created"}')),
  );
  expect(new Set(values)).toEqual(new Set([402]));
});

test('a database that does not answer within the deadline counts as down, and the scrape is answered in time', async () => {
  await addRun(db, { started: 5, ended: 4 });
  const hasty = openReadings(url, SCHEMA, 300);
  const hastyApp = buildApp({ readings: hasty, log: silent, syncInterval: HOUR });
  await db.transaction().execute(async (transaction) => {
    await sql`lock table ${sql.table(`${SCHEMA}.counter`)} in access exclusive mode`.execute(transaction);
    const began = performance.now();
    const { body, statusCode } = await hastyApp.inject('/metrics');
    expect(performance.now() - began).toBeLessThan(2000);
    expect(statusCode).toBe(200);
    expect(body).toContain('lcm_database_up 0');
    expect(body).toContain('lcm_sync_interval_seconds 3600');
    expect(body).toContain('process_resident_memory_bytes');
    expect(body).not.toContain('lcm_ledger_threads');
  });
  expect((await hastyApp.inject('/metrics')).body).toContain('lcm_database_up 1');
  await hastyApp.close();
  await hasty.close();
});

const promtool = '/usr/bin/promtool';
test.skipIf(!existsSync(promtool))('promtool finds nothing to blame (skipped where it is not installed)', async () => {
  await tellStory(db);
  const { body } = await app.inject('/metrics');
  const check = spawnSync(promtool, ['check', 'metrics'], { input: body, encoding: 'utf8' });
  expect([check.status, check.stdout, check.stderr]).toEqual([0, '', '']);
});
if (!existsSync(promtool)) process.stderr.write('SKIPPED: promtool is not installed, /metrics was not linted\n');

/** Every series with its value, process metrics included; the label order as exported. */
async function scrape(): Promise<Map<string, number>> {
  const answer = await app.inject('/metrics');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = answer.body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

test('a watermark with microseconds survives', async () => {
  await db
    .insertInto('watermark')
    .values({ stream: 'livechat', position: minutesAgo(1) })
    .execute();
  await sql`update ${sql.table(`${SCHEMA}.watermark`)} set position = '2026-11-23T14:07:11.383123Z'`.execute(db);
  expect((await scrape()).get('lcm_sync_watermark_timestamp_seconds')).toBe(1795442831.383123);
});
