import { type Kysely, sql } from 'kysely';

/** What the status service reads, found by index however many rows there are: test/status/plans.test.ts holds it so. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.createIndex('run_by_end').on('run').columns(['job', 'finished_at']).execute();
  await db.schema
    .createIndex('run_at_work')
    .on('run')
    .columns(['job', 'id'])
    .where(sql.ref('finished_at'), 'is', sql.lit(null))
    .execute();
  await db.schema
    .createIndex('run_done')
    .on('run')
    .columns(['job', 'finished_at'])
    .where(sql.ref('outcome'), '=', sql.lit('done'))
    .execute();
  // Counts by state and by reason come from this index alone, without a look at the rows.
  await db.schema.createIndex('chat_thread_reason').on('chat_thread').columns(['state', 'reason']).execute();
  await db.schema.createIndex('sync_error_by_code').on('sync_error').columns(['code', 'id']).execute();
  await db.schema.createIndex('marketo_call_by_endpoint').on('marketo_call').columns(['endpoint', 'id']).execute();
  await db.schema
    .createIndex('marketo_call_not_ok')
    .on('marketo_call')
    .columns(['outcome', 'id'])
    .where(sql.ref('outcome'), '<>', sql.lit('ok'))
    .execute();
}
