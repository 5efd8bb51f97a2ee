import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';

/** A number of milliseconds as people say it, in its largest unit and cut: `12 minutes`, `1 hour`, `3 days`. */
export function inWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? (['second', 1] as const);
  return counted(Math.floor(seconds / size), unit);
}

/** How long before `now` an instant was. */
export function ago(instant: Instant, now: Instant): string {
  const milliseconds = millisecondsOf(now) - millisecondsOf(instant);
  return milliseconds < 1000 ? 'just now' : `${inWords(milliseconds)} ago`;
}

/** A time of day in UTC, with its date where that is not today's: `14:07 UTC`, `22 Nov, 14:07 UTC`. */
export function clock(instant: Instant, now: Instant): string {
  return `${shortClock(instant, now)} UTC`;
}

/** The same for tables whose caption names the time zone: `14:07`, `22 Nov, 14:07`. */
export function shortClock(instant: Instant, now: Instant): string {
  const time = instant.slice(11, 16);
  return instant.slice(0, 10) === now.slice(0, 10) ? time : `${day(instant, now)}, ${time}`;
}

/** A date: `22 Nov`, with its year where that is not this one. */
export function day(instant: Instant, now: Instant): string {
  const date = `${Number(instant.slice(8, 10))} ${MONTHS[Number(instant.slice(5, 7)) - 1]}`;
  return instant.slice(0, 4) === now.slice(0, 4) ? date : `${date} ${instant.slice(0, 4)}`;
}

/** The time between two instants, short and for tables: `0.4 s`, `48 s`, `2 min`, `2 min 5 s`, `1 h 20 min`. */
export function took(from: Instant, to: Instant): string {
  const seconds = Math.max(0, (millisecondsOf(to) - millisecondsOf(from)) / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joined(minutes, 'min', Math.floor(seconds % 60), 's');
  return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

/** A number with its noun: `1 new error`, `3 new errors`, `1,200 calls`. */
export function counted(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** A number with its thousands set apart. */
export function grouped(number: number): string {
  return number.toLocaleString('en-US');
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
