import { addMilliseconds, earlier, type Instant } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import { type Cutoffs, RETENTION_STEPS, type RetentionStep } from '../shared/store/retention.ts';
import { readWatermark } from '../shared/store/watermark.ts';

/** For how long each is kept, in milliseconds. */
export type Retention = Record<RetentionStep, number> & {
  /** How far behind the watermark every sync reads again. */
  overlap: number;
};

export type Cleaning = {
  db: Database;
  log: Logger;
  /** The run's instant: ages are counted from it. */
  now: Instant;
  signal: AbortSignal;
  retention: Retention;
};

/**
 * Takes away what has been kept for long enough, in small batches, so that no statement holds many rows or much time. Every
 * kind gets its turn, a batch each; what is left when the time is over is the next day's.
 *
 * @param stillMine called before each turn; throws where the work is another's by then.
 * @returns how many rows of each kind went: `erasedVisitors`, `deletedErrors` …; only what there was.
 */
export async function applyRetention(
  cleaning: Cleaning,
  stillMine: () => Promise<void>,
): Promise<Record<string, number>> {
  const { db, log, signal } = cleaning;
  const before = await cutoffs(cleaning);
  const counts: Record<string, number> = {};
  const deadline = performance.now() + LONGEST_MS;
  let left = STEPS;
  while (left.length > 0 && performance.now() < deadline) {
    await stillMine();
    const more: RetentionStep[] = [];
    for (const step of left) {
      signal.throwIfAborted();
      const rows = await RETENTION_STEPS[step](db, before, ROWS_AT_ONCE);
      if (rows > 0) counts[NAMES[step]] = (counts[NAMES[step]] ?? 0) + rows;
      if (rows === ROWS_AT_ONCE) more.push(step);
    }
    left = more;
  }
  if (Object.keys(counts).length > 0) log.info(counts, 'took away what has been kept for long enough');
  if (left.length > 0) log.info({ left }, 'there is more to take away: the next digest goes on');
  return counts;
}

const ROWS_AT_ONCE = 1000;

/** The job should be over in minutes, however much there is. */
const LONGEST_MS = 5 * 60_000;

const NAMES: Record<RetentionStep, string> = {
  visitors: 'erasedVisitors',
  errors: 'deletedErrors',
  changes: 'deletedChanges',
  calls: 'deletedCalls',
  runs: 'deletedRuns',
  digests: 'deletedDigests',
};

const STEPS: readonly RetentionStep[] = ['visitors', 'errors', 'changes', 'calls', 'runs', 'digests'];

async function cutoffs({ db, now, retention }: Cleaning): Promise<Cutoffs> {
  const before = (age: number) => addMilliseconds(now, -age);
  const watermark = await readWatermark(db);
  const visitors = before(retention.visitors);
  return {
    visitors,
    errors: before(retention.errors),
    changes: before(retention.changes),
    calls: before(retention.calls),
    runs: before(retention.runs),
    digests: before(retention.digests),
    readAgainFrom:
      watermark === undefined ? visitors : earlier(visitors, addMilliseconds(watermark, -retention.overlap)),
  };
}
