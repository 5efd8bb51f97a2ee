import fc from 'fast-check';
import { stringify } from 'yaml';
import { type FieldFacts, misfitsOf } from '../../services/shared/rules/check.ts';
import type { RuleInput } from '../../services/shared/rules/decide.ts';
import { readRules } from '../../services/shared/rules/load.ts';
import { kindOf, PATHS } from '../../services/shared/rules/paths.ts';
import { GROUP_MODES, type Rules, WRITE_MODES } from '../../services/shared/rules/schema.ts';

/** Fields of every type that can be written, two of each, the second of the texts a short one; and two that no rule writes. */
export const FIELDS: ReadonlyMap<string, FieldFacts> = new Map(
  ['string', 'text', 'phone', 'email', 'url', 'integer', 'float', 'percent', 'boolean', 'date', 'datetime']
    .flatMap((type) =>
      [1, 2].map((nth) => ({ name: `${type}${nth}`, type, length: lengthOf(type, nth), readOnly: false })),
    )
    .concat(['status', 'notes'].map((name) => ({ name, type: 'string', length: 255, readOnly: false })))
    .map((facts) => [facts.name, facts]),
);

function lengthOf(type: string, nth: number): number | undefined {
  return ['string', 'phone', 'email', 'url'].includes(type) ? (nth === 1 ? 255 : 12) : undefined;
}

/** What rules read of the lead and never write. */
export const READ_ONLY = ['status', 'notes'];

const WRITABLE = [...FIELDS.keys()].filter((name) => !READ_ONLY.includes(name));
/** The address says whose lead it is, and is not for rules to vary. */
const SOURCES = [
  ...PATHS,
  'visitor.variables.plan',
  'visitor.variables.a b',
  'form.byId.7',
  'thread.properties.app.mark',
];

/** Texts that mean something to somebody: times, numbers, countries, separators, blanks, signs that are cut badly. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '14',
    '-3',
    '1,234.5',
    'true',
    'false',
    'DE',
    'Peru',
    '+4930123456',
    '030 123456',
    'a; b',
    'A;B',
    ';',
  ),
  fc.constantFrom(
    '2026-11-23T14:07:11.383001Z',
    '2026-11-23',
    '2020-01-01T00:00:00+02:00',
    'https://a.example/?x=1',
    'Ann Lee',
  ),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.nat(300).map((marks) => `e${'\u0301'.repeat(marks)}`),
);

const EXPRESSIONS = [
  'visitor.firstName + " " + thread.rating.comment',
  'visitor.counts.chats + 1',
  'thread.tags.filter(tag, tag != "spam")',
  'visitor.variables.plan == "pro"',
  'lead.status',
  'int(visitor.phone)',
  'thread.tags[0]',
  'timestamp(thread.endedAt)',
  'visitor["first" + "Name"]',
  'visitor.variables.map(name, name)',
];
const CONDITIONS = [
  'thread.tags.exists(tag, tag == "spam")',
  'visitor.counts.visits > 2',
  'isEmpty(lead.notes)',
  'lead.status != "x"',
  'int(visitor.phone) > 3',
  'form.byType.email.contains(visitor.variables.plan)',
];
const TRANSFORMS = [
  'trim',
  'lower',
  'upper',
  'first-name',
  'last-name',
  'country-name',
  'country-code',
  'number',
  'date',
  'phone',
  { join: '; ' },
  { truncate: 5 },
  { phone: 'visitor.location.countryCode' },
];

const from = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...SOURCES) }, fc.constantFrom(...EXPRESSIONS));

/** Mostly of what the field may take; else nearly nothing would ever be written. */
function memberFor(type: string) {
  const fitting =
    type === 'date' || type === 'datetime'
      ? ['thread.startedAt', 'thread.endedAt', 'visitor.variables.plan']
      : type === 'boolean'
        ? ['visitor.variables.plan', 'visitor.variables.plan == "pro"', 'visitor.counts.visits > 9']
        : NUMBERS.includes(type)
          ? ['visitor.counts.chats', 'visitor.counts.threads', 'visitor.counts.visits + 1', 'form.byId.7']
          : SOURCES;
  const source = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fitting) }, from);
  const plainly = fc.record({ from: fc.oneof(source, fc.array(source, { minLength: 1, maxLength: 3 })) });
  const transform = fc.array(fc.constantFrom(...TRANSFORMS), { minLength: 1, maxLength: 2 });
  const changed = fc.record({ from: source, transform });
  const constant = fc.record({ value: fc.constantFrom('LiveChat', 7, true, false, '2026-01-01') });
  return fc.oneof({ weight: 4, arbitrary: plainly }, changed, constant);
}

