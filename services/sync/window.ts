import { addMilliseconds, earlier, type Instant, later, millisecondsOf } from '../shared/runtime/instant.ts';

/** A part of LiveChat's past, both ends included. */
export type Window = { from: Instant; to: Instant };

type Settings = {
  SYNC_FROM: Instant | undefined;
  SYNC_INTERVAL: number;
  SYNC_OVERLAP: number;
  SYNC_SETTLE: number;
};

/**
 * What the hourly run reads: from the watermark, less an overlap for what LiveChat showed late, to a little before now.
 * The first run, which has no watermark, starts at `SYNC_FROM`, else one interval back.
 *
 * @param now the run's instant.
 */
export function windowOf(settings: Settings, watermark: Instant | undefined, now: Instant): Window {
  const to = settledBy(settings, now);
  if (watermark !== undefined) return { from: addMilliseconds(watermark, -settings.SYNC_OVERLAP), to };
  return { from: settings.SYNC_FROM ?? addMilliseconds(to, -settings.SYNC_INTERVAL), to };
}

/** Up to when LiveChat can be read: its archive shows what has just happened a little later. */
export function settledBy(settings: Pick<Settings, 'SYNC_SETTLE'>, now: Instant): Instant {
  return addMilliseconds(now, -settings.SYNC_SETTLE);
}

/**
 * The part of a window that is read next: each part is read, filed and delivered before the next is begun, so that what
 * an outage or a backfill has caught up with is never done again, and never all in memory.
 *
 * @param reached the end of the part before; undefined before the first.
 * @param milliseconds how long the part is at the most.
 * @returns undefined where the window is read, or was empty.
 */
export function nextSlice(
  { from, to }: Window,
  reached: Instant | undefined,
  milliseconds: number,
): Window | undefined {
  const start = reached ?? from;
  return start < to ? { from: start, to: earlier(addMilliseconds(start, milliseconds), to) } : undefined;
}

/** How long the first part of a window is: more than what an hourly run reads with a day's overlap. */
export const SLICE_MS = 48 * 3_600_000;

/** How long a window is, in milliseconds. */
export function lengthOf({ from, to }: Window): number {
  return millisecondsOf(to) - millisecondsOf(from);
}

/** Both halves of a window; they share a millisecond, so that nothing lies between them. */
export function halvesOf({ from, to }: Window): [Window, Window] | undefined {
  const middle = addMilliseconds(from, lengthOf({ from, to }) / 2);
  return from < middle && middle < to
    ? [
        { from, to: middle },
        { from: later(from, addMilliseconds(middle, -1)), to },
      ]
    : undefined;
}

/**
 * A day of the calendar, in UTC.
 *
 * @param date `2026-11-23`.
 */
export function dayOf(date: string): Window {
  const from = `${date}T00:00:00.000000Z` as Instant;
  return { from, to: addMilliseconds(from, 86_400_000) };
}
