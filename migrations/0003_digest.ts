import { type Kysely, sql } from 'kysely';

/** The tables as this migration finds and makes them; later ones may differ. */
type Then = {
  sync_error: { id: number; code: string; subject: string; at: string; fingerprint: string; digest_id: number | null };
  error_kind: {
    fingerprint: string;
    code: string;
    subject: string;
    first_at: string;
    last_at: string;
    count: number;
    told_until: string | null;
    told_in: number | null;
  };
};

/** Kinds of errors that outlive the errors, the addresses that were forgotten, and what retention needs to be quick. */
export async function up(db: Kysely<Then>): Promise<void> {
  await db.schema
    .createTable('error_kind')
    .addColumn('fingerprint', 'text', (c) => c.primaryKey())
    .addColumn('code', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('first_at', 'timestamptz', (c) => c.notNull())
    .addColumn('last_at', 'timestamptz', (c) => c.notNull())
    .addColumn('count', 'bigint', (c) => c.notNull())
    // The last of its errors that a digest has carried, and which digest that was.
    .addColumn('told_until', 'timestamptz')
    .addColumn('told_in', 'bigint', (c) => c.references('digest.id').onDelete('set null'))
    .execute();
  await db.schema.createIndex('error_kind_told_in').on('error_kind').column('told_in').execute();
  await db
    .insertInto('error_kind')
    .columns(['fingerprint', 'code', 'subject', 'first_at', 'last_at', 'count', 'told_until', 'told_in'])
    .expression((query) =>
      query
        .selectFrom('sync_error')
        .select((row) => [
          'fingerprint',
          row.fn.min('code').as('code'),
          row.fn.min('subject').as('subject'),
          row.fn.min('at').as('first_at'),
          row.fn.max('at').as('last_at'),
          row.fn.countAll<number>().as('count'),
          row.fn.max('at').filterWhere('digest_id', 'is not', null).as('told_until'),
          row.fn.max('digest_id').as('told_in'),
        ])
        .groupBy('fingerprint'),
    )
    .execute();

  await db.schema
    .createTable('forgotten_address')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('forgotten_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .execute();
  // One row, drawn when the first address is forgotten: the key of this installation's hashes.
  await db.schema
    .createTable('forgetting_key')
    .addColumn('id', 'integer', (c) => c.primaryKey().defaultTo(1).check(sql`id = 1`))
    .addColumn('key', 'text', (c) => c.notNull())
    .execute();

  // Deleting a run would else go through the whole ledger, and write every row again that the run had taken. A run's
  // number is never used twice, so one that is gone does no harm there (lead_change has always been so).
  await db.schema.alterTable('chat_thread').dropConstraint('chat_thread_run_id_fkey').execute();
  await db.schema
    .createIndex('chat_thread_erasable')
    .on('chat_thread')
    .column('updated_at')
    .where(
      sql<boolean>`state in ('synced', 'ignored') and (visitor is not null or email is not null or customer_id is not null)`,
    )
    .execute();
  // Both only ever grow at their end: a few pages of index tell where the old rows are.
  await db.schema.createIndex('lead_change_by_age').on('lead_change').using('brin').column('at').execute();
  await db.schema.createIndex('marketo_call_by_age').on('marketo_call').using('brin').column('sent_at').execute();
}
