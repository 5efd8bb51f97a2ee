import { type Instant, millisecondsOf, parseInstant } from '../shared/runtime/instant.ts';

/** The date of an instant in a time zone, as `2026-11-23`: the key of a digest. */
export function localDate(at: Instant, timeZone: string): string {
  const { year, month, day } = partsOf(at, timeZone, { year: 'numeric', month: '2-digit', day: '2-digit' });
  return `${year}-${month}-${day}`;
}

/** The date in words: `Monday, 23 November 2026`. */
export function dateWords(at: Instant, timeZone: string): string {
  const { weekday, day, month, year } = partsOf(at, timeZone, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
  return `${weekday}, ${day} ${month} ${year}`;
}

/** The time of day with its date: `23 Nov, 08:03`; with the year where it is not the year of `now`. */
export function timeWords(at: Instant, { timeZone, now }: { timeZone: string; now: Instant }): string {
  const { day, month, year, hour, minute } = partsOf(at, timeZone, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const isThisYear = year === partsOf(now, timeZone, { year: 'numeric' }).year;
  return `${day} ${month}${isThisYear ? '' : ` ${year}`}, ${hour}:${minute}`.replaceAll(' ', NO_BREAK);
}

/** A day that is written `2026-11-23`, in words: `23 Nov`. Marketo names the day: one in another form stays as it is. */
export function dayWords(day: string): string {
  const at = parseInstant(`${day}T00:00:00Z`);
  if (at === undefined) return day;
  const { day: number, month } = partsOf(at, 'Etc/UTC', { day: 'numeric', month: 'short' });
  return `${number}${NO_BREAK}${month}`;
}

/** How long something took or is ago, in its two largest units: `55 min`, `3 h 12 min`, `2 d 4 h`. */
export function durationWords(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes}${NO_BREAK}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return twoUnits(hours, 'h', minutes % 60, 'min');
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return [large, largeUnit, ...(small === 0 ? [] : [small, smallUnit])].join(NO_BREAK);
}

/** A time that is torn apart at the end of a line is hard to read. */
const NO_BREAK = '\u00a0';

/** Built from parts, because how a locale joins them changes between releases of the runtime. */
function partsOf(at: Instant, timeZone: string, options: Intl.DateTimeFormatOptions): Partial<Record<Part, string>> {
  const parts = new Intl.DateTimeFormat('en-US', { ...options, timeZone }).formatToParts(millisecondsOf(at));
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

type Part = Intl.DateTimeFormatPartTypes;
