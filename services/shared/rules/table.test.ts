import { describe, expect, test } from 'vitest';
import { type FieldFacts, misfitsOf } from './check.ts';
import { decide, type RuleInput } from './decide.ts';
import { parseRules } from './load.ts';
import { WRITE_MODES, type WriteMode } from './schema.ts';

/** A value as the visitor has it, as Marketo takes it, and other values that a lead may have in a field of the type. */
type Case = { type: string; raw: string; value: unknown; other: Record<string, unknown> };

const CASES: Case[] = [
  { type: 'string', raw: ' Lima ', value: 'Lima', other: { different: 'Quito' } },
  { type: 'text', raw: 'Lima', value: 'Lima', other: { different: 'Quito' } },
  { type: 'phone', raw: '+5112345', value: '+5112345', other: { different: '+1' } },
  { type: 'email', raw: 'a@example.com', value: 'a@example.com', other: { different: 'b@example.com' } },
  { type: 'url', raw: 'https://a.example/', value: 'https://a.example/', other: { different: 'https://b.example/' } },
  { type: 'boolean', raw: 'true', value: true, other: { different: false } },
  { type: 'integer', raw: '14', value: 14, other: { newer: 15, older: 13 } },
  { type: 'score', raw: '14', value: 14, other: { newer: 15, older: -14 } },
  { type: 'percent', raw: '14', value: 14, other: { newer: 99, older: 0 } },
  { type: 'float', raw: '1.5', value: 1.5, other: { newer: 1.51, older: 1.49 } },
  { type: 'currency', raw: '9.99', value: 9.99, other: { newer: 10, older: 9 } },
  { type: 'date', raw: '2026-11-23', value: '2026-11-23', other: { newer: '2026-11-24', older: '2026-11-22' } },
  {
    type: 'datetime',
    raw: '2026-11-23T14:07:11.999999Z',
    value: '2026-11-23T14:07:11Z',
    other: { newer: '2026-11-23T16:07:12+02:00', older: '2026-11-23T14:07:10Z' },
  },
];

const NUMBERS = ['integer', 'score', 'percent', 'float', 'currency'];
const TIMES = ['date', 'datetime'];
const TEXTS = ['string', 'text', 'phone', 'email'];

/** Which modes a type can be written by; written down here, not asked of the code. */
const allowed = (mode: WriteMode, type: string) =>
  mode === 'if-newer'
    ? TIMES.includes(type)
    : mode === 'if-greater'
      ? NUMBERS.includes(type)
      : mode === 'append'
        ? TEXTS.includes(type)
        : true;

/** What is to happen to a lead in this state: the value written, or nothing. */
function expected(mode: WriteMode, { type, value }: Case, state: string, had: unknown): unknown {
  if (state === 'absent') return value;
  if (mode === 'on-create' || state === 'same') return undefined;
  if (['null', 'missing', 'blank'].includes(state)) return value;
  if (mode === 'if-empty') return type === 'boolean' ? value : undefined;
  if (mode === 'if-newer' || mode === 'if-greater') return state === 'older' ? value : undefined;
  if (mode === 'append') return `${had}; ${value}`;
  return value;
}

const facts = (type: string): FieldFacts => ({
  name: 'f',
  type,
  length: type === 'text' ? undefined : 255,
  readOnly: false,
});
const rulesOf = (mode: WriteMode) =>
  parseRules(`version: 1\nfields: [{ field: f, from: visitor.variables.x, write: ${mode} }]`, 't');
const inputOf = (raw: string): RuleInput => ({ visitor: { variables: { x: raw } }, thread: {}, chat: {}, form: {} });

const rows = WRITE_MODES.flatMap((mode) =>
  CASES.flatMap((one) => {
    const states: [string, Record<string, unknown> | undefined][] = [
      ['absent', undefined],
      ['null', { f: null }],
      ['missing', {}],
      ['blank', { f: '  ' }],
      ['same', { f: one.value }],
      ...Object.entries(one.other).map(([state, f]): [string, Record<string, unknown>] => [state, { f }]),
    ];
    return states.map(([state, lead]) => ({ mode, one, state, lead }));
  }),
);

describe('the decision table: mode × type × what the lead has', () => {
  test(`has ${rows.length} rows, for every mode and every type that Marketo lets be written`, () => {
    expect(rows.length).toBe(
      WRITE_MODES.length * (CASES.length * 5 + CASES.reduce((sum, { other }) => sum + Object.keys(other).length, 0)),
    );
  });

  test.each(rows.map((row) => ({ ...row, name: `${row.mode}, ${row.one.type}, ${row.state}` })))(
    '$name',
    ({ mode, one, state, lead }) => {
      const rules = rulesOf(mode);
      const fields = new Map([['f', facts(one.type)]]);
      if (!allowed(mode, one.type)) {
        expect(misfitsOf(rules, fields).map(({ message }) => message)).toEqual([
          expect.stringContaining(`write: ${mode} is for`),
        ]);
        return;
      }
      expect(misfitsOf(rules, fields)).toEqual([]);
      const { changes, leftAlone } = decide(rules, inputOf(one.raw), lead, fields);
      const to = expected(mode, one, state, lead?.['f']);
      if (to === undefined) {
        expect(changes).toEqual([]);
        expect(leftAlone).toEqual([{ field: 'f', rule: 'f', reason: expect.stringMatching(/^the lead/) }]);
      } else {
        expect(changes).toEqual([{ field: 'f', from: lead?.['f'] ?? null, to, rule: 'f', mode }]);
        expect(leftAlone).toEqual([]);
      }
    },
  );

  test.each(
    rows
      .filter(({ mode, one }) => allowed(mode, one.type))
      .map((row) => ({ ...row, name: `${row.mode}, ${row.one.type}, ${row.state}` })),
  )('without a value nothing is written: $name', ({ mode, one, lead }) => {
    for (const nothing of ['', '  ']) {
      const { changes, leftAlone } = decide(rulesOf(mode), inputOf(nothing), lead, new Map([['f', facts(one.type)]]));
      expect(changes).toEqual([]);
      expect(leftAlone).toHaveLength(1);
    }
  });
});
