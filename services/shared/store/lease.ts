import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';

/**
 * Takes the named lease, where nobody holds it or its holder has let it run out. A row, not a session lock: it works
 * behind PgBouncer, and a connection that breaks does not free it.
 *
 * @param owner who asks; the same owner may take it again.
 * @param seconds for how long, from the database's now.
 * @returns whether the caller holds it now.
 */
export async function takeLease(db: Database, name: string, owner: string, seconds: number): Promise<boolean> {
  const expires = sql<Instant>`clock_timestamp() + make_interval(secs => ${seconds})`;
  const taken = await db
    .insertInto('lease')
    .values({ name, owner, expires_at: expires })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ owner, expires_at: expires, acquired_at: sql<Instant>`clock_timestamp()` })
        .where((where) =>
          where.or([where('lease.owner', '=', owner), where('lease.expires_at', '<', sql<Instant>`clock_timestamp()`)]),
        ),
    )
    .returning('name')
    .executeTakeFirst();
  return taken !== undefined;
}

/**
 * Makes the lease last longer.
 *
 * @returns false where another holds it by now: the caller must stop working.
 */
export async function renewLease(db: Database, name: string, owner: string, seconds: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('lease')
    .set({ expires_at: sql<Instant>`clock_timestamp() + make_interval(secs => ${seconds})` })
    .where('name', '=', name)
    .where('owner', '=', owner)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * Gives the lease back, but not yet: it is nobody's and cannot be taken for so many seconds, because what its holder has
 * begun elsewhere may still be going on. Nothing where it is another's by now.
 */
export async function coolLease(db: Database, name: string, owner: string, seconds: number): Promise<void> {
  await db
    .updateTable('lease')
    .set({ owner: COOLING, expires_at: sql<Instant>`clock_timestamp() + make_interval(secs => ${seconds})` })
    .where('name', '=', name)
    .where('owner', '=', owner)
    .execute();
}

/** Who holds the lease; undefined where nobody does, COOLING where nobody may take it yet. */
export async function leaseOwner(db: Database, name: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('lease')
    .select('owner')
    .where('name', '=', name)
    .where('expires_at', '>=', sql<Instant>`clock_timestamp()`)
    .executeTakeFirst();
  return row?.owner;
}

/** The owner of a lease that nobody holds and nobody may take yet. */
export const COOLING = 'nobody: calls of the last run may still be going on';

/** Gives the lease back; nothing where it is another's by now. */
export async function releaseLease(db: Database, name: string, owner: string): Promise<void> {
  await db.deleteFrom('lease').where('name', '=', name).where('owner', '=', owner).execute();
}
