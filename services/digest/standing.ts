import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { ErrorGroup } from '../shared/store/digests.ts';

/** What the reader of earlier digests knows of a trouble already. */
export type Standing =
  | { is: 'new' }
  | { is: 'known'; since: Instant; count: number }
  | { is: 'back' /** in milliseconds */; after: number; since: Instant; count: number };

/**
 * A trouble that no digest has told of is new. One that was told of is known, but for one that has been quiet for a
 * week: its reader takes it for mended, so it is news again. A week, so that what happens on working days only is not
 * news every Monday.
 */
export function standingOf({ kind, firstAt }: Pick<ErrorGroup, 'kind' | 'firstAt'>): Standing {
  if (kind.toldUntil === null) return { is: 'new' };
  const quiet = millisecondsOf(firstAt) - millisecondsOf(kind.toldUntil);
  const history = { since: kind.firstAt, count: kind.count };
  return quiet >= QUIET_MS ? { is: 'back', after: quiet, ...history } : { is: 'known', ...history };
}

const QUIET_MS = 7 * 86_400_000;
