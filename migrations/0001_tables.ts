import { type Kysely, sql } from 'kysely';

/** The first tables: ledger, watermark, runs, errors, digests, slots, calls, counters, audit trail, lease. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('run')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('job', 'text', (c) => c.notNull().check(sql`job in ('sync', 'digest')`))
    .addColumn('trigger', 'text', (c) => c.notNull().check(sql`trigger in ('schedule', 'manual')`))
    .addColumn('name', 'text')
    .addColumn('started_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addColumn('heartbeat_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addColumn('finished_at', 'timestamptz')
    .addColumn('outcome', 'text', (c) => c.check(sql`outcome in ('done', 'skipped', 'stopped', 'failed', 'lost')`))
    .addColumn('window_from', 'timestamptz')
    .addColumn('window_to', 'timestamptz')
    .addColumn('counts', 'jsonb', (c) => c.notNull().defaultTo(sql`'{}'`))
    .addColumn('error', 'text')
    .addCheckConstraint('run_ended_has_outcome', sql`(finished_at is null) = (outcome is null)`)
    .execute();
  await db.schema.createIndex('run_by_job').on('run').columns(['job', 'id']).execute();

  await db.schema
    .createTable('chat_thread')
    .addColumn('thread_id', 'text', (c) => c.primaryKey())
    .addColumn('chat_id', 'text', (c) => c.notNull())
    .addColumn('customer_id', 'text')
    .addColumn('email', 'text')
    .addColumn('started_at', 'timestamptz', (c) => c.notNull())
    .addColumn('ended_at', 'timestamptz')
    .addColumn('state', 'text', (c) => c.notNull().check(sql`state in ('open', 'ready', 'synced', 'ignored', 'dead')`))
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('next_attempt_at', 'timestamptz')
    .addColumn('content_hash', 'text', (c) => c.notNull())
    .addColumn('visitor', 'jsonb')
    .addColumn('reason', 'text')
    .addColumn('lead_id', 'bigint')
    .addColumn('first_seen_at', 'timestamptz', (c) => c.notNull())
    .addColumn('updated_at', 'timestamptz', (c) => c.notNull())
    .addColumn('run_id', 'bigint', (c) => c.references('run.id').onDelete('set null'))
    .addCheckConstraint(
      'thread_ready_has_address',
      sql`state <> 'ready' or (email is not null and visitor is not null)`,
    )
    .execute();
  // Deliver finds its work, and the other threads of one address, by these two.
  await db.schema
    .createIndex('chat_thread_due')
    .on('chat_thread')
    .columns(['next_attempt_at', 'ended_at'])
    .where(sql.ref('state'), '=', sql.lit('ready'))
    .execute();
  await db.schema.createIndex('chat_thread_address').on('chat_thread').expression(sql`lower(email)`).execute();
  await db.schema.createIndex('chat_thread_state').on('chat_thread').columns(['state', 'updated_at']).execute();

  await db.schema
    .createTable('watermark')
    .addColumn('stream', 'text', (c) => c.primaryKey())
    .addColumn('position', 'timestamptz', (c) => c.notNull())
    .addColumn('run_id', 'bigint', (c) => c.references('run.id').onDelete('set null'))
    .addColumn('updated_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .execute();

  await db.schema
    .createTable('digest')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('local_date', 'text', (c) => c.notNull().unique())
    .addColumn('state', 'text', (c) => c.notNull().check(sql`state in ('claimed', 'sent')`))
    .addColumn('message_id', 'text', (c) => c.notNull())
    .addColumn('recipients', 'jsonb', (c) => c.notNull())
    .addColumn('error_count', 'integer', (c) => c.notNull())
    .addColumn('mail', 'jsonb', (c) => c.notNull())
    .addColumn('created_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addColumn('sent_at', 'timestamptz')
    .execute();

  await db.schema
    .createTable('sync_error')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('run_id', 'bigint', (c) => c.references('run.id').onDelete('set null'))
    .addColumn('at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addColumn('stage', 'text', (c) => c.notNull())
    .addColumn('code', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('thread_id', 'text')
    .addColumn('lead_id', 'bigint')
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('digest_id', 'bigint', (c) => c.references('digest.id').onDelete('set null'))
    .execute();
  await db.schema
    .createIndex('sync_error_undigested')
    .on('sync_error')
    .column('id')
    .where(sql.ref('digest_id'), 'is', sql.lit(null))
    .execute();
  await db.schema.createIndex('sync_error_by_thread').on('sync_error').column('thread_id').execute();
  await db.schema.createIndex('sync_error_by_run').on('sync_error').column('run_id').execute();
  await db.schema.createIndex('sync_error_by_digest').on('sync_error').column('digest_id').execute();

  await db.schema
    .createTable('slot')
    .addColumn('instance', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('rate', 'in-flight')`))
    .addColumn('id', 'integer', (c) => c.notNull())
    .addColumn('free_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`'-infinity'`))
    .addColumn('holder', 'text')
    .addPrimaryKeyConstraint('slot_pkey', ['instance', 'kind', 'id'])
    .execute();

  await db.schema
    .createTable('limit_state')
    .addColumn('instance', 'text', (c) => c.primaryKey())
    .addColumn('cap', 'double precision', (c) => c.notNull())
    .addColumn('reduced_at', 'timestamptz')
    .addColumn('paused_until', 'timestamptz')
    .addColumn('calls_per_window', 'integer', (c) => c.notNull())
    .addColumn('window_ms', 'integer', (c) => c.notNull())
    .addColumn('concurrency', 'integer', (c) => c.notNull())
    .addColumn('updated_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .execute();

  await db.schema
    .createTable('marketo_call')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('run_id', 'bigint', (c) => c.references('run.id').onDelete('set null'))
    .addColumn('instance', 'text', (c) => c.notNull())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('sent_at', 'timestamptz', (c) => c.notNull())
    .addColumn('answered_at', 'timestamptz')
    .addColumn('http_status', 'integer')
    .addColumn('code', 'text')
    .addColumn('request_id', 'text')
    .addColumn('records', 'integer', (c) => c.notNull())
    .addColumn('waited_ms', 'integer', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('marketo_call_by_time').on('marketo_call').columns(['instance', 'sent_at']).execute();
  await db.schema.createIndex('marketo_call_by_run').on('marketo_call').column('run_id').execute();

  await db.schema
    .createTable('marketo_day')
    .addColumn('instance', 'text', (c) => c.notNull())
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('calls', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('marketo_day_pkey', ['instance', 'day'])
    .execute();

  await db.schema
    .createTable('counter')
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('labels', 'jsonb', (c) => c.notNull())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('counter_pkey', ['name', 'labels'])
    .execute();

  await db.schema
    .createTable('lead_change')
    .addColumn('id', 'bigint', (c) => c.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('run_id', 'bigint', (c) => c.notNull())
    .addColumn('thread_id', 'text', (c) => c.notNull())
    .addColumn('lead_id', 'bigint')
    .addColumn('action', 'text', (c) => c.notNull().check(sql`action in ('created', 'updated')`))
    .addColumn('changes', 'jsonb', (c) => c.notNull())
    .addColumn('at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .execute();
  await db.schema.createIndex('lead_change_by_thread').on('lead_change').column('thread_id').execute();
  await db.schema.createIndex('lead_change_by_run').on('lead_change').column('run_id').execute();

  await db.schema
    .createTable('lease')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('acquired_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addColumn('expires_at', 'timestamptz', (c) => c.notNull())
    .execute();
}
