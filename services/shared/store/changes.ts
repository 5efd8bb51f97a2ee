import type { DatabaseTransaction } from './database.ts';

/** What a run wrote to one lead: each field with its old and new value and the rule that said so. */
export type LeadChange = {
  threadId: string;
  leadId: number;
  action: 'created' | 'updated';
  changes: readonly object[];
};

/** Adds to the audit trail. */
export async function recordChanges(
  transaction: DatabaseTransaction,
  runId: number,
  changes: readonly LeadChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await transaction
    .insertInto('lead_change')
    .values(
      changes.map((change) => ({
        run_id: runId,
        thread_id: change.threadId,
        lead_id: change.leadId,
        action: change.action,
        changes: JSON.stringify(change.changes),
      })),
    )
    .execute();
}
