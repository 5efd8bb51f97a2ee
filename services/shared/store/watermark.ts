import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';

/** The instant up to which LiveChat has been read; undefined before the first run has ended. */
export async function readWatermark(db: Database): Promise<Instant | undefined> {
  const row = await db.selectFrom('watermark').select('position').where('stream', '=', 'livechat').executeTakeFirst();
  return row?.position;
}

/**
 * Moves the watermark forward, never back: a run that was slower than another cannot undo what that one has read.
 * Every thread that LiveChat showed before this instant must be in the ledger when this is called.
 */
export async function moveWatermark(db: Database, runId: number, position: Instant): Promise<void> {
  await db
    .insertInto('watermark')
    .values({ stream: 'livechat', position, run_id: runId })
    .onConflict((conflict) =>
      conflict
        .column('stream')
        .doUpdateSet({ position, run_id: runId, updated_at: sql<Instant>`clock_timestamp()` })
        .where('watermark.position', '<', position),
    )
    .execute();
}
