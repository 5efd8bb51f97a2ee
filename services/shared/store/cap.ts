import { type RawBuilder, sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';

/** How much of the cap comes back in a window's length: 0.5 a second where the window is Marketo's 20 s. */
const REGROWTH_PER_WINDOW = 10;

/**
 * The cap of the moment, from a row of `limit_state`: what it was lowered to, and, from one window after that on, what
 * has come back since; never more than configured.
 *
 * @param configured calls in a window, as configured.
 * @param windowMs the window in milliseconds.
 * @param now the database's now.
 */
export function capNow(
  configured: RawBuilder<number>,
  windowMs: RawBuilder<number>,
  now: RawBuilder<Instant>,
): RawBuilder<number> {
  const windows = sql<number>`extract(epoch from ${now} - reduced_at)::float8 * 1000 / ${windowMs}`;
  return sql<number>`case when reduced_at is null then ${configured}::float8
    else least(${configured}::float8, cap + greatest(0, ${windows} - 1) * ${REGROWTH_PER_WINDOW}) end`;
}
