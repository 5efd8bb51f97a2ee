/** The right to make one Marketo call. */
export type Slot = {
  /** How long it was waited for, in milliseconds. */
  waitedMs: number;
  /**
   * Gives it back: `answered` when the whole answer is there, or nothing was sent; `unknown` when no answer came. Marketo may
   * then still be working on the call, so it stays held until the lease ends.
   */
  giveBack(fate: 'answered' | 'unknown'): Promise<void>;
};

export type Slots = { take(signal: AbortSignal): Promise<Slot> };

export type SlotLimits = {
  /** Calls in one window. */
  callsPerWindow: number;
  /** The window, in milliseconds. */
  windowMs: number;
  /** Calls in flight. */
  concurrency: number;
  /** For how long a call without an answer is held, in milliseconds: longer than Marketo works on any call (90 s). */
  leaseMs?: number;
};

/**
 * Slots for one process: that there is only one is what the sync's lease sees to.
 *
 * Invariant: a call's slot is held from before its send until its answer plus a window, and never more than
 * `callsPerWindow` are held. Marketo counts a call at some moment between send and answer, so if more than that many
 * were counted within one window, all of their slots would be held when the last of them is sent, which cannot be.
 * No assumption about latency or about the moment of counting is made; releasing by the time of the send lets up to
 * `concurrency` more through.
 */
export function memorySlots(limits: SlotLimits): Slots {
  const { callsPerWindow, windowMs, concurrency, leaseMs = 100_000 } = limits;
  // Timers may fire a millisecond early, and two machines' seconds differ by some millionths.
  const margin = 20;
  const rate: number[] = Array.from({ length: callsPerWindow }, () => 0);
  const inFlight: number[] = Array.from({ length: concurrency }, () => 0);
  const waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  function dispatch(): void {
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0) {
      const now = performance.now();
      const freeAt = Math.max(Math.min(...rate), Math.min(...inFlight));
      if (freeAt > now) {
        timer = setTimeout(dispatch, Math.ceil(freeAt - now));
        return;
      }
      waiting.shift()?.();
    }
  }

  function hold(asked: number): Slot {
    const now = performance.now();
    const rateId = rate.findIndex((freeAt) => freeAt <= now);
    const inFlightId = inFlight.findIndex((freeAt) => freeAt <= now);
    rate[rateId] = now + leaseMs + windowMs + margin;
    inFlight[inFlightId] = now + leaseMs;
    let held = true;
    return {
      waitedMs: Math.round(now - asked),
      async giveBack(fate) {
        if (!held || fate === 'unknown') return;
        held = false;
        const answered = performance.now();
        rate[rateId] = answered + windowMs + margin;
        inFlight[inFlightId] = answered;
        dispatch();
      },
    };
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      const asked = performance.now();
      return new Promise<Slot>((resolve, reject) => {
        const turn = () => {
          signal.removeEventListener('abort', leave);
          resolve(hold(asked));
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', leave, { once: true });
        waiting.push(turn);
        dispatch();
      });
    },
  };
}
