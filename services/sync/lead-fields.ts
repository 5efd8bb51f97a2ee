import type { Marketo } from '../shared/marketo/client.ts';
import type { Field } from '../shared/marketo/types.ts';
import { checkAgainstMarketo, missingFields, withoutFields } from '../shared/rules/check.ts';
import type { Rules } from '../shared/rules/schema.ts';
import { EXIT, Failure } from '../shared/runtime/failure.ts';
import type { Database } from '../shared/store/database.ts';
import { readLeadFields, rememberLeadFields } from '../shared/store/lead-fields.ts';
import type { Tell } from './warnings.ts';

export type RulesThatFit = {
  fields: ReadonlyMap<string, Field>;
  rules: Rules;
  /** Whether Marketo was asked just now; else the fields are those of up to a day ago. */
  asked: boolean;
};

/**
 * Marketo's lead fields, and the rules that fit them. Describe is asked once a day, and where the rules name a field
 * that it did not have. A field that was there once and is gone costs its rules, which is said; one that never was there
 * is a mistake in the rules.
 *
 * @param instance Marketo's host.
 * @param how `always`: asks in any case; `keep`: remembers what it was told, which a dry run does not.
 * @throws Failure (78) where the rules name a field that never was there, or cannot be written as they want; and where
 *   no rule would be left: leads with an address and nothing else are not what anybody wants.
 */
export async function rulesThatFit(
  { db, marketo, instance, tell }: { db: Database; marketo: Marketo; instance: string; tell: Tell },
  rules: Rules,
  how: { always: boolean; keep: boolean },
): Promise<RulesThatFit> {
  const known = await readLeadFields(db, instance);
  const isEnough = !how.always && known?.isFresh === true && missingFields(rules, known.fields).length === 0;
  const fields = isEnough ? known.fields : await marketo.describe();
  if (!isEnough && how.keep) await rememberLeadFields(db, instance, fields.values());

  const gone = missingFields(rules, fields).filter((name) => known?.gone.has(name) || known?.fields.has(name));
  const { rules: left, lost } = withoutFields(rules, new Set(gone));
  if (lost.length > 0 && left.rules.length === 0) {
    throw new Failure(
      EXIT.configuration,
      `Marketo no longer has ${gone.join(', ')}, and no rule is left without: bring the fields back, take them out of the rules, or check that MARKETO_ENDPOINT is the Marketo that the rules are for.`,
      { code: 'lead-field-gone' },
    );
  }
  checkAgainstMarketo(left, fields);
  if (lost.length > 0) {
    await tell({
      code: 'lead-field-gone',
      message: `Marketo no longer has ${gone.join(', ')}: the rules ${lost.map(({ rule }) => `"${rule}"`).join(', ')} write nothing; the others go on.`,
      subject: gone.toSorted().join(' '),
    });
  }
  return { fields, rules: left, asked: !isEnough };
}