const NUMBERS = ['integer', 'float', 'percent'];

/** The modes that a field of the type can be written by, and now and then another, which is refused. */
function modesFor(type: string): fc.Arbitrary<string> {
  const fitting = WRITE_MODES.filter((mode) => {
    if (mode === 'if-newer') return type === 'date' || type === 'datetime';
    if (mode === 'if-greater') return NUMBERS.includes(type);
    return mode !== 'append' || ['string', 'text', 'phone', 'email'].includes(type);
  });
  return fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...fitting) }, fc.constantFrom(...WRITE_MODES));
}

const when = fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined, freq: 1 });

function ruleFor(fields: readonly string[]): fc.Arbitrary<object> {
  const types = fields.map((name) => FIELDS.get(name)?.type ?? 'string');
  const [first = ''] = fields;
  const members = fc
    .tuple(...types.map(memberFor))
    .map((list) => list.map((one, index) => ({ field: fields[index], ...one })));
  const write = fields.length > 1 ? fc.constantFrom(...GROUP_MODES) : modesFor(types[0] ?? '');
  return fc.record({ members, write, when }).map(({ members: listed, write: mode, when: condition }) => {
    const more = condition === undefined ? { write: mode } : { write: mode, when: condition };
    return fields.length > 1 ? { group: `group of ${first}`, fields: listed, ...more } : { ...listed[0], ...more };
  });
}

/** Rules that hold, by themselves and against `FIELDS`. */
export const rules: fc.Arbitrary<Rules> = fc
  .tuple(
    fc.shuffledSubarray(WRITABLE, { minLength: 1, maxLength: 8 }),
    fc.array(fc.constantFrom(1, 1, 2, 3), { minLength: 8, maxLength: 8 }),
    fc.option(fc.constantFrom(...CONDITIONS.filter((one) => !one.includes('lead.'))), { nil: undefined }),
  )
  .chain(([order, sizes, eligible]) => {
    const rest = [...order];
    const units = sizes.map((size) => rest.splice(0, size)).filter((unit) => unit.length > 0);
    return fc.tuple(fc.tuple(...units.map(ruleFor)), fc.constant(eligible));
  })
  .map(([written, eligible]) => {
    // A rule that does not fit its field is dropped: it would be refused before anything is decided.
    const kept = written.filter((rule) => {
      const read = readRules(stringify({ version: 1, fields: [rule] }));
      return 'rules' in read && misfitsOf(read.rules, FIELDS).length === 0;
    });
    const some = kept.length > 0 ? kept : [{ field: 'string1', value: 'x', write: 'on-create' }];
    const conditions = eligible === undefined ? {} : { eligible: [{ reason: 'no', when: eligible }] };
    const read = readRules(stringify({ version: 1, ...conditions, fields: some }));
    if ('mistakes' in read) throw new Error(JSON.stringify(read.mistakes));
    return read.rules;
  });

