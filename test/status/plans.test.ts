import { Kysely, PostgresDialect, sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { connectionPool } from '../../services/shared/store/database.ts';
import type { Readings } from '../../services/shared/store/readings.ts';
import type { Tables } from '../../services/shared/store/schema.ts';
import { buildApp } from '../../services/status/app.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { fillLedger } from './many.ts';
import { HOUR, silent } from './story.ts';

const { db, url } = await testDatabase();

/** Every statement of the status service, as it goes to Postgres. */
const sent: { sql: string; parameters: readonly unknown[] }[] = [];
const pool = connectionPool(url, 2);
const watchedDb = new Kysely<Tables>({
  dialect: new PostgresDialect({ pool }),
  log: ({ query }) => {
    sent.push({ sql: query.sql, parameters: query.parameters });
  },
}).withSchema(SCHEMA);
const readings: Readings = {
  read: (reading) => reading(watchedDb),
  change: (change) => change(watchedDb),
  check: async () => {},
  close: () => watchedDb.destroy(),
};
const app = buildApp({ readings, log: silent, syncInterval: HOUR });

beforeAll(() => fillLedger(db, { threads: 100_000, runs: 5000, errors: 20_000, calls: 60_000 }), 60_000);
afterAll(async () => {
  await app.close();
  await readings.close();
});

/** Tables that grow for as long as the product is used; each other has a row for a thing that there are few of. */
const GROWING = ['chat_thread', 'run', 'sync_error', 'marketo_call', 'lead_change'];

test.each([
  '/',
  '/metrics',
  '/api/v1/status',
  '/runs',
  '/runs?before=2500',
  '/runs?job=digest',
  '/runs/2500',
  '/errors',
  '/errors?code=lead-conflict',
  '/errors?code=run-failed&before=9000',
  '/errors?run=2500',
  '/errors?state=new',
  '/errors?state=told',
  '/dead',
  '/dead?code=lead-refused&before=2026-11-24T00:00:00.000000Z~x',
  '/threads/thread-777',
  '/calls',
  '/calls?run=2500',
  '/calls?outcome=throttled',
  '/calls?endpoint=usage&before=30000',
])('every statement behind %s finds its rows by an index', async (path) => {
  sent.length = 0;
  expect((await app.inject({ url: path, remoteAddress: '10.0.0.9' })).statusCode).toBe(200);
  const statements = sent.filter((each) => /^(?:select|with)/i.test(each.sql));
  expect(statements.length).toBeGreaterThan(0);
  for (const statement of statements) {
    const read = await scansOf(statement);
    expect(
      read.filter((table) => GROWING.includes(table)),
      statement.sql,
    ).toEqual([]);
  }
});

test('those that an address or a change needs, too', async () => {
  const address = db
    .selectFrom('chat_thread')
    .select('thread_id')
    .where(sql<boolean>`lower(email) = lower(${'a@b.c'})`);
  const dead = db.selectFrom('chat_thread').select('thread_id').where('state', '=', 'dead');
  for (const query of [address.compile(), dead.compile()]) {
    expect(await scansOf({ sql: query.sql, parameters: query.parameters })).toEqual([]);
  }
});

/** The tables that a statement would read from end to end. */
async function scansOf({ sql: text, parameters }: { sql: string; parameters: readonly unknown[] }): Promise<string[]> {
  const { rows } = await pool.query(`explain (format json) ${text}`, [...parameters]);
  const [{ Plan }] = z
    .array(z.object({ Plan: plan }))
    .min(1)
    .parse(rows[0]?.['QUERY PLAN']) as [{ Plan: Plan }];
  return seqScans(Plan);
}

type Plan = { 'Node Type': string; 'Relation Name'?: string | undefined; Plans?: Plan[] | undefined };
const plan: z.ZodType<Plan> = z.object({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  Plans: z.array(z.lazy(() => plan)).optional(),
});

function seqScans(of: Plan): string[] {
  const own = of['Node Type'] === 'Seq Scan' ? [of['Relation Name'] ?? '?'] : [];
  return [...own, ...(of.Plans ?? []).flatMap(seqScans)];
}
