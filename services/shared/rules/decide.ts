import type { FieldFacts } from './check.ts';
import { valueAt } from './paths.ts';
import type { Member, Rule, Rules, Source } from './schema.ts';
import {
  convert,
  fits,
  isEmpty,
  isSame,
  isTextLike,
  NO_VALUE,
  numberOf,
  type Raw,
  secondsOf,
  type Value,
} from './value.ts';
import { createView, type View } from './view.ts';

/** What the rules see: a visitor and what belongs to them. What is missing in it counts as empty. */
export type RuleInput = { visitor: object; thread: object; chat: object; form: object };

/** One field that is to be written, and the rule that says so. */
export type Change = { field: string; from: unknown; to: Value; rule: string; mode: Rule['write'] };

/** One field that is left as it is, and why. */
export type LeftAlone = { field: string; rule: string; reason: string };

export type Decision = { changes: Change[]; leftAlone: LeftAlone[] };

type LeadFields = Readonly<Record<string, unknown>>;
type Facts = ReadonlyMap<string, FieldFacts>;

/**
 * Decides which fields of a lead to write. Pure: the same input gives the same answer, and deciding again after the
 * changes were applied gives none.
 *
 * Invariants: no change is empty (this system clears nothing in Marketo); no field is touched that no rule names; a
 * group is written only where it does not come to lie beside a value that the lead has in it already, so a city never
 * lands beside another country; what cannot be judged is left alone.
 *
 * @param lead the lead's fields as Marketo has them, all of `rules.leadFields`; undefined where there is no lead yet.
 * @param fields Marketo's description of its fields.
 * @param isNew whether the lead is one that is about to be created: what its earlier threads lead to.
 * @returns the changes, and a reason for every other field that a rule names.
 */
export function decide(
  rules: Rules,
  input: RuleInput,
  lead: LeadFields | undefined,
  fields: Facts,
  isNew = lead === undefined,
): Decision {
  const decision: Decision = { changes: [], leftAlone: [] };
  const view = createView(rules.expressionReads, input, { values: lead, facts: fields, reads: rules.leadFields });
  for (const rule of rules.rules) {
    const forbidden = reasonAgainst(rule, lead, fields, view, isNew);
    const found = rule.fields.map(
      (member) => forbidden ?? judge(member, rule, input, lead, fields.get(member.field), view),
    );
    const incomplete = forbidden ?? reasonAgainstPart(rule, found, lead, fields);
    rule.fields.forEach(({ field }, index) => {
      const outcome = incomplete ?? found[index];
      if (typeof outcome === 'object') decision.changes.push(outcome);
      else decision.leftAlone.push({ field, rule: rule.name, reason: outcome ?? SAME });
    });
  }
  return decision;
}

/** Why the rule as a whole may not write to this lead, if so. */
function reasonAgainst(
  rule: Rule,
  lead: LeadFields | undefined,
  fields: Facts,
  view: View,
  isNew: boolean,
): string | undefined {
  if (!isNew && rule.write === 'on-create') return 'the lead exists, and the rule writes to new leads only';
  if (lead && (rule.write === 'if-empty' || rule.write === 'on-create')) {
    const filled = rule.fields.find(({ field }) => !isEmpty(lead[field], fields.get(field)));
    if (filled) return `the lead has a value of its own${rule.fields.length > 1 ? ` in ${filled.field}` : ''}`;
  }
  if (!rule.when) return undefined;
  const holds = rule.when.evaluate(view);
  if ('problem' in holds) return `its condition (when) cannot be judged: ${holds.problem}`;
  return holds.value === true ? undefined : 'its condition (when) does not hold';
}

/**
 * Why a group may not be written although its rule may: it would be `always`, but the lead has a value for which the
 * visitor has none, and would keep that beside the new ones.
 */
function reasonAgainstPart(
  rule: Rule,
  found: readonly (Change | string)[],
  lead: LeadFields | undefined,
  fields: Facts,
): string | undefined {
  if (!lead || !rule.isGroup || rule.write !== 'always') return undefined;
  const kept = rule.fields.find(
    ({ field }, index) =>
      typeof found[index] === 'string' && found[index] !== SAME && !isEmpty(lead[field], fields.get(field)),
  );
  return kept && `the lead has a value in ${kept.field}, for which the visitor has none: the group is not mixed`;
}

function judge(
  member: Member,
  rule: Rule,
  input: RuleInput,
  lead: LeadFields | undefined,
  field: FieldFacts | undefined,
  view: View,
): Change | string {
  if (!field) return 'Marketo has no such field';
  const present = lead?.[member.field];
  const change = (to: Value): Change => ({
    field: member.field,
    from: present ?? null,
    to,
    rule: rule.name,
    mode: rule.write,
  });
  const outcome =
    rule.write === 'append'
      ? appended(
          present,
          firstOffer(member, input, view, (raw) => entriesOf(raw, rule.separator)),
          rule.separator,
          field,
        )
      : firstOffer(member, input, view, (raw) => convert(raw, field));
  if ('problem' in outcome) return outcome.problem;
  if (isSame(present, outcome.value, field)) return SAME;
  const behind = reasonAgainstValue(rule, present, outcome.value);
  return behind ?? change(outcome.value);
}

