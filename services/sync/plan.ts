import type { Marketo } from '../shared/marketo/client.ts';
import { MarketoError } from '../shared/marketo/errors.ts';
import type { Lead } from '../shared/marketo/types.ts';
import type { Decision } from '../shared/rules/decide.ts';
import type { Database } from '../shared/store/database.ts';
import { decideVisitors } from './decide-visitors.ts';
import { mostRecentlyUpdated } from './deliver.ts';
import { findLeads } from './find-leads.ts';
import type { RulesThatFit } from './lead-fields.ts';
import type { Visitor } from './merge.ts';

/** What a run would do to one visitor's lead. */
export type Planned = {
  visitor: Visitor;
  action: 'create' | 'update' | 'leave alone' | 'refused';
  lead: Lead | undefined;
  /** How many leads have the address; of several, the most recently updated one is taken. */
  leads: number;
  decision: Decision;
};

export type Planner = {
  db: Database;
  marketo: Marketo;
  fitting: RulesThatFit;
  /** The rules that fit what Marketo says of its fields now. */
  askAgain: () => Promise<RulesThatFit>;
};

/** Looks up the leads of a batch of visitors and decides, as deliver does; writes nothing. */
export async function planBatch(planner: Planner, visitors: readonly Visitor[]): Promise<Planned[]> {
  if (visitors.length === 0) return [];
  try {
    return await planWith(planner, planner.fitting, visitors);
  } catch (error) {
    // A field that went since it was described makes Marketo refuse every look-up.
    if (planner.fitting.asked || !(error instanceof MarketoError && error.code === '1006')) throw error;
    planner.fitting = await planner.askAgain();
    return planWith(planner, planner.fitting, visitors);
  }
}

async function planWith(
  { db, marketo }: Planner,
  { rules, fields }: RulesThatFit,
  visitors: readonly Visitor[],
): Promise<Planned[]> {
  const leadsOf = await findLeads(
    (emails) => marketo.findLeadsByEmail(emails, rules.leadFields),
    visitors.map(({ email }) => email),
  );
  const found = visitors.map((visitor) => {
    const leads = leadsOf.get(visitor.email.toLowerCase()) ?? [];
    const lead = leads === 'refused' ? undefined : mostRecentlyUpdated(leads);
    return { visitor, lead, leads };
  });
  const decisions = await decideVisitors({ db, rules, fields }, found);
  return found.map(({ visitor, lead, leads }, index): Planned => {
    const decision = decisions[index] ?? NOTHING;
    if (leads === 'refused') return { visitor, lead, action: 'refused', leads: 0, decision: NOTHING };
    const action = !lead ? 'create' : decision.changes.length > 0 ? 'update' : 'leave alone';
    return { visitor, lead, action, leads: leads.length, decision };
  });
}

const NOTHING: Decision = { changes: [], leftAlone: [] };
