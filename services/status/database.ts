import type { Logger } from '../shared/runtime/log.ts';
import type { Readings } from '../shared/store/readings.ts';

/**
 * The readings, with a line in the log when the database goes away, when its trouble becomes another, and when it is
 * back; not one for each of the probes and scrapes meanwhile.
 */
export function watched(readings: Readings, log: Logger): Readings {
  let trouble: string | undefined;

  async function noted<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      if (trouble !== undefined) log.info('the database answers again');
      trouble = undefined;
      return value;
    } catch (error) {
      const sentence = error instanceof Error ? error.message : 'unknown';
      if (sentence !== trouble) log.warn({ err: error }, 'the database cannot be read; this service goes on and waits');
      trouble = sentence;
      throw error;
    }
  }

  return {
    read: (reading) => noted(readings.read(reading)),
    change: (change) => noted(readings.change(change)),
    check: () => noted(readings.check()),
    close: () => readings.close(),
  };
}
