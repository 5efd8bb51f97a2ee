import { sql } from 'kysely';
import { type Instant, parseInstant } from '../runtime/instant.ts';
import type { Database } from './database.ts';

/** What a watermark belongs to: LiveChat's archive, or one backfill that is under way. */
export type Stream = 'livechat' | `backfill ${string}` | `look ${string}`;

/** The instant up to which the stream has been read; undefined before its first part has been. */
export async function readWatermark(db: Database, stream: Stream = 'livechat'): Promise<Instant | undefined> {
  const row = await db.selectFrom('watermark').select('position').where('stream', '=', stream).executeTakeFirst();
  return row?.position;
}

/**
 * Moves the watermark forward, never back: a run that was slower than another cannot undo what that one has read.
 * Every thread that LiveChat showed before this instant must be in the ledger when this is called.
 */
export async function moveWatermark(
  db: Database,
  runId: number,
  position: Instant,
  stream: Stream = 'livechat',
): Promise<void> {
  await db
    .insertInto('watermark')
    .values({ stream, position, run_id: runId })
    .onConflict((conflict) =>
      conflict
        .column('stream')
        .doUpdateSet({ position, run_id: runId, updated_at: sql<Instant>`clock_timestamp()` })
        .where('watermark.position', '<', position),
    )
    .execute();
}

/** Forgets how far a stream has been read: a backfill that is done begins anew when it is asked for again. */
export async function dropWatermark(db: Database, stream: Stream): Promise<void> {
  await db.deleteFrom('watermark').where('stream', '=', stream).execute();
}

/** A part of LiveChat's past that is to be read once more. */
export type Look = { from: Instant; to: Instant /** not before */; due: Instant };

/** Remembers that a part of LiveChat's past is to be read once more, when its time has come. */
export async function planLook(db: Database, runId: number, { from, to, due }: Look): Promise<void> {
  await moveWatermark(db, runId, due, `look ${from} ${to}`);
}

/** The looks whose time has come, the oldest part first. */
export async function dueLooks(db: Database, now: Instant): Promise<Look[]> {
  const rows = await db
    .selectFrom('watermark')
    .select(['stream', 'position'])
    .where('stream', 'like', 'look %')
    .where('position', '<=', now)
    .orderBy('stream')
    .execute();
  return rows.flatMap(({ stream, position }) => {
    const [, from, to] = stream.split(' ').map((part) => parseInstant(part));
    return from && to ? [{ from, to, due: position }] : [];
  });
}

/** Forgets a look that was done for the last time. */
export async function dropLook(db: Database, { from, to }: Look): Promise<void> {
  await dropWatermark(db, `look ${from} ${to}`);
}
