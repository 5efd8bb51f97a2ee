import type { FieldFacts } from './check.ts';
import { type Change, type Decision, decide, type RuleInput, SAME } from './decide.ts';
import type { Rules } from './schema.ts';
import { isSame } from './value.ts';

/**
 * Decides about several threads of one person together: as if each had been delivered by itself, in their order, so that
 * it makes no difference whether an hour's threads come in one run or in two. Tags are gathered over all of them, the
 * first chat is the first one's, the last rating is the last that was given.
 *
 * @param inputs one for each thread, oldest first; at least one.
 * @param lead the lead's fields as Marketo has them; undefined where there is no lead yet.
 * @returns what is to be written in the end, from what the lead has now; what an earlier thread would write and a later
 *   one would take back is no change.
 */
export function decideAll(
  rules: Rules,
  inputs: readonly RuleInput[],
  lead: Readonly<Record<string, unknown>> | undefined,
  fields: ReadonlyMap<string, FieldFacts>,
): Decision {
  const made = new Map<string, Change>();
  let state = lead;
  let decision: Decision = { changes: [], leftAlone: [] };
  for (const input of inputs) {
    decision = decide(rules, input, state, fields, lead === undefined);
    for (const change of decision.changes) made.set(change.field, { ...change, from: lead?.[change.field] ?? null });
    state = { ...state, ...Object.fromEntries(decision.changes.map(({ field, to }) => [field, to])) };
  }
  const changes = rules.fieldNames.flatMap((name) => {
    const change = made.get(name);
    const facts = fields.get(name);
    return change && facts && !isSame(change.from, change.to, facts) ? [change] : [];
  });
  const changed = new Set(changes.map(({ field }) => field));
  const asItWas = [...made.values()].filter(({ field }) => !changed.has(field));
  const leftAlone = [
    ...decision.leftAlone.filter(({ field }) => !changed.has(field) && !made.has(field)),
    ...asItWas.map(({ field, rule }) => ({ field, rule, reason: SAME })),
  ];
  return { changes, leftAlone };
}
