import { expect, test } from 'vitest';
import { type FieldFacts, misfitsOf } from '../../services/shared/rules/check.ts';
import { readRules } from '../../services/shared/rules/load.ts';
import { instanceFields } from '../sandbox/marketo/fields.ts';
import { GOOD, MUTATIONS } from './mistakes.ts';

const FIELDS: ReadonlyMap<string, FieldFacts> = new Map(
  [...instanceFields().values()].map(({ name, dataType, length, readOnly = false }) => [
    name,
    { name, type: dataType, length, readOnly },
  ]),
);

function mistakesIn(text: string) {
  const read = readRules(text);
  return 'mistakes' in read ? read.mistakes : misfitsOf(read.rules, FIELDS);
}

test('the file that is changed below holds as it stands', () => {
  expect(mistakesIn(GOOD)).toEqual([]);
});

test('there are more than fifty ways to get it wrong, no two alike', () => {
  const mutated = MUTATIONS.map(([was, becomes]) => GOOD.replace(was, becomes));
  expect(new Set(mutated).size).toBe(MUTATIONS.length);
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(50);
  expect(mutated).not.toContain(GOOD);
});

test.each(MUTATIONS)('refused: %j written %j, on line %i', (was, becomes, line, says) => {
  const mistakes = mistakesIn(GOOD.replace(was, becomes));
  const told = mistakes.map((mistake) => `${mistake.line}: ${mistake.message}`);
  expect(
    mistakes.some((mistake) => mistake.line === line && says.test(mistake.message)),
    told.join('\n'),
  ).toBe(true);
});

test('all mistakes are told at once, in the order of their lines', () => {
  const several = ['visitor.firstName', 'thread.endedAt', 'visitor.counts.threads', 'thread.rating.score'];
  const text = several
    .reduce((whole, path) => whole.replace(path, `${path}x`), GOOD)
    .replace('write: append', 'write: apend');
  expect(mistakesIn(text).map(({ line }) => line)).toEqual([11, 19, 22, 26, 30]);
});

test('aliases that lead to too much are refused, not followed', () => {
  const laughs = Array.from(
    { length: 20 },
    (_, index) =>
      `  a${index}: &a${index} [${Array(9)
        .fill(index === 0 ? 'x' : `*a${index - 1}`)
        .join(', ')}]`,
  );
  expect(
    mistakesIn(`version: 1\nx:\n${laughs.join('\n')}\nfields: []\n`)
      .map(({ message }) => message)
      .join(),
  ).toMatch(/aliases/);
});
