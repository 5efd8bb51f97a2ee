import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { emptyDatabase, SCHEMA, testDatabase } from '../../../test/postgres/database.ts';
import { openDatabase } from './database.ts';
import { checkSchema, migrate } from './migrate.ts';

test('twenty processes that migrate at once apply each migration once, and none of them fails', async () => {
  const { url, drop } = await emptyDatabase();
  const databases = await Promise.all(Array.from({ length: 20 }, () => openDatabase(url, SCHEMA, { connections: 1 })));
  const applied = await Promise.all(databases.map((db) => migrate(db, SCHEMA)));
  expect(applied.flat().filter((name) => name === '0001_tables')).toHaveLength(1);
  const [db] = databases;
  if (db) expect(await migrate(db, SCHEMA)).toEqual([]);
  await Promise.all(databases.map((each) => each.destroy()));
  await drop();
});

test('a schema that is newer than the code ends with 69, one that is missing with 78', async () => {
  const { url, drop } = await emptyDatabase();
  const bare = await openDatabase(url, SCHEMA);
  await expect(checkSchema(bare, SCHEMA)).rejects.toMatchObject({ exitCode: 78 });
  await bare.destroy();
  await drop();

  const { db } = await testDatabase();
  await checkSchema(db, SCHEMA);
  await sql`insert into ${sql.table(`${SCHEMA}.kysely_migration`)} values ('9999_of_the_future', 'now')`.execute(db);
  await expect(checkSchema(db, SCHEMA)).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringContaining('9999_of_the_future'),
  });
  await expect(migrate(db, SCHEMA)).rejects.toMatchObject({ exitCode: 69 });
});

test('counters keep their counts where their labels get other names', async () => {
  const { url, drop } = await emptyDatabase();
  const db = await openDatabase(url, SCHEMA);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableSchema: SCHEMA,
  });
  await sql`create schema ${sql.id(SCHEMA)}`.execute(db);
  expect((await migrator.migrateTo('0007_looks')).error).toBeUndefined();
  const before: { name: string; labels: Record<string, string>; value: number }[] = [
    { name: 'lcm_leads_total', labels: { action: 'created' }, value: 1 },
    { name: 'lcm_runs_total', labels: { job: 'sync', outcome: 'done', trigger: 'manual' }, value: 2 },
    { name: 'livechat_requests_total', labels: { endpoint: 'get_chat', outcome: 'ok' }, value: 3 },
    { name: 'marketo_requests_total', labels: { endpoint: 'usage', outcome: 'ok' }, value: 4 },
  ];
  await db
    .insertInto('counter')
    .values(before.map((row) => ({ ...row, labels: JSON.stringify(row.labels) })))
    .execute();
  expect(await migrate(db, SCHEMA)).toContain('0008_counter_labels');
  expect(await db.selectFrom('counter').select(['name', 'labels', 'value']).orderBy('name').execute()).toEqual([
    { name: 'lcm_leads_total', labels: { action: 'created' }, value: 1 },
    { name: 'lcm_runs_total', labels: { command: 'sync', outcome: 'done', trigger: 'manual' }, value: 2 },
    { name: 'livechat_requests_total', labels: { call: 'get_chat', outcome: 'ok' }, value: 3 },
    { name: 'marketo_requests_total', labels: { call: 'usage', outcome: 'ok' }, value: 4 },
  ]);
  await db.destroy();
  await drop();
});

test('a statement may take as long as its process says: a migration’s longer than others', async () => {
  const { url, drop } = await emptyDatabase();
  const hurried = await openDatabase(url, SCHEMA, { answersWithin: 50 });
  const patient = await openDatabase(url, SCHEMA);
  await expect(sql`select pg_sleep(0.5)`.execute(hurried)).rejects.toThrow(/timeout/);
  await sql`select pg_sleep(0.5)`.execute(patient);
  await hurried.destroy();
  await patient.destroy();
  await drop();
});
