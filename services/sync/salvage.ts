import type { Refusal } from '../shared/marketo/types.ts';
import type { Decision } from '../shared/rules/decide.ts';

/** A field that a lead is written without, and the code with which Marketo refused its value. */
export type LostField = {
  field: string;
  code: string /** the fields of its group, which went with it */;
  also: string[];
};

/** So many fields a record may lose; what is refused for one more is refused. */
const MOST_LOST = 3;

/** Record-level codes that can be about one field's value: 1001 and 1003 its type or content, 1006 that there is no such field. */
const ABOUT_A_FIELD = ['1001', '1003', '1006'];

/**
 * What is left of a decision when Marketo has refused a record for one field's value: a bad phone number must not cost the
 * visitor. A group loses all its fields together, so that a city never lands without its country.
 *
 * @param lost what the record has lost before.
 * @returns undefined where nothing can be done: the refusal is about no field that a rule wrote, the record's key among
 *   them, or it has lost enough.
 */
export function withoutRefused(
  decision: Decision,
  lost: readonly LostField[],
  { code, field }: Refusal,
): { decision: Decision; lost: LostField[] } | undefined {
  const change = decision.changes.find((one) => one.field === field);
  if (!change || lost.length >= MOST_LOST || !ABOUT_A_FIELD.includes(code)) return undefined;
  const gone = decision.changes.filter(({ rule }) => rule === change.rule);
  const also = gone.map((one) => one.field).filter((name) => name !== change.field);
  return {
    decision: {
      changes: decision.changes.filter(({ rule }) => rule !== change.rule),
      leftAlone: [
        ...decision.leftAlone,
        ...gone.map((one) => ({
          field: one.field,
          rule: one.rule,
          reason: `Marketo refused the value of ${change.field}`,
        })),
      ],
    },
    lost: [...lost, { field: change.field, code, also }],
  };
}
