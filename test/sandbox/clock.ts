/** The sandbox's calendar: what the vendors' servers believe the time is. */
export type Clock = {
  /** Milliseconds since the epoch: real time plus the shift. */
  now(): number;
  /** Moves the calendar by so many milliseconds, forwards or (negative) backwards. */
  shift(ms: number): void;
  /** Makes now() this instant, in milliseconds since the epoch; it runs on from there. */
  set(ms: number): void;
};

/**
 * Creates a clock that runs at the speed of real time and can be moved, so that tests and the demo need not wait for an
 * hour or for a token's end.
 *
 * Only what a vendor shows or decides by the calendar reads it (createdAt, the Date header, token expiry, usage days).
 * Rate windows and latencies run on the process's monotonic time, or a shift would empty a window.
 *
 * @param start the instant now() begins at; real time where it is left out
 * @returns the clock
 * @throws RangeError for an instant or a shift that is not a finite number
 */
export function createClock(start?: Date): Clock {
  let offsetMs = 0;
  const clock: Clock = {
    now: () => Date.now() + offsetMs,
    shift(ms) {
      offsetMs += finite(ms);
    },
    set(ms) {
      offsetMs = finite(ms) - Date.now();
    },
  };
  if (start !== undefined) clock.set(start.getTime());
  return clock;
}

function finite(ms: number): number {
  if (!Number.isFinite(ms)) throw new RangeError(`The clock takes a finite number of milliseconds, not ${ms}.`);
  return ms;
}