const names = fc.constantFrom('plan', 'a b', 'email', '7', 'other', '__proto__', 'constructor');
const open = fc.array(fc.tuple(names, text), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs));
const property = fc.oneof(text, fc.integer(), fc.boolean());
const properties = fc
  .array(
    fc.tuple(
      fc.constantFrom('app', 'routing'),
      fc.array(fc.tuple(fc.constantFrom('mark', 'x'), property), { maxLength: 2 }),
    ),
    { maxLength: 2 },
  )
  .map((spaces) => Object.fromEntries(spaces.map(([space, pairs]) => [space, Object.fromEntries(pairs)])));

const TIMES = ['2026-11-23T14:07:11.383001Z', '2026-11-23T14:07:10Z', '2031-01-01T00:00:00Z', '2019-01-01T00:00:00Z'];
const closed = PATHS.map((path) => {
  const kind = kindOf(path);
  const value: fc.Arbitrary<unknown> =
    kind === 'number'
      ? fc.nat(20)
      : kind === 'numbers'
        ? fc.array(fc.nat(9), { maxLength: 3 })
        : kind === 'texts'
          ? fc.array(fc.oneof(fc.constantFrom('spam', 'sale', 'Sale'), text), { maxLength: 4 })
          : kind === 'time'
            ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...TIMES) }, text)
            : text;
  return fc.option(value, { nil: undefined, freq: 6 }).map((one) => [path, one] as const);
});

/** Inputs as LiveChat gives them, and less: a part of what should be there is missing. */
export const inputs: fc.Arbitrary<RuleInput> = fc
  .record({
    values: fc.tuple(...closed),
    variables: open,
    byType: open,
    byId: open,
    thread: properties,
    chat: properties,
  })
  .map(({ values, variables, byType, byId, thread, chat }) => {
    const input = {
      visitor: { variables },
      thread: { properties: thread },
      chat: { properties: chat },
      form: { byType, byId },
    };
    for (const [path, value] of values) if (value !== undefined) put(input, path.split('.'), value);
    return input;
  });

/** Puts a value into an input, at keys of which all but the last may be missing. */
export function put(input: object, keys: readonly string[], value: unknown): void {
  const [first = '', ...rest] = keys;
  if (rest.length === 0) {
    Object.defineProperty(input, first, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const inner: unknown = Object.hasOwn(input, first) ? Reflect.get(input, first) : undefined;
  const next = typeof inner === 'object' && inner !== null ? inner : {};
  Object.defineProperty(input, first, { value: next, enumerable: true, configurable: true, writable: true });
  put(next, rest, value);
}

/** Leads as Marketo has them: by type, null, or missing; or none. */
export const leads: fc.Arbitrary<Record<string, unknown> | undefined> = fc.option(
  fc
    .tuple(
      ...[...FIELDS.values()].map((facts) =>
        fc.option(valueOfType(facts), { nil: null, freq: 2 }).map((value) => [facts.name, value] as const),
      ),
    )
    .map((pairs) => Object.fromEntries(pairs.filter(([name]) => name !== 'date2'))),
  { nil: undefined },
);

function valueOfType({ type, length = 255 }: FieldFacts): fc.Arbitrary<unknown> {
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'percent') return fc.integer({ min: -20, max: 20 });
  if (type === 'float') return fc.constantFrom(0, 1.5, 14, -3.25);
  if (type === 'date') return fc.constantFrom('2026-11-23', '2019-05-01', '2030-01-01');
  if (type === 'datetime')
    return fc.constantFrom('2026-11-23T14:07:11Z', '2019-05-01T00:00:00Z', '2030-01-01T00:00:00+01:00');
  return text.map((value) => value.slice(0, length));
}

/** A lead after changes, as Marketo would return it: booleans that nobody wrote are false. */
export function applied(
  lead: Record<string, unknown> | undefined,
  changes: readonly { field: string; to: unknown }[],
): Record<string, unknown> {
  const before =
    lead ?? Object.fromEntries([...FIELDS.values()].map(({ name, type }) => [name, type === 'boolean' ? false : null]));
  return { ...before, ...Object.fromEntries(changes.map(({ field, to }) => [field, to])) };
}
