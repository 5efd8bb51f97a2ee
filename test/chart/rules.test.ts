import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readRules } from '../../services/shared/rules/load.ts';
import { withEveryRule } from '../every-rule.ts';
import { GOOD, MUTATIONS } from '../rules/mistakes.ts';
import { CHART, canRender, said } from './render.ts';

describe.skipIf(!canRender)('the shape of the rules, by the chart (skipped where there is no helm)', () => {
  test('it has the schema that editors have (else: npm run docs)', () => {
    const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
    expect(read(`${CHART}/files/rules.schema.json`)).toEqual(read('rules.schema.json'));
  });

  test('what holds is taken', () => {
    const readyMade = readFileSync('rules.yaml', 'utf8');
    expect(mistakes([GOOD, readyMade, withEveryRule(readyMade)])).toEqual([[], [], []]);
  });

  test('of the mistakes that the programs refuse it finds some, and of what they take it refuses nothing', () => {
    const texts = MUTATIONS.map(([was, becomes]) => GOOD.replace(was, becomes));
    const refused = mistakes(texts).flatMap((found, i) => (found.length > 0 ? [texts[i] ?? ''] : []));
    expect(refused.filter((text) => !('mistakes' in readRules(text)))).toEqual([]);
    expect(refused.length).toBeGreaterThanOrEqual(15);
  });

  test.each([
    ['version: 1', 'version: 2', 'rules.version is not 1.'],
    [
      'write: on-create',
      'wirte: on-create',
      'rules.fields[0] has wirte, which is none of field, from, separator, transform, value, when, write.',
    ],
    [
      'write: on-create',
      'write: sometimes',
      'rules.fields[0].write is sometimes, which is none of on-create, if-empty, if-newer, if-greater, append, always.',
    ],
    [
      'group: location\n    write: if-empty',
      'group: location\n    write: append',
      'rules.fields[7].write is append, which is none of on-create, if-empty, always.',
    ],
    ['  - group: location', '  - gruop: location', 'rules.fields[7] has none of group, field.'],
    ['      - field: city\n  ', '      - feild: city\n  ', 'rules.fields[7].fields[1] lacks field.'],
    ['eligible:\n  - reason: spam\n    when', 'eligible:\n    reason: spam\n    when', 'rules.eligible is no list.'],
    ['  - reason: spam\n    when', '  - when', 'rules.eligible[0] lacks reason.'],
  ])('%j written %j', (was, becomes, sentence) => {
    expect(GOOD).toContain(was);
    expect(mistakes([GOOD.replace(was, becomes)])[0]).toContain(sentence);
  });
});

/** What the chart says of each of these rules files. */
function mistakes(texts: readonly string[]): string[][] {
  return said(texts.map((text) => `include "lcm.rules.mistakes" (dict "root" . "text" ${JSON.stringify(text)})`)).map(
    (text) => JSON.parse(text),
  );
}
