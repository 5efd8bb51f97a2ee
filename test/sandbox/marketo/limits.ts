import type { Usage } from './usage.ts';

export type LimitOptions = {
  /** Calls that may arrive in one window. */
  callsPerWindow: number;
  /** The window's length in milliseconds of real time. */
  windowMs: number;
  /** Calls that may be worked on at the same time. */
  concurrency: number;
  /** Calls a day. */
  dailyCalls: number;
  /**
   * Whether a call that is refused with 606, 607 or 615 counts all the same. The documentation exempts other codes by name
   * and not these, so they are believed to count; no recording settles it.
   */
  rejectedCallsCount: boolean;
};

/** The limits of a usual Marketo instance (Marketo developer docs, "Marketo integration best practices"). */
export const DEFAULT_LIMITS: LimitOptions = {
  callsPerWindow: 100,
  windowMs: 20_000,
  concurrency: 10,
  dailyCalls: 50_000,
  rejectedCallsCount: true,
};

export type Admission =
  | { admitted: true /** Ends the call; counted says whether it stays on the accounts. */; end(counted: boolean): void }
  | { admitted: false; code: '606' | '607' | '615'; message: string };

export type Limits = {
  /** Decides over a call that arrives now. */
  admit(user: string): Admission;
  clear(): void;
};

/**
 * The three limits that all users of an instance share: calls in the past window, calls being worked on, calls a day.
 * The window slides ("number of calls in the past 20 seconds"); the documentation's text is the only evidence for that. The
 * messages are those that callers of the real service quote.
 *
 * @param options the numbers
 * @param usage the day's account, read for the quota and written for each call
 */
export function createLimits(options: LimitOptions, usage: Usage): Limits {
  let arrivals: { at: number }[] = [];
  let inFlight = 0;

  function refusal(now: number): Exclude<Admission, { admitted: true }> | undefined {
    arrivals = arrivals.filter((arrival) => arrival.at > now - options.windowMs);
    if (usage.today() >= options.dailyCalls) {
      return { admitted: false, code: '607', message: `Daily quota '${options.dailyCalls}' reached` };
    }
    if (arrivals.length >= options.callsPerWindow) {
      const seconds = options.windowMs / 1000;
      const message = `Max rate limit '${options.callsPerWindow}' exceeded with in '${seconds}' secs`;
      return { admitted: false, code: '606', message };
    }
    if (inFlight >= options.concurrency) {
      return { admitted: false, code: '615', message: `Concurrent access limit '${options.concurrency}' reached` };
    }
    return undefined;
  }

  return {
    admit(user) {
      const arrival = { at: performance.now() };
      const refused = refusal(arrival.at);
      if (refused !== undefined && !options.rejectedCallsCount) return refused;
      arrivals.push(arrival);
      const takeBack = usage.count(user);
      if (refused !== undefined) return refused;
      inFlight += 1;
      return {
        admitted: true,
        end(counted) {
          inFlight -= 1;
          if (counted) return;
          arrivals = arrivals.filter((other) => other !== arrival);
          takeBack();
        },
      };
    },
    clear() {
      // Calls in flight stay: each of them still comes to its end and would count below zero.
      arrivals = [];
    },
  };
}
