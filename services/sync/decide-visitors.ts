import type { Field, Lead } from '../shared/marketo/types.ts';
import type { Decision } from '../shared/rules/decide.ts';
import { decideAll } from '../shared/rules/decide-all.ts';
import { neverOverwriting, type Rules } from '../shared/rules/schema.ts';
import type { Database } from '../shared/store/database.ts';
import { overtakenLeads } from '../shared/store/ledger.ts';
import type { Visitor } from './merge.ts';

/** A visitor, with the lead that was chosen for them, if there is one. */
export type Found = { visitor: Visitor; lead: Lead | undefined };

/**
 * What is to be written to the leads of some visitors, in their order.
 *
 * A backfill may bring a thread that is older than one which the lead was given already, and whose content has been erased
 * since. What that one said cannot be laid over the older one any more, so nothing that the lead has is overwritten then.
 */
export async function decideVisitors(
  parts: { db: Database; rules: Rules; fields: ReadonlyMap<string, Field> },
  found: readonly Found[],
): Promise<Decision[]> {
  const delivered = found.flatMap(({ visitor, lead }) => {
    const endedAt = visitor.threads.at(-1)?.endedAt;
    return lead && endedAt ? [{ leadId: lead.id, endedAt }] : [];
  });
  const overtaken = await overtakenLeads(parts.db, delivered);
  const gentle = neverOverwriting(parts.rules);
  return found.map(({ visitor, lead }) => {
    const rules = lead && overtaken.has(lead.id) ? gentle : parts.rules;
    return decideAll(rules, visitor.inputs, lead?.values, parts.fields);
  });
}
