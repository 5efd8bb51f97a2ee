import type { FieldFacts } from './check.ts';

export type Value = string | number | boolean;
export type Converted = { value: Value } | { problem: string };

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
  const text = (
    typeof raw === 'string'
      ? raw
      : Array.isArray(raw)
        ? raw.join(', ')
        : raw === undefined || raw === null
          ? ''
          : String(raw)
  ).trim();
  if (text === '') return { problem: 'the visitor has no value for it' };
  switch (field.type) {
    case 'integer':
    case 'score':
    case 'percent':
      return /^-?\d{1,15}$/.test(text) ? { value: Number(text) } : { problem: 'the value is not a whole number' };
    case 'float':
    case 'currency':
      return /^-?\d{1,15}(?:\.\d+)?$/.test(text) ? { value: Number(text) } : { problem: 'the value is not a number' };
    case 'boolean':
      return text === 'true' || text === 'false'
        ? { value: text === 'true' }
        : { problem: 'the value is not true or false' };
    case 'date':
      return isTime(text)
        ? { value: new Date(text).toISOString().slice(0, 10) }
        : { problem: 'the value is not a date' };
    case 'datetime':
      // Marketo keeps whole seconds; sent with more, the field would look changed every hour.
      return isTime(text)
        ? { value: `${new Date(text).toISOString().slice(0, 19)}Z` }
        : { problem: 'the value is not a time' };
    case 'url':
      return URL.canParse(text)
        ? { value: cut(text, field.length ?? 255) }
        : { problem: 'the value is not a URL with its protocol' };
    case 'text':
      return { value: cutBytes(text, 30_000) };
    case 'string':
    case 'phone':
    case 'email':
      return { value: cut(text, field.length ?? 255) };
    default:
      return { problem: `fields of type ${field.type} cannot be written` };
  }
}

/** Whether a lead's field is empty: null, missing, or blank. `false` and 0 are values: nobody knows that they were not meant. */
export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'string' && value.trim() === '');
}

/** Whether a lead's field already holds the value, by the field's type: times are compared as instants, at whole seconds. */
export function isSame(present: unknown, value: Value, field: FieldFacts): boolean {
  if (isEmpty(present)) return false;
  if (field.type === 'datetime' && typeof value === 'string' && typeof present === 'string') {
    return Math.floor(Date.parse(present) / 1000) === Math.floor(Date.parse(value) / 1000);
  }
  if (typeof value === 'string' && typeof present === 'string') return present.trim() === value;
  return present === value || String(present) === String(value);
}

const LETTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At most so many UTF-16 units, and never half an emoji: in which unit Marketo counts is not documented. */
function cut(text: string, most: number): string {
  return cutBy(text, (part) => part.length, most);
}

/** Text fields hold 30,000 bytes ("Field types"). */
function cutBytes(text: string, most: number): string {
  return cutBy(text, (part) => Buffer.byteLength(part), most);
}

function cutBy(text: string, size: (part: string) => number, most: number): string {
  if (size(text) <= most) return text;
  let length = 0;
  let kept = '';
  for (const { segment } of LETTERS.segment(text)) {
    length += size(segment);
    if (length > most) break;
    kept += segment;
  }
  return kept.trimEnd();
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text));
}
