import type { RuleInput } from './decide.ts';
import type { Rules } from './schema.ts';
import { createView } from './view.ts';

/**
 * Why the rules ignore a thread; undefined where they do not. A condition that cannot be judged does not hold: what is
 * not known to be wanted is not written.
 *
 * @param input the thread as the rules see it.
 * @returns the reason of the first condition that does not hold.
 */
export function ineligible(rules: Rules, input: RuleInput): string | undefined {
  if (rules.eligible.length === 0) return undefined;
  const view = createView(rules.expressionReads, input, NO_LEAD);
  return rules.eligible.find(({ when }) => {
    const holds = when.evaluate(view);
    return 'problem' in holds || holds.value !== true;
  })?.reason;
}

const NO_LEAD = { values: undefined, facts: new Map(), reads: [] };
