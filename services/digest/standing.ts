import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { ErrorGroup } from '../shared/store/digests.ts';

/** What the reader of earlier digests knows of a trouble already. */
export type Standing =
  | { is: 'new' }
  | { is: 'known'; since: Instant; count: number }
  | { is: 'back' /** in milliseconds */; after: number; since: Instant; count: number };

/**
 * A trouble that no digest has told of is new. One that was told of is known, but for one that has been quiet for more than
 * a week: its reader takes it for mended, so it is news again. More than a week, because a warning about a state that lasts
 * is logged once a week, and some troubles have their weekday.
 */
export function standingOf({ kind, firstAt }: Pick<ErrorGroup, 'kind' | 'firstAt'>): Standing {
  if (kind.toldUntil === null) return { is: 'new' };
  const quiet = millisecondsOf(firstAt) - millisecondsOf(kind.toldUntil);
  const history = { since: kind.firstAt, count: kind.count };
  return quiet >= QUIET_MS ? { is: 'back', after: quiet, ...history } : { is: 'known', ...history };
}

const QUIET_MS = 8 * 86_400_000;
