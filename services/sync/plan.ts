import type { Marketo } from '../shared/marketo/client.ts';
import type { Field, Lead } from '../shared/marketo/types.ts';
import type { Decision } from '../shared/rules/decide.ts';
import { decideAll } from '../shared/rules/decide-all.ts';
import type { Rules } from '../shared/rules/schema.ts';
import { mostRecentlyUpdated } from './deliver.ts';
import type { Visitor } from './merge.ts';

/** What a run would do to one visitor's lead. */
export type Planned = {
  visitor: Visitor;
  action: 'create' | 'update' | 'leave alone';
  lead: Lead | undefined;
  /** How many leads have the address; of several, the most recently updated one is taken. */
  leads: number;
  decision: Decision;
};

/** Looks up the leads of a batch of visitors and decides, as deliver does; writes nothing. */
export async function planBatch(
  parts: { marketo: Marketo; rules: Rules; fields: ReadonlyMap<string, Field> },
  visitors: readonly Visitor[],
): Promise<Planned[]> {
  if (visitors.length === 0) return [];
  const found = await parts.marketo.findLeadsByEmail(
    visitors.map(({ email }) => email),
    parts.rules.leadFields,
  );
  return visitors.map((visitor) => {
    const leads = found.get(visitor.email.toLowerCase()) ?? [];
    const lead = mostRecentlyUpdated(leads);
    const decision = decideAll(parts.rules, visitor.inputs, lead?.values, parts.fields);
    const action = !lead ? 'create' : decision.changes.length > 0 ? 'update' : 'leave alone';
    return { visitor, action, lead, leads: leads.length, decision };
  });
}
