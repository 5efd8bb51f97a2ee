import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { SCHEMA } from '../postgres/database.ts';
import { firstHour, SOMETHING_OF_EVERYTHING, secondHour } from './two-hours.ts';
import { startWorld } from './world.ts';

/* What the other tests of this folder stand on: a run that was killed in this process is as dead as a killed process. */

const world = await startWorld();
beforeEach(() => world.reset());

/** Everything that a run could have an effect on; for Postgres, that is every row with the transaction that wrote it. */
async function everything() {
  const { rows: tables } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = ${SCHEMA}
  `.execute(world.db);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      sql`select xmin, * from ${sql.table(`${SCHEMA}.${name}`)} order by ctid`.execute(world.db),
    ),
  );
  const { rows: open } = await sql`
    select pid, state from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%'
  `.execute(world.db);
  return {
    rows: rows.map((result) => result.rows),
    open,
    leads: world.sandbox.marketo.leads(),
    calls: [world.sandbox.marketo.calls(), world.sandbox.livechat.calls()],
  };
}

test('a dead run has no further effect, though it is told to stop and time passes', async () => {
  await firstHour(world, SOMETHING_OF_EVERYTHING);
  let deaths = 0;
  for (const when of ['before', 'after'] as const) {
    for (let at = 2; at < 140; at += 9) {
      const stop = new AbortController();
      const { died, effects } = await secondHour(world, { at, when }, stop.signal);
      if (!died) continue;
      deaths += 1;
      // At most the calls in flight beside the last one.
      expect(effects - at, `${when} ${at}`).toBeLessThan(5);
      const before = await everything();
      expect(before.open).toEqual([]);
      // What makes a living run clean up: give rows back, free its lease, close its row.
      stop.abort();
      await sleep(40);
      expect(await everything(), `${when} ${at}`).toEqual(before);
    }
  }
  expect(deaths).toBeGreaterThan(10);
});

test('a run that nobody kills is not changed by being watched: it waits for nothing, and ends with 0', async () => {
  await firstHour(world, SOMETHING_OF_EVERYTHING);
  const lived = await secondHour(world);
  expect(lived).toMatchObject({ died: false, result: { status: 'fulfilled', value: 0 } });
  expect(lived.effects).toBeGreaterThan(100);
});
