import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Failure } from '../runtime/failure.ts';
import type { Logger } from '../runtime/log.ts';
import { type Database, openDatabase } from './database.ts';

/**
 * Opens a database that may not be there yet: see `openDatabase`, and `patiently`.
 *
 * @throws what `openDatabase` throws, where it is another trouble than that nothing answers, or the time is up.
 */
export function openPatiently(
  url: string,
  schema: string,
  patience: Patience,
  options?: Parameters<typeof openDatabase>[2],
): Promise<Database> {
  const isEarly = ({ exitCode }: Failure) => exitCode === EXIT.tryLater;
  return patiently(() => openDatabase(url, schema, options), { ...patience, isEarly });
}

/**
 * Tries once a second until it works, for a database that may not be there yet. It says at first that it waits, and then
 * every half minute.
 *
 * @param attempt what is tried; it throws a Failure where it has to wait.
 * @param until when it is given up, on the clock of `performance.now()`; the first attempt is made in any case.
 * @param isEarly whether a Failure may mend itself with time; every other ends the waiting.
 * @throws what the last attempt threw.
 */
export async function patiently<T>(
  attempt: () => Promise<T>,
  { until, isEarly, log, signal }: Patience & { isEarly: (failure: Failure) => boolean },
): Promise<T> {
  for (let toldAt = Number.NEGATIVE_INFINITY; ; ) {
    try {
      return await attempt();
    } catch (error) {
      const now = performance.now();
      if (!(error instanceof Failure && isEarly(error)) || now >= until) throw error;
      if (now - toldAt >= TELL_EVERY_MS) {
        log.warn(`${error.message} It is tried again every second, for ${Math.ceil((until - now) / 1000)} s at most.`);
        toldAt = now;
      }
    }
    await sleep(1000, undefined, { signal });
  }
}

export type Patience = { until: number; log: Logger; signal: AbortSignal };

const TELL_EVERY_MS = 30_000;
