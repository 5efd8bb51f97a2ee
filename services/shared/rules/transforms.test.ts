import { getCountryDataList } from 'countries-list';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTransform, TRANSFORMS } from './transforms.ts';
import type { Raw } from './value.ts';

const INPUT = { visitor: { location: { countryCode: 'gb' }, variables: { dial: 'XX' } } };

function done(transform: unknown, value: Raw, input: object = INPUT): unknown {
  const step = readTransform(transform);
  if ('problem' in step) throw new Error(step.problem);
  const result = step.apply(value, input);
  return 'problem' in result ? result.problem : result.value;
}

describe('a transform', () => {
  test.each<[unknown, Raw, unknown]>([
    ['trim', '  a b ', 'a b'],
    ['lower', 'ÀB', 'àb'],
    ['upper', 'straße', 'STRASSE'],
    ['upper', ['a', 'b'], ['A', 'B']],
    ['first-name', ' Ana  de la Cruz', 'Ana'],
    ['last-name', ' Ana  de la Cruz', 'de la Cruz'],
    ['last-name', 'Ana', ''],
    ['country-name', 'DE', 'Germany'],
    ['country-name', 'deu', 'Germany'],
    ['country-name', 'germany', 'Germany'],
    ['country-name', 'US', 'United States'],
    ['country-name', 'USA', 'United States'],
    ['country-name', 'UK', 'United Kingdom'],
    ['country-name', 'Cote d’Ivoire', 'Ivory Coast'],
    ['country-name', 'Atlantis', 'the value is not a country'],
    ['country-code', 'Germany', 'DE'],
    ['country-code', 'Türkiye', 'TR'],
    ['country-code', 'Turkey', 'TR'],
    ['country-code', 'United States of America', 'US'],
    ['country-code', 'constructor', 'the value is not a country'],
    ['number', 'about 250 people', 250],
    ['number', '1,234.50 €', 1234.5],
    ['number', '-3', -3],
    ['number', 14, 14],
    ['number', '1,5', 'there is no clear number in the value'],
    ['number', 'many', 'there is no clear number in the value'],
    ['date', '2026-11-23T23:30:00Z', '2026-11-23'],
    [{ date: 'Europe/Berlin' }, '2026-11-23T23:30:00Z', '2026-11-24'],
    [{ date: 'America/New_York' }, '2026-11-23T04:30:00.123456Z', '2026-11-22'],
    [{ date: 'Pacific/Auckland' }, '2026-11-23', '2026-11-23'],
    ['date', 'yesterday', 'the value is not a time'],
    [{ join: ' / ' }, ['a', '', 'b'], 'a / b'],
    [{ join: ' / ' }, 'a', 'a'],
    [{ truncate: 3 }, 'abcdef', 'abc'],
    [{ truncate: 3 }, 'ab👩‍👩‍👧‍👦', 'ab'],
    ['phone', '+44 20 7946 0958', '+442079460958'],
    ['phone', '020 7946 0958', 'the value is not a phone number'],
    [{ phone: 'GB' }, '020 7946 0958', '+442079460958'],
    [{ phone: 'GB' }, '+49 30 123456', '+4930123456'],
    [{ phone: 'visitor.location.countryCode' }, '(020) 7946-0958', '+442079460958'],
    [{ phone: 'visitor.variables.dial' }, '020 7946 0958', 'the value is not a phone number'],
    [{ phone: 'GB' }, '12', 'the value is not a phone number'],
    [{ phone: 'GB' }, 'call me', 'the value is not a phone number'],
    [{ phone: 'GB' }, ['020 7946 0958', '+4930123456'], ['+442079460958', '+4930123456']],
  ])('%j of %j gives %j', (transform, value, expected) => {
    expect(done(transform, value)).toEqual(expected);
  });

  test('reads the path of its setting, and says so', () => {
    const step = readTransform({ phone: 'visitor.location.countryCode' });
    expect('reads' in step && step.reads.map(({ text }) => text)).toEqual(['visitor.location.countryCode']);
  });

  test('knows every country by its codes and its name, there and back', () => {
    for (const { iso2, iso3, name } of getCountryDataList()) {
      for (const called of [iso2, iso3, name]) {
        expect(done('country-name', called), called).toBe(name);
        expect(done('country-code', called), called).toBe(iso2);
      }
    }
  });

  test('done again gives the same, and nothing throws, whatever the text', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string(),
      fc.constantFrom('+4930123456', 'DE', '2026-11-23T14:07:11Z', '1,234'),
    );
    const transforms = fc.constantFrom(
      'trim',
      'lower',
      'first-name',
      'country-name',
      'country-code',
      'number',
      'date',
      { date: 'Asia/Tokyo' },
      { join: ',' },
      { truncate: 4 },
      'phone',
      { phone: 'DE' },
    );
    fc.assert(
      fc.property(transforms, fc.oneof(texts, fc.array(texts)), (transform, value) => {
        const step = readTransform(transform);
        if ('problem' in step) throw new Error(step.problem);
        const once = step.apply(value, INPUT);
        if ('problem' in once) return;
        expect(step.apply(once.value, INPUT)).toEqual(once);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes a name of any length in no time to speak of', () => {
    expect(done('first-name', `${'a'.repeat(1_000_000)} b`)).toHaveLength(1000);
    expect(done('country-name', ' '.repeat(100_000))).toBe('the value is not a country');
  });

  test.each([
    ['trm', /did you mean trim\?/],
    ['join', /join needs a setting/],
    ['truncate', /truncate needs a setting/],
    [{ trim: 1 }, /trim takes no setting/],
    [{ truncate: 1.5 }, /whole number/],
    [{ truncate: 'x' }, /whole number/],
    [{ date: 'Mars/Phobos' }, /not a time zone/],
    [{ phone: 'de' }, /country code, such as DE/],
    [{ join: ', ', truncate: 3 }, /stands alone/],
    [3, new RegExp(`one of ${TRANSFORMS.join(', ')}`)],
    [null, /must be one of/],
    [['trim'], /must be one of|not a transform/],
  ])('%j is refused', (written, says) => {
    const step = readTransform(written);
    expect('problem' in step && step.problem).toMatch(says);
  });
});
