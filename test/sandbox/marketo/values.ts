import type { DataType, Field } from './fields.ts';

/** A field's value as Marketo stores and returns it. */
export type Value = string | number | boolean | null;

/** Why a record was skipped. */
export type Reason = { code: string; message: string };

export type Conversion = { value: Value } | { refused: Reason };

/**
 * Checks a value that a caller sent for a field and turns it into what Marketo keeps. From recorded responses: null and the
 * empty text clear a field (a boolean becomes false), datetimes lose their milliseconds, whatever does not fit its type is
 * refused with 1003.
 *
 * Not recorded anywhere, hence the strict reading: numbers and booleans written as text are refused, integers are 32 bits,
 * a datetime needs its offset. A url's protocol is asked for by the documentation but not checked.
 *
 * @param field the field it is for
 * @param input the value as JSON gave it
 * @param overLength what happens to a text that is too long (unverified, hence a choice)
 * @returns the value to keep, or the reason for which the whole record is skipped
 */
export function convert(field: Field, input: unknown, overLength: 'refuse' | 'truncate'): Conversion {
  if (input === null || input === '') return { value: emptyValue(field) };
  const value = CONVERTERS[field.dataType](input);
  if (value === undefined) return { refused: invalidValue(field.name, input) };
  if (typeof value !== 'string') return { value };
  const fitting = cut(field, value);
  if (fitting.length === value.length || overLength === 'truncate') return { value: fitting };
  return { refused: invalidValue(field.name, input) };
}

/** What an empty field reads as: false for a boolean (so "never set" and "no" look alike), null for all others. */
export function emptyValue(field: Field): Value {
  return field.dataType === 'boolean' ? false : null;
}

/** 1003 with the text of recorded responses, which quotes what the caller sent: personal data in any log that keeps it. */
export function invalidValue(name: string, input: unknown): Reason {
  const shown = typeof input === 'string' ? input : JSON.stringify(input);
  return { code: '1003', message: `Invalid value for field '${name}' and value '${shown}'` };
}

/** A datetime as lead responses write it: UTC, whole seconds. */
export function formatInstant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

const CONVERTERS: Record<DataType, (input: unknown) => Value | undefined> = {
  string: text,
  text,
  phone: text,
  url: text,
  email: (input) => (typeof input === 'string' && EMAIL.test(input) ? input : undefined),
  integer: whole,
  score: whole,
  percent: whole,
  float: number,
  currency: number,
  boolean: (input) => (typeof input === 'boolean' ? input : undefined),
  date,
  datetime,
  reference: () => undefined,
};

/** ASCII only ("Leads", note on create and update), one @, no blanks, a domain with a dot. */
const EMAIL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;

function text(input: unknown): string | undefined {
  return typeof input === 'string' ? input : undefined;
}

function whole(input: unknown): number | undefined {
  return typeof input === 'number' && Number.isInteger(input) && Math.abs(input) <= 0x7fffffff ? input : undefined;
}

function number(input: unknown): number | undefined {
  return typeof input === 'number' && Number.isFinite(input) ? input : undefined;
}

function date(input: unknown): string | undefined {
  if (typeof input !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(input)) return undefined;
  return isCalendarDate(input) ? input : undefined;
}

function datetime(input: unknown): string | undefined {
  if (typeof input !== 'string') return undefined;
  const match = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/.exec(input);
  if (match?.[1] === undefined || !isCalendarDate(match[1])) return undefined;
  const ms = Date.parse(input.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isNaN(ms) ? undefined : formatInstant(ms);
}

/** Date.parse rolls 30 February over into March; a calendar date must come back as it went in. */
function isCalendarDate(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

/** Text fields hold 30,000 bytes ("Field types"); the unit of the other lengths is not documented: UTF-16 units here. */
function cut(field: Field, value: string): string {
  if (field.dataType === 'text') {
    if (Buffer.byteLength(value) <= TEXT_BYTES) return value;
    return new TextDecoder('utf-8', { fatal: false })
      .decode(Buffer.from(value).subarray(0, TEXT_BYTES))
      .replace(/\uFFFD$/, '');
  }
  return field.length === undefined ? value : value.slice(0, field.length);
}

const TEXT_BYTES = 30_000;
