import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { z } from 'zod';
import { countryCode, countryName } from './countries.ts';
import { didYouMean } from './nearest.ts';
import { type Path, readPath, valueAt } from './paths.ts';
import { cut, type Raw, timeOf, type Value } from './value.ts';

/** What a transform makes of a value; nothing is made of nothing. */
export type Transformed = { value: Raw } | { problem: string };

/** A step between a source and its field. Pure. */
export type Transform = {
  /** Takes a value that is not empty, and the whole input for what the step reads beside it. */
  apply(value: Raw, input: object): Transformed;
  /** What it reads of the input beside the value. */
  reads: readonly Path[];
};

const SIMPLE = {
  trim: 'without blanks at both ends',
  lower: 'in small letters',
  upper: 'in capital letters',
  'first-name': 'the first word of a name',
  'last-name': 'the words after the first',
  'country-name': 'a country code (DE, DEU) as the English name; a name stays one',
  'country-code': 'an English country name as its code of two letters; a code stays one',
  number: 'the first number in a text, with a point before its decimals',
  date: 'the day of a time, in UTC; or date: <time zone>',
  phone: 'a phone number in E.164; with phone: <country> also one without its country’s prefix',
} as const;

const WITH_SETTING = {
  date: z.string().min(1).describe('The day of a time, in this time zone, such as Europe/Berlin.'),
  join: z.string().min(1).describe('Makes one text of a list, with this between its entries.'),
  truncate: z.int().min(1).max(30_000).describe('At most so many characters.'),
  phone: z
    .string()
    .min(1)
    .describe(
      'E.164; a number without a prefix is one of this country: DE, or a path such as visitor.location.countryCode.',
    ),
} as const;

/** A transform as it stands in the file: a name, or a name with its setting. */
export const transformShape = z.union([
  z.enum(Object.keys(SIMPLE) as [keyof typeof SIMPLE, ...(keyof typeof SIMPLE)[]]),
  z.strictObject({ date: WITH_SETTING.date }),
  z.strictObject({ join: WITH_SETTING.join }),
  z.strictObject({ truncate: WITH_SETTING.truncate }),
  z.strictObject({ phone: WITH_SETTING.phone }),
]);

/** Every transform with what it gives, for the page on configuration. */
export const TRANSFORMS: readonly string[] = [...new Set([...Object.keys(SIMPLE), ...Object.keys(WITH_SETTING)])];

/**
 * Reads a transform.
 *
 * @param written what stands in the file.
 * @returns the transform, or what is wrong with it.
 */
export function readTransform(written: unknown): Transform | { problem: string } {
  const parsed = transformShape.safeParse(written);
  if (!parsed.success) return { problem: transformProblem(written) };
  const { data } = parsed;
  if (typeof data === 'string')
    return data === 'date' ? dayIn('UTC') : data === 'phone' ? phoneOf(undefined) : SIMPLE_STEPS[data];
  if ('join' in data) return { apply: (value) => ({ value: joined(value, data.join) }), reads: [] };
  if ('truncate' in data) return eachText((text) => cut(text, data.truncate));
  if ('date' in data)
    return isTimeZone(data.date)
      ? dayIn(data.date)
      : { problem: `${data.date} is not a time zone, such as Europe/Berlin` };
  return phoneIn(data.phone);
}

function transformProblem(written: unknown): string {
  const name =
    z.string().safeParse(written).data ??
    Object.keys(z.record(z.string(), z.unknown()).safeParse(written).data ?? {})[0];
  if (name === undefined) return `must be one of ${TRANSFORMS.join(', ')}`;
  if (!TRANSFORMS.includes(name))
    return `${name} is not a transform${didYouMean(name, TRANSFORMS) || `: must be one of ${TRANSFORMS.join(', ')}`}`;
  if (typeof written === 'string') return `${name} needs a setting: ${name}: ${name === 'join' ? '"; "' : '100'}`;
  const setting = {
    date: 'a time zone',
    join: 'the text between',
    truncate: 'a whole number of characters',
    phone: 'a country code or a path',
  };
  const wanted = Object.entries(setting).find(([known]) => known === name)?.[1];
  return wanted === undefined ? `${name} takes no setting` : `${name} takes ${wanted}, and stands alone in its entry`;
}

