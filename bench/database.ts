import pg from 'pg';
import { openDatabase } from '../services/shared/store/database.ts';
import { migrate } from '../services/shared/store/migrate.ts';
import { SCHEMA } from '../test/postgres/schema-name.ts';

/**
 * A new database with the product's schema.
 *
 * @param server a Postgres URL with the right to create databases.
 * @param name the database's name.
 * @returns its URL.
 */
export async function createDatabase(server: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const url = new URL(server);
  url.pathname = `/${name}`;
  const db = await openDatabase(url.href, SCHEMA);
  try {
    await migrate(db, SCHEMA);
  } finally {
    await db.destroy();
  }
  return url.href;
}
