import { MarketoError } from './errors.ts';

/** The calls of a day, as stats/usage.json tells them. */
export type Usage = {
  /**
   * The instance's own day, `2026-11-23`: it ends at midnight US Central, and nobody says whether with daylight saving.
   * Undefined where the instance names none, because nobody has called it on that day yet.
   */
  day: string | undefined;
  /** Calls of all users of the instance. */
  total: number;
};

export type BudgetOptions = {
  /** Calls that this product may make in one of the instance's days. */
  dailyCalls: number;
  /** Calls that the instance allows all its users together in a day. Marketo tells it nowhere. */
  dailyQuota: number;
  /** How many calls of a day were ours, all processes together. */
  ownCalls: (day: string) => Promise<number>;
  /** Asks the instance; this is a call too. */
  readUsage: () => Promise<Usage>;
};

export type Budget = {
  /**
   * Counts one call that is about to be made.
   *
   * @throws MarketoError (quota) where the day's budget is used up: the run then ends in good order.
   */
  spend(endpoint: string): Promise<void>;
  /** The instance's day, as it was last told; undefined before that. */
  day(): string | undefined;
};

/** So many calls are made on the strength of one reading of the usage. */
const CALLS_PER_READING = 200;

/** Of the instance's quota, so much is left to others, who may need it later in the day. */
const RESERVED_SHARE = 0.2;

/**
 * The day's budget. The days are those that the instance itself names, so no time zone is guessed; the calls of others
 * count, because the quota is everyone's.
 *
 * @returns a budget that reads the usage before the first call, and again every few hundred.
 */
export function createBudget(options: BudgetOptions): Budget {
  let left = 0;
  let strength = 0;
  let day: string | undefined;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const usage = await options.readUsage();
    const own = usage.day === undefined ? 0 : await options.ownCalls(usage.day);
    // What the instance has counted may lag behind what we have done.
    const total = Math.max(usage.total, own);
    left = Math.min(options.dailyCalls - own, Math.floor(options.dailyQuota * (1 - RESERVED_SHARE)) - total);
    strength = CALLS_PER_READING;
    day = usage.day;
  }

  return {
    async spend(endpoint) {
      if (strength <= 0) {
        reading ??= read().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (left <= 0) throw new MarketoError('quota', endpoint, 'daily budget');
      left -= 1;
      strength -= 1;
    },
    day: () => day,
  };
}
