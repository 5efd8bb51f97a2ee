import { type Kysely, sql } from 'kysely';

/** The table as this migration finds it. */
type Then = { counter: { name: string; labels: unknown } };

/**
 * The labels `job` and `endpoint` of counters are what Prometheus and its operator call labels of their own: they become
 * `command` and `call`, with the counts that they have.
 */
export async function up(db: Kysely<Then>): Promise<void> {
  await rename(db, ['lcm_runs_total'], 'job', 'command');
  await rename(db, ['marketo_requests_total', 'livechat_requests_total'], 'endpoint', 'call');
}

async function rename(db: Kysely<Then>, counters: readonly string[], from: string, to: string): Promise<void> {
  await db
    .updateTable('counter')
    .set({ labels: sql`(labels - ${from}::text) || jsonb_build_object(${to}::text, labels -> ${from}::text)` })
    .where('name', 'in', counters)
    .where(sql<boolean>`jsonb_exists(labels, ${from})`)
    .execute();
}
