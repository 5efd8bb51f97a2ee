import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';

/** A part of LiveChat's past that is to be read once more. */
export type Look = {
  from: Instant;
  to: Instant;
  /** Not before. */
  due: Instant;
  /** How far it has come, where it is under way. */
  reached: Instant | undefined;
};

/**
 * Remembers that what lies between two instants is to be read once more. One that begins at the same instant is made
 * longer: runs that fail one after the other leave one look, not one each.
 */
export async function planLook(db: Database, { from, to, due }: Omit<Look, 'reached'>): Promise<void> {
  await db
    .insertInto('look')
    .values({ from_at: from, to_at: to, due_at: due, reached_at: null })
    .onConflict((conflict) =>
      conflict.column('from_at').doUpdateSet({
        to_at: sql<Instant>`greatest(look.to_at, excluded.to_at)`,
        due_at: sql<Instant>`greatest(look.due_at, excluded.due_at)`,
      }),
    )
    .execute();
}

/** The looks whose time has come, the oldest part first. */
export async function dueLooks(db: Database, now: Instant): Promise<Look[]> {
  const rows = await db.selectFrom('look').selectAll().where('due_at', '<=', now).orderBy('from_at').execute();
  return rows.map(({ from_at: from, to_at: to, due_at: due, reached_at: reached }) => ({
    from,
    to,
    due,
    reached: reached ?? undefined,
  }));
}

/** Remembers how far a look has come, so that one that is broken off goes on from there. */
export async function moveLook(db: Database, look: Look, reached: Instant): Promise<void> {
  await db.updateTable('look').set({ reached_at: reached }).where('from_at', '=', look.from).execute();
}

/** A look is done: it is done once more at its next time, or forgotten where it has none. */
export async function endLook(db: Database, look: Look, next: Instant | undefined): Promise<void> {
  if (next === undefined) await db.deleteFrom('look').where('from_at', '=', look.from).execute();
  else await db.updateTable('look').set({ due_at: next, reached_at: null }).where('from_at', '=', look.from).execute();
}
