import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAgainstMarketo, type FieldFacts } from './check.ts';
import { decide, type RuleInput } from './decide.ts';
import { parseRules } from './load.ts';
import { convert, isEmpty } from './value.ts';

const FIELDS = new Map<string, FieldFacts>(
  (
    [
      ['firstName', 'string', 255],
      ['city', 'string', 255],
      ['state', 'string', 255],
      ['country', 'string', 255],
      ['phone', 'phone', 255],
      ['leadSource', 'string', 255],
      ['lastChatAt', 'datetime', undefined],
      ['notes', 'text', undefined],
      ['score', 'integer', undefined],
    ] as const
  ).map(([name, type, length]) => [name, { name, type, length, readOnly: false }]),
);

const RULES = parseRules(
  `version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: firstName, from: visitor.firstName, write: if-empty }
  - { field: lastChatAt, from: thread.endedAt, write: always }
  - group: location
    write: if-empty
    fields:
      - { field: country, from: visitor.location.country }
      - { field: state, from: visitor.location.region }
      - { field: city, from: visitor.location.city }
`,
  'test.yaml',
);

const VISITOR: RuleInput = {
  visitor: { firstName: 'Zoë', location: { country: 'Chile', region: '', city: 'Santiago' } },
  thread: { endedAt: '2026-11-23T14:07:11.383001Z' },
  chat: {},
  form: {},
};

const changed = (lead: Record<string, unknown> | undefined, input = VISITOR) =>
  Object.fromEntries(decide(RULES, input, lead, FIELDS).changes.map((change) => [change.field, change.to]));

describe('what is written', () => {
  test('a new lead gets every value that the visitor has, and nothing empty', () => {
    expect(changed(undefined)).toEqual({
      leadSource: 'LiveChat',
      firstName: 'Zoë',
      lastChatAt: '2026-11-23T14:07:11Z',
      country: 'Chile',
      city: 'Santiago',
    });
  });

  test('geography that is already there is never overwritten, and never mixed', () => {
    expect(changed({ country: 'Peru', city: null, state: null, firstName: 'Z', lastChatAt: null })).toEqual({
      lastChatAt: '2026-11-23T14:07:11Z',
    });
    expect(changed({ country: ' ', city: null, firstName: 'Z', lastChatAt: null })).toMatchObject({
      country: 'Chile',
      city: 'Santiago',
    });
  });

  test('the same time, told with other decimals or another offset, is no change', () => {
    expect(changed({ firstName: 'Z', country: 'Peru', lastChatAt: '2026-11-23T15:07:11+01:00' })).toEqual({});
  });

  test('every field that is left alone says why', () => {
    const { leftAlone } = decide(RULES, VISITOR, { country: 'Peru', leadSource: 'Web' }, FIELDS);
    expect(leftAlone.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
      'leadSource: the lead exists, and the rule writes to new leads only',
      'country: the lead has a value of its own in country',
      'state: the lead has a value of its own in country',
      'city: the lead has a value of its own in country',
    ]);
  });
});

describe('for every visitor and every lead', () => {
  const blankOr = fc.oneof(fc.constant(null), fc.constant(''), fc.constant('  '), fc.string(), fc.constant(undefined));
  const leads = fc.option(
    fc.record({
      firstName: blankOr,
      country: blankOr,
      state: blankOr,
      city: blankOr,
      leadSource: blankOr,
      lastChatAt: fc.oneof(fc.constant(null), fc.constant('2026-11-23T14:07:11Z'), fc.constant('2020-01-01T00:00:00Z')),
    }),
    { nil: undefined },
  );
  const inputs = fc.record({
    visitor: fc.record({
      firstName: fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.nat(400).map((marks) => `e${'\u0301'.repeat(marks)}`),
      ),
      location: fc.record({ country: fc.string(), region: fc.string(), city: fc.string() }),
    }),
    thread: fc.record({ endedAt: fc.constantFrom('', 'nonsense', '2026-11-23T14:07:11.383001Z') }),
    chat: fc.constant({}),
    form: fc.constant({}),
  });

  test('deciding again after the changes were applied gives none', () => {
    fc.assert(
      fc.property(inputs, leads, (input, lead) => {
        const { changes } = decide(RULES, input, lead, FIELDS);
        const applied = { ...lead, ...Object.fromEntries(changes.map((change) => [change.field, change.to])) };
        expect(decide(RULES, input, applied, FIELDS).changes).toEqual([]);
      }),
    );
  });

  test('no change is empty, and none touches a field that no rule names', () => {
    fc.assert(
      fc.property(inputs, leads, (input, lead) => {
        for (const change of decide(RULES, input, lead, FIELDS).changes) {
          expect(isEmpty(change.to)).toBe(false);
          expect(RULES.fieldNames).toContain(change.field);
        }
      }),
    );
  });

  test('a group never lands beside a value that the lead already has in it', () => {
    fc.assert(
      fc.property(inputs, leads, (input, lead) => {
        const group = ['country', 'state', 'city'];
        const touched = decide(RULES, input, lead, FIELDS).changes.some((change) => group.includes(change.field));
        if (touched) expect(group.every((field) => isEmpty(lead?.[field as keyof typeof lead]))).toBe(true);
      }),
    );
  });
});

