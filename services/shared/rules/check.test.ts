import { expect, test } from 'vitest';
import { checkAgainstMarketo, type FieldFacts, missingFields, withoutFields } from './check.ts';
import { decide } from './decide.ts';
import { ineligible } from './eligible.ts';
import { parseRules } from './load.ts';
import { usedOf } from './used.ts';

const facts = (name: string, type = 'string'): [string, FieldFacts] => [
  name,
  { name, type, length: 255, readOnly: false },
];
const FIELDS = new Map([
  facts('firstName'),
  facts('country'),
  facts('city'),
  facts('leadStatus'),
  facts('phone'),
  facts('score', 'integer'),
]);

const RULES = parseRules(
  `version: 1
eligible:
  - { reason: spam, when: '!("spam" in thread.tags)' }
  - { reason: other-channel, when: 'chat.properties.source.customer_client_id in ["", "web"]' }
fields:
  - { field: firstName, from: visitor.firstName, write: if-empty }
  - { field: phone, from: visitor.phone, write: always, when: lead.leadStatus != "Customer" }
  - group: location
    write: if-empty
    fields:
      - { field: country, from: visitor.location.country }
      - { field: city, from: visitor.location.city }
`,
  'test.yaml',
);

const INPUT = {
  visitor: { firstName: 'Ann', phone: '+1', location: { country: 'Peru', city: 'Lima' } },
  thread: { tags: ['a'] },
  chat: {},
  form: {},
};

test('the rules look up what they write and what they read', () => {
  expect(RULES.fieldNames).toEqual(['firstName', 'phone', 'country', 'city']);
  expect(RULES.leadFields).toEqual(['firstName', 'phone', 'country', 'city', 'leadStatus']);
});

test('a field that vanishes costs its rule, and a group as a whole; the other rules go on', () => {
  const now = new Map(FIELDS);
  now.delete('city');
  expect(missingFields(RULES, now)).toEqual(['city']);
  expect(() => checkAgainstMarketo(RULES, now)).toThrow(
    expect.objectContaining({ exitCode: 78, code: 'marketo-configuration' }),
  );
  const { rules, lost } = withoutFields(RULES, new Set(missingFields(RULES, now)));
  expect(lost).toEqual([{ rule: 'location', fields: ['city'] }]);
  expect(() => checkAgainstMarketo(rules, now)).not.toThrow();
  expect(decide(rules, INPUT, undefined, now).changes.map(({ field }) => field)).toEqual(['firstName', 'phone']);
  expect(rules.leadFields).toEqual(['firstName', 'phone', 'leadStatus']);
  expect(Object.keys(usedOf(rules, INPUT))).not.toContain('visitor.location.country');
});

test('a field that is read and vanishes costs the rule that reads it, because it cannot be looked up any more', () => {
  const { rules, lost } = withoutFields(RULES, new Set(['leadStatus']));
  expect(lost).toEqual([{ rule: 'phone', fields: ['leadStatus'] }]);
  expect(rules.leadFields).toEqual(['firstName', 'country', 'city']);
});

test('what does not fit is told with its line, all at once', () => {
  const rules = parseRules(
    `version: 1
fields:
  - { field: score, value: many, write: always }
  - { field: firstName, value: ${'x'.repeat(300)}, write: always }
  - { field: country, from: visitor.location.country, write: if-greater }
  - { field: city, from: thread.tags, write: append }
  - { field: phon, from: visitor.phone, write: always, when: isEmpty(lead.leadstatus) }
`,
    'test.yaml',
  );
  expect(() => checkAgainstMarketo(rules, FIELDS)).toThrow(
    /line 3: score is of type integer, and the constant "many" is none.*line 4: firstName has no room.*line 5: .*if-greater is for numbers.*line 7: phon does not exist.*did you mean phone\?.*line 7: rule "phon" reads lead.leadstatus: .*did you mean leadStatus\?/s,
  );
});

test('a thread is ignored for the first condition that does not hold', () => {
  expect(ineligible(RULES, INPUT)).toBeUndefined();
  expect(ineligible(RULES, { ...INPUT, thread: { tags: ['x', 'spam'] } })).toBe('spam');
  expect(ineligible(RULES, { ...INPUT, thread: {} })).toBeUndefined();
  expect(ineligible(RULES, { ...INPUT, chat: { properties: { source: { customer_client_id: 'messenger' } } } })).toBe(
    'other-channel',
  );
});

test('a condition that cannot be judged does not hold', () => {
  const rules = parseRules(
    'version: 1\neligible: [{ reason: odd, when: int(visitor.name) > 3 }]\nfields: [{ field: a, value: b, write: always }]',
    't',
  );
  expect(ineligible(rules, INPUT)).toBe('odd');
  expect(ineligible(rules, { ...INPUT, visitor: { name: '4' } })).toBeUndefined();
});
