/**
 * An instant as text, RFC 3339 in UTC with exactly six decimals: `2026-11-23T14:07:11.383000Z`.
 *
 * LiveChat's times carry microseconds, which JavaScript's Date would cut off; a watermark that loses them can skip a
 * chat. In this one form, two instants compare as strings do, and Postgres reads and writes them without loss.
 */
export type Instant = string & { readonly __instant: unique symbol };

/**
 * Reads an RFC 3339 time (also Postgres' own `2026-11-23 14:07:11.38+00`) as an instant.
 *
 * @param text a time with an offset (`Z`, `+01:00`, `+00`); up to nine decimals, cut (never rounded up) to six, so that
 *   a window that starts at it never starts too late.
 * @returns the instant, or undefined where the text is not such a time.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC3339.exec(text.trim());
  if (!match?.groups) return undefined;
  const { date, time, fraction = '', zone = '' } = match.groups;
  const offset = zone === 'Z' || zone === 'z' ? '+00:00' : zone.length === 3 ? `${zone}:00` : zone;
  const seconds = Date.parse(`${date}T${time}${offset}`);
  // JavaScript would take the 31st of February for the 3rd of March.
  if (Number.isNaN(seconds) || new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date) return undefined;
  return instantFrom(seconds, fraction.slice(0, 6));
}

/** The instant of a JavaScript time (milliseconds since 1970). */
export function instantOf(milliseconds: number): Instant {
  const whole = Math.floor(milliseconds / 1000) * 1000;
  return instantFrom(whole, String(Math.floor(milliseconds - whole)).padStart(3, '0'));
}

/** An instant moved by a number of milliseconds (negative: earlier); its microseconds stay. */
export function addMilliseconds(instant: Instant, milliseconds: number): Instant {
  const moved = instantOf(millisecondsOf(instant) + Math.round(milliseconds));
  return `${moved.slice(0, -4)}${instant.slice(-4)}` as Instant;
}

/** Milliseconds since 1970 of an instant; the microseconds below them are cut. */
export function millisecondsOf(instant: Instant): number {
  return Date.parse(instant);
}

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}

/** The later of two instants. */
export function later(a: Instant, b: Instant): Instant {
  return a > b ? a : b;
}

const RFC3339 =
  /^(?<date>\d{4}-\d\d-\d\d)[Tt ](?<time>\d\d:\d\d:\d\d)(?:\.(?<fraction>\d{1,9}))?(?<zone>[Zz]|[+-]\d\d(?::?\d\d)?)$/;

function instantFrom(wholeSeconds: number, fraction: string): Instant {
  return `${new Date(wholeSeconds).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z` as Instant;
}
