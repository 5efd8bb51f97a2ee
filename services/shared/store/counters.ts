import { sql } from 'kysely';
import type { Database, DatabaseTransaction } from './database.ts';

/** One addition to a counter that /metrics shows; the name is the metric's. */
export type Count = { name: string; labels: Record<string, string>; by: number };

/**
 * Adds to counters. They live in the database, so that a job of seconds leaves them behind and parallel jobs add up.
 *
 * @param db a transaction where the counter must tell the same story as the rows beside it.
 * @param counts several for one counter are added together; those of zero are written too, so that a series exists
 *   from the first run on.
 */
export async function addCounts(db: Database | DatabaseTransaction, counts: readonly Count[]): Promise<void> {
  const sums = new Map<string, { name: string; labels: string; value: number }>();
  for (const { name, labels, by } of counts) {
    const text = JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
    const sum = sums.get(`${name} ${text}`) ?? { name, labels: text, value: 0 };
    sum.value += by;
    sums.set(`${name} ${text}`, sum);
  }
  if (sums.size === 0) return;
  // In one order everywhere, or two transactions that add to the same counters could wait for each other for ever.
  const rows = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  await db
    .insertInto('counter')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['name', 'labels']).doUpdateSet({ value: sql<number>`counter.value + excluded.value` }),
    )
    .execute();
}
