import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { misfitsOf } from '../../services/shared/rules/check.ts';
import { parseRules, readRules } from '../../services/shared/rules/load.ts';
import { jsonSchema } from '../../services/shared/rules/schema.ts';
import { withEveryRule } from '../every-rule.ts';
import { CUSTOM_FIELDS, type Field, instanceFields } from '../sandbox/marketo/fields.ts';

const READY_MADE = readFileSync('rules.yaml', 'utf8');
const published: Record<string, unknown> = JSON.parse(readFileSync('rules.schema.json', 'utf8'));
const holds = new Ajv2020({ strict: false }).compile(published);

const factsOf = (custom: readonly Field[]) =>
  new Map(
    [...instanceFields(custom).values()].map(({ name, dataType, length, readOnly = false }) => [
      name,
      { name, type: dataType, length, readOnly },
    ]),
  );

test('the published schema is the loader’s own (else: npm run docs)', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(jsonSchema())));
});

test('the ready-made rules name the schema and hold by it, as they are and with every rule on', () => {
  expect(READY_MADE.startsWith('# yaml-language-server: $schema=./rules.schema.json\n')).toBe(true);
  for (const text of [READY_MADE, withEveryRule(READY_MADE)]) {
    expect(holds(parse(text)), JSON.stringify(holds.errors)).toBe(true);
    expect(readRules(text)).toHaveProperty('rules');
  }
});

test('the ready-made rules fit a Marketo without custom fields, and with every rule on one that has them', () => {
  expect(misfitsOf(parseRules(READY_MADE, 'rules.yaml'), factsOf([]))).toEqual([]);
  const every = parseRules(withEveryRule(READY_MADE), 'rules.yaml');
  expect(misfitsOf(every, factsOf(CUSTOM_FIELDS))).toEqual([]);
  expect(every.fieldNames).toEqual(
    expect.arrayContaining(['firstChatAt', 'lastChatAt', 'chatCount', 'chatSourceUrl', 'utmSource']),
  );
  expect(every.rules.length).toBeGreaterThan(parseRules(READY_MADE, 'rules.yaml').rules.length);
});

test('what is off in the ready-made rules holds too, the condition on the channel with it', () => {
  const read = readRules(READY_MADE.replaceAll(/^( +)#(?=-| {2})/gm, '$1'));
  expect('rules' in read && read.rules.eligible.map(({ reason }) => reason)).toEqual(['spam', 'other-channel']);
});

test.each([
  ['version: 1\nfields: [{ field: a, from: b, write: sometimes }]'],
  ['version: 1\nfields: [{ field: a, form: visitor.name, write: always }]'],
  ['version: 1\nfields: [{ field: a, value: x, from: visitor.name, write: always }]'],
  ['version: 1\nfields: [{ field: a, write: always }]'],
  ['version: 1\nfields: [{ group: a, write: append, fields: [{ field: a, value: x }] }]'],
  ['version: 1\nfields: [{ field: a, from: visitor.name, transform: [trm], write: always }]'],
  ['version: 1\neligible: [{ reason: spam }]\nfields: [{ field: a, value: x, write: always }]'],
  ['version: 2\nfields: [{ field: a, value: x, write: always }]'],
])('the schema and the loader refuse the same: %j', (text) => {
  expect(holds(parse(text))).toBe(false);
  expect(readRules(text)).toHaveProperty('mistakes');
});
