import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { EXIT, Failure } from '../runtime/failure.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import { checkRights, grantRights } from './rights.ts';

/**
 * Brings the schema up to this code, in one transaction: all of it, or nothing. Done again it does nothing; started by
 * several processes at once, one works and the others wait for it.
 *
 * @param grantTo the role that the other programs connect as, where it is not this one: it is granted what they need,
 *   also where there was nothing to migrate.
 * @returns the names of the migrations that this call applied.
 * @throws Failure 69 where the schema is newer than this code, 78 where this user may not do it or there is no such
 *   role; or the migration's own error.
 */
export async function migrate(db: Database, schema: string, grantTo?: string): Promise<string[]> {
  try {
    return await db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(${LOCK}::bigint)`.execute(transaction);
      const applied = await applyMissing(transaction, schema);
      if (grantTo !== undefined) await grantRights(transaction, schema, grantTo);
      return applied;
    });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '42501')) throw error;
    throw new Failure(
      EXIT.configuration,
      `The user that migrates may not do this (${error.message}): make it the owner of the schema "${schema}" and of all in it, or, where there is no such schema yet, let it create one.`,
      { cause: error },
    );
  }
}

/**
 * How long a statement of a migration may take, in milliseconds: an index of a large table takes minutes, and whoever
 * migrates second waits for the first. The chart's deadlines are longer.
 */
export const MIGRATION_DEADLINE = 30 * 60_000;

/** The number under which Kysely's migrator locks: a release that still uses its lock waits for this one. */
const LOCK = '3853314791062309107';

async function applyMissing(transaction: DatabaseTransaction, schema: string): Promise<string[]> {
  const applied = await refuseNewer(transaction, schema);
  if (missingOf(applied).length === 0) return [];
  await createSchema(transaction, schema);
  const migrator = new Migrator({
    db: transaction,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableSchema: schema,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.filter((result) => result.status === 'Success').map((result) => result.migrationName);
}

/**
 * Makes sure that this code and the schema fit, and that this user may work with it, before anything is read or written:
 * a right that is lacking must not show itself between a call to Marketo and the record of it.
 *
 * @throws Failure 69 where the schema is newer, 78 where it is older or missing, or where the user lacks rights.
 */
export async function checkSchema(db: Database, schema: string): Promise<void> {
  await checkRights(db, schema);
  const missing = missingOf(await refuseNewer(db, schema));
  if (missing.length === 0) return;
  throw new Failure(
    EXIT.configuration,
    `The schema "${schema}" lacks ${missing.length === 1 ? 'a migration' : 'migrations'} (${missing.join(', ')}): run migrate first.`,
  );
}

function missingOf(applied: readonly string[]): string[] {
  return Object.keys(MIGRATIONS).filter((name) => !applied.includes(name));
}

async function refuseNewer(db: Database | DatabaseTransaction, schema: string): Promise<string[]> {
  const applied = await appliedMigrations(db, schema);
  const newer = applied.filter((name) => !(name in MIGRATIONS));
  if (newer.length === 0) return applied;
  throw new Failure(
    EXIT.schemaNewerThanCode,
    `The schema "${schema}" is newer than this release (it has ${newer.join(', ')}): install the release that made it, or a later one.`,
  );
}

async function appliedMigrations(db: Database | DatabaseTransaction, schema: string): Promise<string[]> {
  const table = await sql<{
    found: string | null;
  }>`select to_regclass(${`"${schema}".kysely_migration`})::text as found`.execute(db);
  if (table.rows[0]?.found == null) return [];
  const { rows } = await sql<{
    name: string;
  }>`select name from ${sql.table(`${schema}.kysely_migration`)} order by name`.execute(db);
  return rows.map((row) => row.name);
}

/**
 * Creating even what exists needs a right on the whole database, which a user of one schema need not have. Where it may
 * not create tables, it is told so here: in a transaction, Kysely's own attempt would end in words about the transaction.
 */
async function createSchema(transaction: DatabaseTransaction, schema: string): Promise<void> {
  const { rows } = await sql<{ mine: boolean }>`
    select has_schema_privilege(current_user, oid, 'create') as mine from pg_namespace where nspname = ${schema}
  `.execute(transaction);
  if (rows.length === 0) await transaction.schema.createSchema(schema).execute();
  if (rows[0]?.mine === false) {
    throw new Failure(
      EXIT.configuration,
      `The user that migrates may not create tables in the schema "${schema}": make it the schema’s owner.`,
    );
  }
}
