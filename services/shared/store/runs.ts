import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import { addCounts } from './counters.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import type { RunOutcome, RunTable } from './schema.ts';

export type Job = RunTable['job'];

/**
 * Whether a Job of this name was made by the schedule: those are named `…-<minutes since 1970>`. A name that somebody has
 * given, `sync-20261123` say, ends in no minute of these years.
 *
 * @param now milliseconds since 1970.
 */
export function isScheduled(name: string | undefined, now: number): boolean {
  const minutes = Number(/-(\d{8})$/.exec(name ?? '')?.[1] ?? Number.NaN);
  return Math.abs(minutes - now / 60_000) < 5 * 365 * 24 * 60;
}

/**
 * Opens the row of a run.
 *
 * @param name the Kubernetes Job's name, where there is one.
 * @returns the run's id.
 */
export async function startRun(db: Database, job: Job, name: string | undefined): Promise<number> {
  const trigger = isScheduled(name, Date.now()) ? 'schedule' : 'manual';
  const { id } = await db
    .insertInto('run')
    .values({ job, trigger, name: name ?? null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Says that the run is alive: one that has not said so for long was killed. */
export async function heartbeat(db: Database, runId: number): Promise<void> {
  await db.updateTable('run').set({ heartbeat_at: sql<Instant>`clock_timestamp()` }).where('id', '=', runId).execute();
}

/**
 * Writes down by which rules a sync works.
 *
 * @returns whether the last sync that got so far worked by others; false for the first.
 */
export async function noteRules(db: Database | DatabaseTransaction, runId: number, hash: string): Promise<boolean> {
  const last = await db
    .selectFrom('run')
    .select('rules_hash')
    .where('job', '=', 'sync')
    .where('id', '<', runId)
    .where('rules_hash', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  await db.updateTable('run').set({ rules_hash: hash }).where('id', '=', runId).execute();
  return last !== undefined && last.rules_hash !== hash;
}

/** Writes down which part of LiveChat's past the run reads. */
export async function setRunWindow(db: Database, runId: number, from: Instant, to: Instant): Promise<void> {
  await db.updateTable('run').set({ window_from: from, window_to: to }).where('id', '=', runId).execute();
}

/**
 * Closes the row of a run.
 *
 * @param error the sentence with which it failed or stopped; no visitor's data in it.
 */
export async function finishRun(
  db: Database,
  runId: number,
  outcome: RunOutcome,
  counts: Record<string, number>,
  error?: string,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const closed = await transaction
      .updateTable('run')
      .set({
        finished_at: sql<Instant>`clock_timestamp()`,
        heartbeat_at: sql<Instant>`clock_timestamp()`,
        outcome,
        counts: JSON.stringify(counts),
        error: error ?? null,
      })
      .where('id', '=', runId)
      .where('finished_at', 'is', null)
      .returning(['job', 'trigger'])
      .executeTakeFirst();
    if (!closed) return;
    await addCounts(transaction, [
      { name: 'lcm_runs_total', labels: { command: closed.job, trigger: closed.trigger, outcome }, by: 1 },
    ]);
  });
}

/**
 * Closes the runs of a job that died without a word (killed, or their node lost), so that nobody takes them for working.
 * Only the holder of the job's lease may call this: then no other run of the job is alive.
 *
 * @returns their ids.
 */
export async function closeLostRuns(db: Database, job: Job, exceptRunId: number): Promise<number[]> {
  const lost = await db
    .selectFrom('run')
    .select('id')
    .where('job', '=', job)
    .where('finished_at', 'is', null)
    .where('id', '<', exceptRunId)
    .where('heartbeat_at', '<', sql<Instant>`clock_timestamp() - interval '2 minutes'`)
    .execute();
  for (const { id } of lost) {
    await finishRun(db, id, 'lost', {}, 'The run died without a word; its work was done again by a later run.');
  }
  return lost.map(({ id }) => id);
}
