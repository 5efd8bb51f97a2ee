import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';

/** A lead field as Marketo's Describe shows it. */
export type StoredField = { name: string; type: string; length: number | undefined; readOnly: boolean };

export type StoredFields = {
  /** What the last description had, by name. */
  fields: Map<string, StoredField>;
  /** The names of fields that an earlier description had, and the last one has not. */
  gone: Set<string>;
  /** Whether the last description is younger than a day: Marketo advises to keep it for "a day or more". */
  isFresh: boolean;
};

/** What is remembered of an instance's lead fields; undefined where it was never described. */
export async function readLeadFields(db: Database, instance: string): Promise<StoredFields | undefined> {
  const rows = await db
    .selectFrom('lead_field')
    .select(['name', 'type', 'length', 'read_only'])
    .select(sql<boolean>`described_at = max(described_at) over ()`.as('is_last'))
    .select(sql<boolean>`max(described_at) over () > clock_timestamp() - interval '1 day'`.as('is_fresh'))
    .where('instance', '=', instance)
    .execute();
  const [any] = rows;
  if (!any) return undefined;
  const last = rows.filter((row) => row.is_last);
  return {
    fields: new Map(
      last.map(({ name, type, length, read_only }) => [
        name,
        { name, type, length: length ?? undefined, readOnly: read_only },
      ]),
    ),
    gone: new Set(rows.filter((row) => !row.is_last).map(({ name }) => name)),
    isFresh: any.is_fresh,
  };
}

/** Remembers a description; fields that it does not have stay, as gone. */
export async function rememberLeadFields(db: Database, instance: string, fields: Iterable<StoredField>): Promise<void> {
  const rows = [...fields];
  if (rows.length === 0) return;
  await db.transaction().execute(async (transaction) => {
    const { at } = await transaction.selectNoFrom(sql<Instant>`clock_timestamp()`.as('at')).executeTakeFirstOrThrow();
    await transaction
      .insertInto('lead_field')
      .values(
        rows.map(({ name, type, length, readOnly }) => ({
          instance,
          name,
          type,
          length: length ?? null,
          read_only: readOnly,
          described_at: at,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['instance', 'name']).doUpdateSet((row) => ({
          type: row.ref('excluded.type'),
          length: row.ref('excluded.length'),
          read_only: row.ref('excluded.read_only'),
          described_at: row.ref('excluded.described_at'),
        })),
      )
      .execute();
  });
}