describe('a value becomes what its field takes', () => {
  const field = (type: string, length?: number): FieldFacts => ({ name: 'f', type, length, readOnly: false });

  test.each([
    ['integer', '14', 14],
    ['integer', '14.1', undefined],
    ['percent', '100%', undefined],
    ['float', '5.4', 5.4],
    ['boolean', 'true', true],
    ['boolean', 'other', undefined],
    ['date', '2020-08-30T05:49:48Z', '2020-08-30'],
    ['date', 'yesterday', undefined],
    ['datetime', '2020-08-30T05:49:48.999Z', '2020-08-30T05:49:48Z'],
    ['url', 'example.com/x', undefined],
    ['url', 'https://example.com/x', 'https://example.com/x'],
    ['reference', '1', undefined],
    ['string', '   ', undefined],
    ['string', ['a', 'b'], 'a, b'],
  ])('%s from %j', (type, raw, expected) => {
    const converted = convert(raw, field(type));
    expect('value' in converted ? converted.value : undefined).toBe(expected);
  });

  test('a path that leads to several values gives none', () => {
    expect(convert({ city: 'Lima' }, field('string'))).toEqual({ problem: expect.stringContaining('several values') });
  });

  test('text is cut to the field’s length, and never inside an emoji', () => {
    expect(convert('abc👩‍👩‍👧‍👦', field('string', 6))).toEqual({ value: 'abc' });
    expect(convert('x'.repeat(300), field('string', 255))).toEqual({ value: 'x'.repeat(255) });
    expect(convert(`a${'\u0301'.repeat(300)}`, field('string', 255))).toEqual({
      problem: expect.stringContaining('nothing of the value'),
    });
    const long = convert('é'.repeat(20_000), field('text'));
    expect('value' in long && Buffer.byteLength(String(long.value))).toBe(30_000);
  });
});

describe('a rules file', () => {
  test('the ready-made one holds', () => {
    expect(parseRules(readFileSync('rules.yaml', 'utf8'), 'rules.yaml').fieldNames).toContain('country');
  });

  test.each([
    ['version: 2\nfields: []', 'line 1'],
    ['version: 1\nfields:\n  - { field: x, from: visitor.y, write: sometimes }', 'line 3'],
    ['version: 1\nfields:\n  - { field: x, from: lead.x, write: always }', 'line 3'],
    [
      'version: 1\nfields:\n  - { field: x, from: visitor.location, write: always }',
      'name one of visitor.location.country',
    ],
    [
      'version: 1\nfields:\n  - { field: x, from: visitor.firstname, write: always }',
      'did you mean visitor.firstName?',
    ],
    [
      'version: 1\nfields:\n  - { field: x, from: visitor.locaton.city, write: always }',
      'did you mean visitor.location',
    ],
    ['version: 1\nfields:\n  - { field: x, from: form.byId, write: always }', 'lacks a name'],
    [
      'version: 1\nfields:\n  - { group: g, write: always, fields: [{ field: x, from: visitor.nme }] }',
      'did you mean visitor.name?',
    ],
    ['version: 1\nfields:\n  - { field: x, write: always }', 'needs either from'],
    ['version: 1\nfields:\n  - { field: email, value: a, write: always }', 'is the key'],
    [
      'version: 1\nfields:\n  - { field: x, value: a, write: always }\n  - { field: x, value: b, write: always }',
      'line 4',
    ],
    ['version: 1\nfields:\n  - { field: x, value: a, wirte: always }', 'line 3'],
    ['version: 1\nfields: [', 'line 2'],
    ['', 'line 1'],
    [
      'version: 1\nfields:\n  - { group: g, write: always, fields: [{ field: x, value: a }] }\n  - { group: g, write: always, fields: [{ field: y, value: a }] }',
      'line 4: two groups are called "g": give each a name of its own',
    ],
    [
      'version: 1\nfields:\n  - { field: x, value: a, write: always }\n  - group: x\n    write: always\n    fields: [{ field: y, value: a }]',
      'line 4: "x" is the name of a group and of a field with a rule of its own: give the group another name',
    ],
    [
      'version: 1\nfields:\n  - { group: x, write: always, fields: [{ field: y, value: a }] }\n  - { field: x, value: a, write: always }',
      'line 4: "x" is the name of a group and of a field',
    ],
  ])('is refused with its line: %j', (text, said) => {
    expect(() => parseRules(text, 'mine.yaml')).toThrow(
      expect.objectContaining({ exitCode: 78, message: expect.stringContaining(said) }),
    );
  });

  test('may call a group as one of its own fields: only the group is a rule', () => {
    const text =
      'version: 1\nfields:\n  - { group: city, write: always, fields: [{ field: city, value: a }, { field: state, value: b }] }';
    expect(parseRules(text, 'mine.yaml').rules.map(({ name }) => name)).toEqual(['city']);
  });

  test.each([
    'no-address',
    'address-not-ascii',
    'address-with-comma',
    'address-malformed',
    'address-excluded',
    'gone',
    'hidden',
    'forgotten',
    'dismissed',
    'run-failed',
  ])('has no reason that the sync itself gives to threads: %s', (reason) => {
    const text = (own: string) =>
      `version: 1\neligible:\n  - when: visitor.name != ""\n    reason: ${own}\nfields: [{ field: x, value: a, write: always }]`;
    expect(() => parseRules(text(reason), 'mine.yaml')).toThrow(
      `line 4: eligible 1, reason ${reason} is one that the sync itself gives to threads: choose another, such as`,
    );
    expect(parseRules(text(`${reason}s`), 'mine.yaml').eligible).toHaveLength(1);
  });

  test('names no field that Marketo does not have, or does not let be written', () => {
    const rules = parseRules(
      'version: 1\nfields:\n  - { field: Country, value: a, write: always }\n  - { field: company, value: a, write: always }\n  - { field: mktoName, value: a, write: always }',
      'mine.yaml',
    );
    const fields = new Map(FIELDS)
      .set('company', { name: 'company', type: 'string', length: 255, readOnly: false })
      .set('mktoName', { name: 'mktoName', type: 'string', length: 255, readOnly: true });
    expect(() => checkAgainstMarketo(rules, fields)).toThrow(/did you mean country.*company.*read-only/s);
  });
});
