import { randomUUID } from 'node:crypto';

/** The right to make one Marketo call. */
export type Slot = {
  /** How long it was waited for, in milliseconds. */
  waitedMs: number;
  /**
   * Whether it may still be sent with. A process that stood still between taking and sending (a pause of its garbage
   * collector, a throttled CPU) would otherwise send into a lease that ends before the call does.
   */
  isFresh(): boolean;
  /**
   * Gives it back: `answered` when the whole answer is there; `unsent` when nothing was sent; `unknown` when no answer
   * came. Marketo may then still be working on the call, so it stays held until its lease ends by itself.
   */
  giveBack(fate: Fate): Promise<void>;
};

export type Fate = 'answered' | 'unsent' | 'unknown';

/** Where slots are kept, for all processes together. */
export type SlotStore = {
  prepare(): Promise<void>;
  take(holders: readonly string[]): Promise<{ granted: readonly string[]; waitMs: number; short: string }>;
  giveBack(holder: string, fate: 'answered' | 'unsent'): Promise<void>;
  throttled(): Promise<void>;
};

export type Slots = {
  /** Waits for its turn, in the order of asking. */
  take(signal: AbortSignal): Promise<Slot>;
  /** Marketo throttled a call all the same: every process slows down. */
  throttled(): Promise<void>;
};

/** A slot that was taken longer ago is given back, not sent with; the lease is this much longer than any call. */
export const FRESH_MS = 5000;

/** More are not asked for at once: one process must not take what others wait for. */
const MOST_AT_ONCE = 10;

/**
 * The slots as one process uses them: a single dispatcher asks for all who wait, and sleeps until asking can help, so
 * that waiting costs the database next to nothing, however many wait.
 *
 * Invariant: a call's slot is held from before it is sent until its
 * answer plus a window, and never more than the limit are held. Marketo counts a call at some moment between sending
 * and answer; if more than the limit were counted within one window, all their slots would have been held when the last
 * of them was sent, which cannot be. Nothing is assumed about latency, or about the moment of counting; holding from the
 * send for a window, as limiters do, lets through as many more as are in flight.
 *
 * @param store the slots of all processes.
 * @param paceMs the least time between two calls of this process, in milliseconds.
 */
export async function createSlots(store: SlotStore, paceMs = 0): Promise<Slots> {
  await store.prepare();
  const waiting: Waiting[] = [];
  let dispatching = false;
  let pause: { end(): void; untilAnswer: boolean } | undefined;
  let notBefore = 0;

  async function dispatch(): Promise<void> {
    if (dispatching) return;
    dispatching = true;
    let inVain = 0;
    try {
      while (waiting.length > 0) {
        const pace = notBefore - performance.now();
        if (pace > 0) await pauseFor(pace, false);
        const wanted = Math.min(waiting.length, paceMs > 0 ? 1 : MOST_AT_ONCE);
        const takenAt = performance.now();
        const { granted, waitMs, short } = await store.take(Array.from({ length: wanted }, () => randomUUID()));
        for (const holder of granted) {
          const next = waiting.shift();
          // Whoever it was for has gone meanwhile.
          if (!next) await store.giveBack(holder, 'unsent');
          else {
            notBefore = performance.now() + paceMs;
            next.serve(slotOf(holder, takenAt, next.askedAt));
          }
        }
        inVain = granted.length > 0 ? 0 : inVain + 1;
        if (granted.length < wanted && waiting.length > 0) {
          await pauseFor(pauseAfter(waitMs, short, inVain), short === 'in-flight');
        }
      }
    } catch (error) {
      for (const one of waiting.splice(0)) one.refuse(error);
    } finally {
      dispatching = false;
    }
  }

  /**
   * @param untilAnswer whether an answer to one of our own calls ends the pause: it frees its place in flight. When all
   *   who wait have left, there is nothing to wait for either.
   */
  function pauseFor(milliseconds: number, untilAnswer: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(end, milliseconds);
      function end(): void {
        clearTimeout(timer);
        pause = undefined;
        resolve();
      }
      pause = { end, untilAnswer };
    });
  }

  function slotOf(holder: string, takenAt: number, askedAt: number): Slot {
    return {
      waitedMs: Math.round(performance.now() - askedAt),
      isFresh: () => performance.now() - takenAt < FRESH_MS,
      async giveBack(fate) {
        if (fate === 'unknown') return;
        await store.giveBack(holder, fate);
        if (pause?.untilAnswer) pause.end();
      },
    };
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      return new Promise<Slot>((resolve, reject) => {
        const one: Waiting = {
          askedAt: performance.now(),
          serve(slot) {
            signal.removeEventListener('abort', leave);
            resolve(slot);
          },
          refuse(error) {
            signal.removeEventListener('abort', leave);
            reject(error);
          },
        };
        function leave(): void {
          const place = waiting.indexOf(one);
          if (place >= 0) waiting.splice(place, 1);
          if (waiting.length === 0) pause?.end();
          reject(signal.reason);
        }
        signal.addEventListener('abort', leave, { once: true });
        waiting.push(one);
        void dispatch();
      });
    },
    throttled: () => store.throttled(),
  };
}

type Waiting = { askedAt: number; serve(slot: Slot): void; refuse(error: unknown): void };

/**
 * For a rate row the time is known: never earlier, and not all processes at once. For a place in flight that another
 * process holds it is not: longer each time, up to ten times, for it may be a dead one's.
 */
function pauseAfter(waitMs: number, short: string, inVain: number): number {
  if (short === 'rate') return waitMs + 20 * Math.random();
  return waitMs * Math.min(10, 1.3 ** inVain) * (0.5 + Math.random());
}
