/**
 * Reads an RFC 3339 instant into microseconds since the epoch, LiveChat's own resolution, which a Date cannot carry.
 *
 * @param text such as 2026-11-23T14:07:11.383000Z or 2026-11-23T15:07:11+01:00, up to six digits of fraction
 * @returns microseconds since the epoch, undefined for anything else (also for a 13th month or a 30th of February)
 */
export function parseInstant(text: string): number | undefined {
  const parts = RFC3339.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const wallClock = `${parts['date']}T${parts['time']}.000Z`;
  const ms = Date.parse(wallClock);
  // Date.parse rolls some impossible dates over (30 February becomes 2 March): what comes back must be what went in.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== wallClock) return undefined;
  const fraction = Number((parts['fraction'] ?? '').padEnd(6, '0'));
  return ms * 1000 + fraction - offsetMinutes(parts['offset'] ?? 'Z') * 60_000_000;
}

/**
 * Tells whether a text has the form LiveChat documents for `filters.from` and `filters.to`:
 * YYYY-MM-DDTHH:MM:SS.ssssss+HH:MM, with all six digits and a numeric offset.
 *
 * @param text the filter's value
 * @returns true for the documented form only; Z and shorter fractions are not it
 */
export function isDocumentedForm(text: string): boolean {
  return DOCUMENTED.test(text);
}

/**
 * Writes microseconds as LiveChat does.
 *
 * @param us microseconds since the epoch
 * @param offset 'Z' (the default) or a numeric offset such as +01:00; the instant stays the same
 * @returns RFC 3339 with six digits of fraction
 */
export function formatInstant(us: number, offset = 'Z'): string {
  const local = us + offsetMinutes(offset) * 60_000_000;
  const ms = Math.floor(local / 1000);
  const belowMs = String(local - ms * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${belowMs}${offset}`);
}

const RFC3339 =
  /^(?<date>\d{4}-\d{2}-\d{2})T(?<time>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,6}))?(?<offset>Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

const DOCUMENTED = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}[+-]\d{2}:\d{2}$/;

function offsetMinutes(offset: string): number {
  if (offset === 'Z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  return offset.startsWith('-') ? -minutes : minutes;
}
