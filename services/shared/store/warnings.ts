import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';
import { type LoggedError, logErrors } from './errors.ts';

/**
 * Logs a warning about a state that lasts: once, not in every run, and once more each week for as long as it lasts. Asked of
 * the kinds, which are kept however short the time is for which errors are.
 */
export async function logOnce(db: Database, runId: number, warning: LoggedError): Promise<void> {
  const said = await db
    .selectFrom('error_kind')
    .select('fingerprint')
    .where('code', '=', warning.code)
    .where('subject', '=', warning.subject ?? '')
    .where('last_at', '>', sql<Instant>`clock_timestamp() - interval '7 days'`)
    .executeTakeFirst();
  if (!said) await logErrors(db, runId, [warning]);
}
