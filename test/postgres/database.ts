import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { type Database, openDatabase } from '../../services/shared/store/database.ts';
import { migrate } from '../../services/shared/store/migrate.ts';
import { SCHEMA } from './schema-name.ts';

export { SCHEMA };

export type TestDatabase = { db: Database; url: string /** empties every table */; empty(): Promise<void> };

/** A database of its own for a test file, migrated; dropped when the file is done. */
export async function testDatabase(): Promise<TestDatabase> {
  const { url, drop } = await emptyDatabase();
  const db = await openDatabase(url, SCHEMA, { connections: 10 });
  await migrate(db, SCHEMA);
  afterAll(async () => {
    await db.destroy();
    await drop();
  });
  return { db, url, empty: () => emptyTables(url) };
}

/** A new database with nothing in it, not even the schema; the caller drops it. */
export async function emptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(server, `drop database ${name} with (force)`) };
}

async function emptyTables(url: string): Promise<void> {
  await onServer(
    url,
    `do $$ declare names text; begin
       select string_agg(format('%I.%I', schemaname, tablename), ', ') into names
         from pg_tables where schemaname = '${SCHEMA}' and tablename not like 'kysely%';
       execute 'truncate ' || names || ' restart identity cascade';
     end $$`,
  );
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
