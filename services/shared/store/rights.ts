import { type RawBuilder, sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE } from 'kysely/migration';
import { EXIT, Failure } from '../runtime/failure.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import { TABLES } from './schema.ts';

/**
 * Gives a role what the programs need that work with the tables, and nothing else: usage of the schema, reading and
 * writing rows of the product's own tables, and reading which migrations there are. It cannot create, alter, drop or
 * truncate anything. Identity columns draw their numbers without a right on their sequence, and there are no functions.
 *
 * What the role has already, by itself or as a member of another, is not granted again: done again, it changes nothing.
 *
 * @param transaction of a user that owns schema and tables.
 * @param role its name, as Postgres has it.
 * @throws Failure 78 where there is no such role, or where the rights are not this user's to give.
 */
export async function grantRights(transaction: DatabaseTransaction, schema: string, role: string): Promise<void> {
  // Postgres takes even a quoted "public" for everybody; it is no role, so it ends here.
  const { rows } = await sql`select from pg_roles where rolname::text = ${role}`.execute(transaction);
  if (rows.length === 0) {
    throw new Failure(
      EXIT.configuration,
      `DATABASE_GRANT_TO names ${JSON.stringify(role)}, and Postgres has no such role: create it, or correct the name.`,
    );
  }
  const lacking = await rightsLacking(transaction, schema, sql`${role}::name`);
  for (const { rights, tables } of lacking) {
    const what = sql.raw(rights.join(', '));
    const where = tables
      ? sql`table ${sql.join(tables.map((table) => sql.table(`${schema}.${table}`)))}`
      : sql`schema ${sql.id(schema)}`;
    await sql`grant ${what} on ${where} to ${sql.id(role)}`.execute(transaction);
  }
  // A grant of what is not one's own to give is a mere warning of Postgres, where one has some right oneself.
  const refused = lacking.length > 0 ? await rightsLacking(transaction, schema, sql`${role}::name`) : [];
  if (refused.length > 0) {
    throw new Failure(
      EXIT.configuration,
      `The user that migrates cannot give ${JSON.stringify(role)} its rights (${inWords(refused)}): make it the owner of the schema "${schema}" and of the tables in it.`,
    );
  }
}

/**
 * Makes sure that the user of this connection may do all that the programs do.
 *
 * @throws Failure 78 with all that it lacks.
 */
export async function checkRights(db: Database, schema: string): Promise<void> {
  const lacking = await rightsLacking(db, schema, sql`current_user`);
  if (lacking.length === 0) return;
  throw new Failure(
    EXIT.configuration,
    `The user in DATABASE_URL lacks rights on the schema "${schema}" (${inWords(lacking)}): let migrate grant them, with this user’s name in DATABASE_GRANT_TO (in the chart: migrations.grantTo).`,
  );
}

/** Rights on some tables, or on the schema itself. */
type Rights = { rights: readonly string[]; tables?: readonly string[] };

const ROWS = ['select', 'insert', 'update', 'delete'] as const;

/** What is not there yet is not lacking. The lists name the product's own tables: a schema may hold others. */
async function rightsLacking(
  db: Database | DatabaseTransaction,
  schema: string,
  role: RawBuilder<unknown>,
): Promise<Rights[]> {
  const usage = await sql`
    select from pg_namespace where nspname = ${schema} and not has_schema_privilege(${role}, oid, 'usage')`.execute(db);
  const wanted = [
    ...TABLES.flatMap((table) => ROWS.map((right) => [table, right])),
    [DEFAULT_MIGRATION_TABLE, 'select'],
  ];
  const { rows } = await sql<{ rights: string[]; tables: string[] }>`
    with lacking as (
      select relname as name, array_agg(wanted.privilege order by place) as rights
      from unnest(${wanted.map(([table]) => table)}::text[], ${wanted.map(([, right]) => right)}::text[])
        with ordinality as wanted(name, privilege, place)
      join pg_class on relname = wanted.name
      where relnamespace = (select oid from pg_namespace where nspname = ${schema})
        and not has_table_privilege(${role}, pg_class.oid, wanted.privilege)
      group by relname
    )
    select rights, array_agg(name::text order by name) as tables from lacking group by rights order by min(name)
  `.execute(db);
  return [...(usage.rows.length > 0 ? [{ rights: ['usage'] }] : []), ...rows];
}

function inWords(lacking: readonly Rights[]): string {
  return lacking
    .map(({ rights, tables }) => (tables ? `${rights.join(', ')} on ${someOf(tables)}` : `${rights.join(', ')} of it`))
    .join('; ');
}

function someOf(names: readonly string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} other tables`;
}
