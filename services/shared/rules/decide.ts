import type { FieldFacts } from './check.ts';
import type { Rule, Rules, Source } from './schema.ts';
import { convert, isEmpty, isSame, type Value } from './value.ts';

/** What the rules see: a visitor and what belongs to them. Complete: a missing text is empty, a missing list is empty. */
export type RuleInput = { visitor: object; thread: object; chat: object; form: object };

/** One field that is to be written, and the rule that says so. */
export type Change = { field: string; from: unknown; to: Value; rule: string };

/** One field that is left as it is, and why. */
export type LeftAlone = { field: string; rule: string; reason: string };

export type Decision = { changes: Change[]; leftAlone: LeftAlone[] };

/**
 * Decides which fields of a lead to write. Pure: the same input gives the same answer, and deciding again after the
 * changes were applied gives none.
 *
 * Invariants: no change is empty (this system clears nothing in Marketo); no field is touched that no rule names; a
 * group is written only where the lead has none of its fields, so a city never lands beside another country.
 *
 * @param lead the lead's fields as Marketo has them; undefined where there is none yet.
 * @param fields Marketo's description of its fields.
 */
export function decide(
  rules: Rules,
  input: RuleInput,
  lead: Readonly<Record<string, unknown>> | undefined,
  fields: ReadonlyMap<string, FieldFacts>,
): Decision {
  const decision: Decision = { changes: [], leftAlone: [] };
  for (const rule of rules.rules) {
    const forbidden = reasonAgainst(rule, lead);
    for (const source of rule.fields) {
      const outcome = forbidden ?? judge(source, rule, input, lead, fields.get(source.field));
      if (typeof outcome === 'string')
        decision.leftAlone.push({ field: source.field, rule: rule.name, reason: outcome });
      else decision.changes.push(outcome);
    }
  }
  return decision;
}

/** Why the rule as a whole may not write to this lead, if so. */
function reasonAgainst(rule: Rule, lead: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (!lead) return undefined;
  if (rule.write === 'on-create') return 'the lead exists, and the rule writes to new leads only';
  if (rule.write === 'if-empty') {
    const filled = rule.fields.find(({ field }) => !isEmpty(lead[field]));
    if (filled) return `the lead has a value of its own${rule.fields.length > 1 ? ` in ${filled.field}` : ''}`;
  }
  return undefined;
}

function judge(
  source: { field: string } & Source,
  rule: Rule,
  input: RuleInput,
  lead: Readonly<Record<string, unknown>> | undefined,
  field: FieldFacts | undefined,
): Change | string {
  if (!field) return 'Marketo has no such field';
  const converted = convert(source.from === undefined ? source.value : valueAt(input, source.from), field);
  if ('problem' in converted) return converted.problem;
  const present = lead?.[source.field];
  if (isSame(present, converted.value, field)) return 'the lead has this value already';
  return { field: source.field, from: present ?? null, to: converted.value, rule: rule.name };
}

/** The value at a path such as `visitor.location.city`; undefined where there is none. */
function valueAt(input: RuleInput, path: string): unknown {
  let value: unknown = input;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
