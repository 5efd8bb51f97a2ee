import { type Kysely, sql } from 'kysely';

/** What Marketo has said of its lead fields: for a day instead of asking, and to tell a field that is gone from a typo. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('lead_field')
    .addColumn('instance', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('length', 'integer')
    .addColumn('read_only', 'boolean', (c) => c.notNull())
    .addColumn('described_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addPrimaryKeyConstraint('lead_field_pkey', ['instance', 'name'])
    .execute();
}
