import type { Kysely } from 'kysely';

/** Finds threads by their customer and by their start, and errors by their kind. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.createIndex('chat_thread_by_customer').on('chat_thread').column('customer_id').execute();
  await db.schema.createIndex('chat_thread_by_start').on('chat_thread').column('started_at').execute();
  await db.schema.createIndex('sync_error_by_kind').on('sync_error').columns(['code', 'subject', 'at']).execute();
}
