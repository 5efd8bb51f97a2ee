import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../services/shared/rules/decide.ts';
import { ineligible } from '../../services/shared/rules/eligible.ts';
import { valueAt } from '../../services/shared/rules/paths.ts';
import { usedOf } from '../../services/shared/rules/used.ts';
import { fits, isEmpty } from '../../services/shared/rules/value.ts';
import { applied, FIELDS, inputs, leads, put, rules } from './arbitrary.ts';

const RUNS = { numRuns: 1000 };

describe('for all rules, visitors and leads', () => {
  test('deciding again after the changes were applied gives none', () => {
    fc.assert(
      fc.property(rules, inputs, leads, (model, input, lead) => {
        const { changes } = decide(model, input, lead, FIELDS);
        expect(decide(model, input, applied(lead, changes), FIELDS).changes).toEqual([]);
      }),
      RUNS,
    );
  });

  test('no change is empty or too long, none is of a field that no rule names, and every field that is named is told of once', () => {
    fc.assert(
      fc.property(rules, inputs, leads, (model, input, lead) => {
        const { changes, leftAlone } = decide(model, input, lead, FIELDS);
        for (const { field, to } of changes) {
          const facts = FIELDS.get(field);
          expect(isEmpty(to), field).toBe(false);
          expect(to === '' || to === null || Number.isNaN(to)).toBe(false);
          if (facts && typeof to === 'string') expect(fits(to, facts), field).toBe(true);
        }
        const told = [...changes, ...leftAlone].map(({ field }) => field);
        expect(told.sort()).toEqual([...model.fieldNames].sort());
        for (const { reason } of leftAlone) expect(reason).not.toBe('');
      }),
      RUNS,
    );
  });

  test('a group never comes to lie beside a value that the lead has in it', () => {
    fc.assert(
      fc.property(rules, inputs, leads, (model, input, lead) => {
        const { changes, leftAlone } = decide(model, input, lead, FIELDS);
        for (const rule of model.rules.filter((one) => one.isGroup)) {
          const names = rule.fields.map(({ field }) => field);
          if (!changes.some(({ field }) => names.includes(field))) continue;
          const kept = names.filter(
            (name) => !isEmpty(lead?.[name], FIELDS.get(name)) && !changes.some(({ field }) => field === name),
          );
          // What is kept in a group that is written is the visitor's own value already.
          for (const name of kept)
            expect(leftAlone.find(({ field }) => field === name)?.reason).toBe('the lead has this value already');
          if (rule.write !== 'always') expect(kept).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  test('what a lead has is only ever replaced by rules that say so, and append keeps every entry', () => {
    fc.assert(
      fc.property(rules, inputs, leads, (model, input, lead) => {
        for (const { field, from, to, mode } of decide(model, input, lead, FIELDS).changes) {
          if (isEmpty(from, FIELDS.get(field))) continue;
          expect(['always', 'if-newer', 'if-greater', 'append']).toContain(mode);
          if (mode === 'if-newer') expect(Date.parse(String(to))).toBeGreaterThan(Date.parse(String(from)));
          if (mode === 'if-greater') expect(Number(to)).toBeGreaterThan(Number(from));
          if (mode === 'append') {
            const entries = (text: unknown) =>
              String(text)
                .split(';')
                .map((entry) => entry.trim())
                .filter(Boolean);
            expect(entries(to).slice(0, entries(from).length)).toEqual(entries(from));
          }
        }
      }),
      RUNS,
    );
  });
});

describe('what the rules use of a thread', () => {
  test('where it is equal, everything that is decided is equal, whatever else differs', () => {
    fc.assert(
      fc.property(rules, inputs, inputs, leads, (model, input, other, lead) => {
        const changed = structuredClone(other);
        put(changed, ['visitor', 'email'], valueAt(input, ['visitor', 'email']));
        for (const { keys } of model.reads) put(changed, keys, valueAt(input, keys));
        expect(usedOf(model, changed)).toEqual(usedOf(model, input));
        expect(decide(model, changed, lead, FIELDS)).toEqual(decide(model, input, lead, FIELDS));
        expect(ineligible(model, changed)).toBe(ineligible(model, input));
      }),
      RUNS,
    );
  });

  test('a difference in what is decided shows in it', () => {
    let differing = 0;
    fc.assert(
      fc.property(rules, inputs, inputs, leads, (model, input, other, lead) => {
        const same = (one: unknown, two: unknown) => JSON.stringify(one) === JSON.stringify(two);
        const isSame = same(decide(model, input, lead, FIELDS), decide(model, other, lead, FIELDS));
        if (isSame && ineligible(model, input) === ineligible(model, other)) return;
        differing += 1;
        expect(same(usedOf(model, input), usedOf(model, other))).toBe(false);
      }),
      RUNS,
    );
    expect(differing).toBeGreaterThan(100);
  });

  test('it is the same whatever the order of keys, through JSON and back, and has the address', () => {
    fc.assert(
      fc.property(rules, inputs, (model, input) => {
        const stored: typeof input = JSON.parse(JSON.stringify(reversed(input)));
        expect(JSON.stringify(usedOf(model, stored))).toBe(JSON.stringify(usedOf(model, input)));
        expect(Object.keys(usedOf(model, input))).toContain('visitor.email');
      }),
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
