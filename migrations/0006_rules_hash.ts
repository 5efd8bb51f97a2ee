import type { Kysely } from 'kysely';

/** Which rules a run worked by: where they have changed since the last run, dead threads get another life. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('run').addColumn('rules_hash', 'text').execute();
}