const SIMPLE_STEPS: Record<Exclude<keyof typeof SIMPLE, 'date' | 'phone'>, Transform> = {
  trim: eachText((text) => text.trim()),
  lower: eachText((text) => text.toLowerCase()),
  upper: eachText((text) => text.toUpperCase()),
  'first-name': eachText((text) => words(text)[0] ?? ''),
  'last-name': eachText((text) => words(text).slice(1).join(' ')),
  'country-name': each((text) => country(countryName(text))),
  'country-code': each((text) => country(countryCode(text))),
  number: each((text) => {
    const found = /-?\d[\d,]*(?:\.\d+)?/.exec(text)?.[0];
    // 1,234 is a thousand; 1,5 would be one thing here and another there.
    const isClear = found !== undefined && /^-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$/.test(found);
    return isClear
      ? { value: Number(found.replaceAll(',', '')) }
      : { problem: 'there is no clear number in the value' };
  }),
};

/** The words of the first thousand letters: nobody has a longer name. */
function words(text: string): string[] {
  return text.slice(0, 1000).trim().split(/\s+/);
}

/** A step for every text of a value: the value itself, or each entry of a list. */
function each(step: (text: string) => { value: Value } | { problem: string }): Transform {
  return {
    reads: [],
    apply(value) {
      if (value === undefined) return { value };
      if (typeof value !== 'object') return step(String(value).trim());
      const results = value.map((one) => step(String(one).trim()));
      const problem = results.find((result) => 'problem' in result);
      return problem ?? { value: results.flatMap((result) => ('value' in result ? [result.value] : [])) };
    },
  };
}

function eachText(step: (text: string) => string): Transform {
  return each((text) => ({ value: step(text) }));
}

function joined(value: Raw, separator: string): Raw {
  return typeof value === 'object' ? value.map(String).filter(Boolean).join(separator) : value;
}

function dayIn(timeZone: string): Transform {
  const days = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return each((text) => {
    // A date is a day already, in every zone.
    const day = /^\d{4}-\d\d-\d\d$/.test(text) ? text : undefined;
    const time = timeOf(text);
    if (time === undefined) return { problem: 'the value is not a time' };
    if (day !== undefined) return { value: day };
    const part = Object.fromEntries(days.formatToParts(time).map(({ type, value }) => [type, value]));
    return { value: `${part['year']?.padStart(4, '0')}-${part['month']}-${part['day']}` };
  });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function phoneIn(country: string): Transform | { problem: string } {
  if (/^[A-Z]{2}$/.test(country)) {
    return isSupportedCountry(country)
      ? phoneOf(() => country)
      : { problem: `${country} is not the code of a country with phone numbers` };
  }
  const path = readPath(country);
  if ('problem' in path) return { problem: `phone takes a country code, such as DE, or a path; ${path.problem}` };
  const step = phoneOf((input) =>
    String(valueAt(input, path.keys) ?? '')
      .trim()
      .toUpperCase(),
  );
  return { ...step, reads: [path] };
}

/** Numbers are held against the lengths that their country has, not against its number blocks: those change every month. */
function phoneOf(countryOf: ((input: object) => string) | undefined): Transform {
  const step = (country: string | undefined) =>
    each((text) => {
      const options = {
        extract: false,
        ...(country !== undefined && isSupportedCountry(country) ? { defaultCountry: country } : {}),
      };
      const number = parsePhoneNumberFromString(text, options);
      return number?.isPossible() ? { value: number.number } : { problem: 'the value is not a phone number' };
    });
  return { reads: [], apply: (value, input) => step(countryOf?.(input)).apply(value, input) };
}

function country(found: string | undefined): { value: Value } | { problem: string } {
  return found === undefined ? { problem: 'the value is not a country' } : { value: found };
}
