import { parseInstant } from '../runtime/instant.ts';
import type { FieldFacts } from './check.ts';

export type Value = string | number | boolean;
/** What a source gives: one value, several, or nothing. */
export type Raw = Value | readonly Value[] | undefined;
export type Converted = { value: Value } | { problem: string };

/** How a value that is not there is told of. */
export const NO_VALUE = 'the visitor has no value for it';

/**
 * A source's value as the lead field takes it, by Marketo's data types ("Field types"): cut to the field's length,
 * converted to its type, never empty. What does not fit is a problem, not a guess: one bad value would make Marketo
 * refuse the whole lead.
 */
export function convert(raw: unknown, field: FieldFacts): Converted {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
    return { problem: 'the path leads to several values: it must name one of them' };
  }
  const converted = byType(raw, field);
  // A single letter with more marks than the field has room for cannot be cut: nothing would be left.
  if ('value' in converted && converted.value === '') return { problem: 'nothing of the value fits into the field' };
  return converted;
}

function byType(raw: unknown, field: FieldFacts): Converted {
  const text = textOf(raw);
  if (text === '') return { problem: NO_VALUE };
  switch (field.type) {
    case 'integer':
    case 'score':
    case 'percent':
      return /^-?\d{1,15}$/.test(text) ? { value: number(text) } : { problem: 'the value is not a whole number' };
    case 'float':
    case 'currency':
      return /^-?\d{1,15}(?:\.\d+)?$/.test(text) ? { value: number(text) } : { problem: 'the value is not a number' };
    case 'boolean':
      return text === 'true' || text === 'false'
        ? { value: text === 'true' }
        : { problem: 'the value is not true or false' };
    case 'date': {
      const time = timeOf(text);
      return time === undefined
        ? { problem: 'the value is not a date' }
        : { value: new Date(time).toISOString().slice(0, 10) };
    }
    case 'datetime': {
      // Marketo keeps whole seconds; sent with more, the field would look changed every hour.
      const time = timeOf(text);
      return time === undefined
        ? { problem: 'the value is not a time' }
        : { value: `${new Date(time).toISOString().slice(0, 19)}Z` };
    }
    case 'url':
      return URL.canParse(text)
        ? { value: cutToField(text, field) }
        : { problem: 'the value is not a URL with its protocol' };
    default:
      return isTextLike(field)
        ? { value: cutToField(text, field) }
        : { problem: `fields of type ${field.type} cannot be written` };
  }
}

/** One text of a value; of several, one after the other with commas. */
function textOf(raw: unknown): string {
  if (raw === undefined || raw === null) return '';
  return (Array.isArray(raw) ? raw.map(String).filter(Boolean).join(', ') : String(raw)).trim();
}

/** Without the -0 that no answer of Marketo can hold. */
function number(text: string): number {
  return Number(text) || 0;
}

/** Fields that take any text. */
export function isTextLike(field: FieldFacts): boolean {
  return field.type === 'string' || field.type === 'text' || field.type === 'phone' || field.type === 'email';
}

/**
 * Whether a lead's field is empty: null, missing, or blank. 0 is a value. `false` in a boolean field is empty: Marketo
 * stores it in every lead in which nobody has said anything, and it cannot be told from a no that was meant.
 */
export function isEmpty(value: unknown, field?: FieldFacts): boolean {
  if (field?.type === 'boolean') return value !== true && value !== 'true';
  return value === null || value === undefined || (typeof value === 'string' && value.trim() === '');
}

/** Whether a lead's field already holds the value, by the field's type: times are compared as instants, at whole seconds. */
export function isSame(present: unknown, value: Value, field: FieldFacts): boolean {
  if (value === false && field.type === 'boolean') return present === false || present === 'false';
  if (isEmpty(present)) return false;
  if (field.type === 'datetime' || field.type === 'date') return secondsOf(present) === secondsOf(value);
  if (typeof value === 'number') return numberOf(present) === value;
  return String(present).trim() === value || String(present) === String(value);
}

/** Seconds since 1970 of a date or a time; undefined where it is none. */
export function secondsOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? timeOf(value.trim()) : undefined;
  return time === undefined ? undefined : Math.floor(time / 1000);
}

/** A number as Marketo may return it; undefined where it is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : undefined;
}

/** Milliseconds since 1970. A date is its midnight, and a time without an offset is taken for UTC: no machine's own zone counts. */
export function timeOf(text: string): number | undefined {
  // Nearly all times are written so, and before the 29th no day can be one that its month does not have.
  const day = PLAIN_TIME.exec(text)?.[1];
  if (day !== undefined && day <= '28') return numberOf(Date.parse(text));
  const whole = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
  const instant = parseInstant(whole) ?? parseInstant(`${whole}Z`) ?? parseInstant(`${whole}:00Z`);
  return instant === undefined ? undefined : Date.parse(instant);
}

const PLAIN_TIME = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** What of a text the field has room for; '' where nothing of it fits. */
export function cutToField(text: string, field: FieldFacts): string {
  return fits(text, field) ? text : field.type === 'text' ? cutBy(text, bytes, TEXT_BYTES) : cut(text, lengthOf(field));
}

/** Whether the field has room for the whole text. Text fields hold 30,000 bytes ("Field types"). */
export function fits(text: string, field: FieldFacts): boolean {
  return field.type === 'text' ? bytes(text) <= TEXT_BYTES : text.length <= lengthOf(field);
}

/** At most so many UTF-16 units, and never half an emoji: in which unit Marketo counts is not documented. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : cutBy(text, (part) => part.length, most);
}

const TEXT_BYTES = 30_000;
const LETTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });

function lengthOf(field: FieldFacts): number {
  return field.length ?? 255;
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

function cutBy(text: string, size: (part: string) => number, most: number): string {
  let length = 0;
  let kept = '';
  for (const { segment } of LETTERS.segment(text)) {
    length += size(segment);
    if (length > most) break;
    kept += segment;
  }
  return kept.trimEnd();
}
