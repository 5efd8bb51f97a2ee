import { type Kysely, sql } from 'kysely';

/** Parts of LiveChat's past that are to be read once more, and threads that a lead was given and whose content is erased. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('look')
    .addColumn('from_at', 'timestamptz', (c) => c.primaryKey())
    .addColumn('to_at', 'timestamptz', (c) => c.notNull())
    // Not before.
    .addColumn('due_at', 'timestamptz', (c) => c.notNull())
    // How far a look that is under way has come.
    .addColumn('reached_at', 'timestamptz')
    .execute();
  await db.schema
    .createIndex('chat_thread_erased_by_lead')
    .on('chat_thread')
    .columns(['lead_id', 'ended_at'])
    .where(sql.ref('visitor'), 'is', sql.lit(null))
    .execute();
}
