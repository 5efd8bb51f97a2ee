import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { CATALOGUE, type ErrorCode } from '../runtime/catalogue.ts';
import { earlier, type Instant, later } from '../runtime/instant.ts';
import { maskAddresses } from '../runtime/mask.ts';
import { addCounts } from './counters.ts';
import type { Database, DatabaseTransaction } from './database.ts';

/**
 * One failure to be logged. Neither message nor subject may contain a secret or anything of a visitor: an address that
 * comes to be there all the same is masked before it is written.
 */
export type LoggedError = {
  code: ErrorCode;
  /** One sentence about this failure. */
  message: string;
  /** What the same trouble has in common, whoever it happens to: Marketo's code and the field's name, say. */
  subject?: string;
  threadId?: string;
  leadId?: number;
};

/**
 * Logs errors of a run, counts them, and keeps their kinds up to date, all in one transaction: what a digest says of a
 * kind (new, known, back) is never of other errors than those it carries.
 */
export async function logErrors(
  db: Database | DatabaseTransaction,
  runId: number | null,
  errors: readonly LoggedError[],
): Promise<void> {
  if (errors.length === 0) return;
  if (db.isTransaction) await write(db, runId, errors);
  else await db.transaction().execute((transaction) => write(transaction, runId, errors));
}

async function write(
  transaction: Database | DatabaseTransaction,
  runId: number | null,
  errors: readonly LoggedError[],
): Promise<void> {
  const kinds: Kind[] = [];
  for (let start = 0; start < errors.length; start += ROWS_AT_ONCE) {
    const rows = await transaction
      .insertInto('sync_error')
      .values(errors.slice(start, start + ROWS_AT_ONCE).map((error) => rowOf(error, runId)))
      .returning(['fingerprint', 'code', 'subject', 'at'])
      .execute();
    kinds.push(...rows.map(({ at, ...row }) => ({ ...row, first_at: at, last_at: at, count: 1 })));
  }
  await addKinds(transaction, kinds);
  await addCounts(
    transaction,
    errors.map((error) => ({ name: 'lcm_errors_total', labels: { code: error.code }, by: 1 })),
  );
}

/** Postgres takes no more than 65,535 parameters in a statement, and a row has nine. */
const ROWS_AT_ONCE = 5000;

function rowOf(error: LoggedError, runId: number | null) {
  const subject = storable(error.subject ?? '');
  return {
    run_id: runId,
    stage: CATALOGUE[error.code].stage,
    code: error.code,
    subject,
    message: storable(error.message),
    thread_id: error.threadId === undefined ? null : withoutNul(error.threadId),
    lead_id: error.leadId ?? null,
    fingerprint: fingerprint(error.code, subject),
    digest_id: null,
  };
}

/**
 * What a column may hold. Postgres takes no NUL: with one, the error would be lost, and the transaction that it belongs
 * to with it.
 */
function storable(text: string): string {
  return maskAddresses(withoutNul(text).slice(0, LONGEST_TEXT));
}

const LONGEST_TEXT = 10_000;

function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

function fingerprint(code: string, subject: string): string {
  return createHash('sha256').update(`${code}\n${subject}`).digest('hex').slice(0, 16);
}

type Kind = {
  fingerprint: string;
  code: string;
  subject: string;
  first_at: Instant;
  last_at: Instant;
  count: number;
};

async function addKinds(transaction: Database | DatabaseTransaction, rows: readonly Kind[]): Promise<void> {
  const kinds = new Map<string, Kind>();
  for (const row of rows) {
    const kind = kinds.get(row.fingerprint) ?? { ...row, count: 0 };
    kind.first_at = earlier(kind.first_at, row.first_at);
    kind.last_at = later(kind.last_at, row.last_at);
    kind.count += row.count;
    kinds.set(row.fingerprint, kind);
  }
  // In one order everywhere, or two transactions that log the same kinds could wait for each other for ever.
  const sorted = [...kinds.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  await transaction
    .insertInto('error_kind')
    .values(sorted.map((kind) => ({ ...kind, told_until: null, told_in: null })))
    .onConflict((conflict) =>
      conflict.column('fingerprint').doUpdateSet({
        first_at: sql<Instant>`least(error_kind.first_at, excluded.first_at)`,
        last_at: sql<Instant>`greatest(error_kind.last_at, excluded.last_at)`,
        count: sql<number>`error_kind.count + excluded.count`,
      }),
    )
    .execute();
}