export const SAME = 'the lead has this value already';

type Outcome<T = Value> = { value: T } | { problem: string };

/**
 * The first source that gives what `take` can read. Where none does, why the first that gave anything does not. What the
 * lead has plays no part: else a second decision could turn to another source.
 */
function firstOffer<T>(member: Member, input: RuleInput, view: View, take: (raw: Raw) => Outcome<T>): Outcome<T> {
  let problem: string | undefined;
  for (const source of member.sources) {
    const outcome = offer(source, member, input, view, take);
    if ('value' in outcome) return outcome;
    if (outcome.problem !== NO_VALUE) problem ??= outcome.problem;
  }
  return { problem: problem ?? NO_VALUE };
}

function offer<T>(
  source: Source,
  member: Member,
  input: RuleInput,
  view: View,
  take: (raw: Raw) => Outcome<T>,
): Outcome<T> {
  const raw = rawOf(source, input, view);
  if ('problem' in raw) return raw;
  let value = raw.value;
  for (const transform of member.transforms) {
    if (isNothing(value)) return { problem: NO_VALUE };
    const step = transform.apply(value, input);
    if ('problem' in step) return step;
    value = step.value;
  }
  return isNothing(value) ? { problem: NO_VALUE } : take(value);
}

function rawOf(source: Source, input: RuleInput, view: View): { value: Raw } | { problem: string } {
  if (source.kind === 'constant') return { value: source.value };
  if (source.kind === 'expression') return source.expression.evaluate(view);
  return { value: plain(valueAt(input, source.path.keys)) };
}

/** What of the input a field can hold: a text, a number, true or false, or a list of them. */
function plain(value: unknown): Raw {
  if (Array.isArray(value)) return value.flatMap((one: unknown) => plain(one) ?? []);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function isNothing(value: Raw): boolean {
  if (typeof value === 'object') return value.every(isNothing);
  return value === undefined || (typeof value === 'string' && value.trim() === '');
}

/** Why the value may not take the place of the lead's, by what is in the two. */
function reasonAgainstValue(rule: Rule, present: unknown, value: Value): string | undefined {
  if (isEmpty(present)) return undefined;
  const [measure, less] =
    rule.write === 'if-newer' ? [secondsOf, 'as late'] : rule.write === 'if-greater' ? [numberOf, 'as great'] : [];
  if (!measure || !less) return undefined;
  const had = measure(present);
  const has = measure(value);
  if (had === undefined || has === undefined) return 'the lead’s value cannot be compared with it';
  return has > had ? undefined : `the lead’s value is at least ${less}`;
}

/** The entries in a text, or in each text of a list. */
function entriesOf(raw: unknown, separator: string): Outcome<string[]> {
  const texts = Array.isArray(raw) ? raw.map(String) : [String(raw)];
  const entries = texts.flatMap((text) => text.split(markOf(separator)).map((entry) => entry.trim())).filter(Boolean);
  return entries.length > 0 ? { value: entries } : { problem: NO_VALUE };
}

/**
 * A text field's entries with those of the value that are not among them, compared without case. What is there stays as
 * it is, and entries come whole or not at all: the field never holds half of one.
 */
function appended(present: unknown, offered: Outcome<string[]>, separator: string, field: FieldFacts): Outcome {
  if ('problem' in offered) return offered;
  if (!isTextLike(field)) return { problem: 'entries can be added to text only' };
  const before = isEmpty(present) ? '' : String(present).trim();
  const had = entriesOf(before, separator);
  const seen = new Set('value' in had ? had.value.map(sameAs) : []);
  let text = before;
  let isFull = false;
  for (const entry of offered.value) {
    if (seen.has(sameAs(entry))) continue;
    seen.add(sameAs(entry));
    const longer = text === '' ? entry : `${withoutMark(text, markOf(separator))}${separator}${entry}`;
    if (fits(longer, field)) text = longer;
    else isFull = true;
  }
  if (text !== before) return { value: text };
  return { problem: isFull ? 'the field has no room for another entry' : SAME };
}

/** What tells entries apart: the separator without its blanks, which people may have left out. */
function markOf(separator: string): string {
  return separator.trim() || separator;
}

function sameAs(entry: string): string {
  return entry.normalize('NFC').toLowerCase();
}

function withoutMark(text: string, mark: string): string {
  return text.endsWith(mark) ? text.slice(0, -mark.length).trimEnd() : text;
}
