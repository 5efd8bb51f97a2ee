import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { EXIT, Failure } from '../runtime/failure.ts';
import type { Database } from './database.ts';

/**
 * Brings the schema up to this code. Done again it does nothing; started by several processes at once, one works and
 * the others wait for it (Kysely holds a transaction-level advisory lock meanwhile).
 *
 * @returns the names of the migrations that this call applied.
 * @throws Failure 69 where the schema is newer than this code, or the migration's own error.
 */
export async function migrate(db: Database, schema: string): Promise<string[]> {
  await createSchema(db, schema);
  await refuseNewer(db, schema);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableSchema: schema,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.filter((result) => result.status === 'Success').map((result) => result.migrationName);
}

/**
 * Makes sure that this code and the schema fit before anything is read or written.
 *
 * @throws Failure 69 where the schema is newer, 78 where it is older or missing.
 */
export async function checkSchema(db: Database, schema: string): Promise<void> {
  const applied = await refuseNewer(db, schema);
  const missing = Object.keys(MIGRATIONS).filter((name) => !applied.includes(name));
  if (missing.length === 0) return;
  throw new Failure(
    EXIT.configuration,
    `The schema "${schema}" lacks ${missing.length === 1 ? 'a migration' : 'migrations'} (${missing.join(', ')}): run migrate first.`,
  );
}

async function refuseNewer(db: Database, schema: string): Promise<string[]> {
  const applied = await appliedMigrations(db, schema);
  const newer = applied.filter((name) => !(name in MIGRATIONS));
  if (newer.length === 0) return applied;
  throw new Failure(
    EXIT.schemaNewerThanCode,
    `The schema "${schema}" is newer than this release (it has ${newer.join(', ')}): install the release that made it, or a later one.`,
  );
}

async function appliedMigrations(db: Database, schema: string): Promise<string[]> {
  const table = await sql<{
    found: string | null;
  }>`select to_regclass(${`"${schema}".kysely_migration`})::text as found`.execute(db);
  if (table.rows[0]?.found == null) return [];
  const { rows } = await sql<{
    name: string;
  }>`select name from ${sql.table(`${schema}.kysely_migration`)} order by name`.execute(db);
  return rows.map((row) => row.name);
}

/** `create schema if not exists` can still fail when two do it at once: then it exists, which is what was wanted. */
async function createSchema(db: Database, schema: string): Promise<void> {
  const found = await sql<{
    there: boolean;
  }>`select exists (select from pg_namespace where nspname = ${schema}) as there`.execute(db);
  // Creating even what exists needs a right on the whole database, which a user of one schema need not have.
  if (found.rows[0]?.there) return;
  try {
    await db.schema.createSchema(schema).ifNotExists().execute();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== '23505' && code !== '42P06') throw error;
  }
}
