import { createHash } from 'node:crypto';
import { CATALOGUE, type ErrorCode } from '../runtime/catalogue.ts';
import { addCounts } from './counters.ts';
import type { Database, DatabaseTransaction } from './database.ts';

/** One failure to be logged. Neither message nor subject may contain a secret or anything of a visitor. */
export type LoggedError = {
  code: ErrorCode;
  /** One sentence about this failure. */
  message: string;
  /** What the same trouble has in common, whoever it happens to: Marketo's code and the field's name, say. */
  subject?: string;
  threadId?: string;
  leadId?: number;
};

/** Logs errors of a run, and counts them. */
export async function logErrors(
  db: Database | DatabaseTransaction,
  runId: number | null,
  errors: readonly LoggedError[],
): Promise<void> {
  if (errors.length === 0) return;
  await db
    .insertInto('sync_error')
    .values(
      errors.map((error) => ({
        run_id: runId,
        stage: CATALOGUE[error.code].stage,
        code: error.code,
        subject: error.subject ?? '',
        message: error.message,
        thread_id: error.threadId ?? null,
        lead_id: error.leadId ?? null,
        fingerprint: fingerprint(error.code, error.subject ?? ''),
        digest_id: null,
      })),
    )
    .execute();
  await addCounts(
    db,
    errors.map((error) => ({ name: 'lcm_errors_total', labels: { code: error.code }, by: 1 })),
  );
}

function fingerprint(code: string, subject: string): string {
  return createHash('sha256').update(`${code}\n${subject}`).digest('hex').slice(0, 16);
}
