import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import type { CallOutcome, RunOutcome, RunTable } from './schema.ts';

/** One run, as page and API show it. */
export type RunReading = {
  id: number;
  job: RunTable['job'];
  trigger: RunTable['trigger'];
  name: string | null;
  startedAt: Instant;
  heartbeatAt: Instant;
  finishedAt: Instant | null;
  /** Null while it works. */
  outcome: RunOutcome | null;
  windowFrom: Instant | null;
  windowTo: Instant | null;
  counts: Record<string, number>;
  error: string | null;
};

/** How a call to Marketo ended, in the words of the counter `marketo_requests_total`. */
export type CallsReading = { endpoint: string; outcome: CallOutcome; calls: number; records: number };

export type ErrorReading = {
  id: number;
  runId: number | null;
  at: Instant;
  stage: string;
  code: string;
  message: string;
  threadId: string | null;
  leadId: number | null;
  digestId: number | null;
};

/** A part of a list that is read from its newest entry on. */
export type Page<T> = {
  entries: T[] /** where the next part starts (pass it as `before`); null at the end */;
  next: number | null;
};

export type WhichRuns = { job?: RunTable['job'] | undefined };

/** The newest runs, of one job where it is given, or those before a run. */
export async function listRuns(
  db: Database,
  before: number | undefined,
  limit: number,
  { job }: WhichRuns,
): Promise<Page<RunReading>> {
  const rows = await runs(db)
    .$if(job !== undefined, (query) => query.where('job', '=', job ?? 'sync'))
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? 0))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, limit);
}

export type WhichErrors = {
  code?: string | undefined;
  run?: number | undefined;
  /** `new`: no digest has carried it yet · `told`: one has. */
  state?: 'new' | 'told' | undefined;
};

/** The newest errors, or those before an error. */
export async function listErrors(
  db: Database,
  before: number | undefined,
  limit: number,
  { code, run, state }: WhichErrors,
): Promise<Page<ErrorReading>> {
  const rows = await errors(db)
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? 0))
    .$if(code !== undefined, (query) => query.where('code', '=', code ?? ''))
    .$if(run !== undefined, (query) => query.where('run_id', '=', run ?? 0))
    .$if(state === 'new', (query) => query.where('digest_id', 'is', null))
    .$if(state === 'told', (query) => query.where('digest_id', 'is not', null))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, limit);
}

/** What a run wrote to one lead. */
export type ChangeReading = {
  threadId: string;
  leadId: number | null;
  action: 'created' | 'updated';
  changes: unknown;
  at: Instant;
};

/** One run with its calls, and the newest of its errors and changes; the counts are of all. */
export type RunDetails = {
  run: RunReading;
  errors: ErrorReading[];
  errorCount: number;
  changes: ChangeReading[];
  changeCount: number;
  calls: CallsReading[];
};

/** One run, with 100 of its errors and of its changes at the most; undefined where there is no such run. */
export async function readRun(db: Database, id: number): Promise<RunDetails | undefined> {
  return oneMoment(db, async (moment) => {
    const run = await runs(moment).where('id', '=', id).executeTakeFirst();
    if (!run) return undefined;
    const { errorCount } = await moment
      .selectFrom('sync_error')
      .select((row) => row.fn.countAll<number>().as('errorCount'))
      .where('run_id', '=', id)
      .executeTakeFirstOrThrow();
    const { changeCount } = await moment
      .selectFrom('lead_change')
      .select((row) => row.fn.countAll<number>().as('changeCount'))
      .where('run_id', '=', id)
      .executeTakeFirstOrThrow();
    const changes = await moment
      .selectFrom('lead_change')
      .select(['thread_id as threadId', 'lead_id as leadId', 'action', 'changes', 'at'])
      .where('run_id', '=', id)
      .orderBy('id', 'desc')
      .limit(100)
      .execute();
    return {
      run,
      errors: await errors(moment).where('run_id', '=', id).orderBy('id', 'desc').limit(100).execute(),
      errorCount,
      changes,
      changeCount,
      calls: await calls(moment).where('run_id', '=', id).execute(),
    };
  });
}

/** The database's clock: every time in its tables is that clock's. */
export async function databaseNow(db: Database): Promise<Instant> {
  const { now } = await db.selectNoFrom(sql<Instant>`clock_timestamp()`.as('now')).executeTakeFirstOrThrow();
  return now;
}

/** Runs several statements against one moment of the database, so that what they say fits together. */
export function oneMoment<T>(db: Database, body: (moment: DatabaseTransaction) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(body);
}

/** The statement for runs as page and API show them; the caller adds which. */
export function runs(db: Database | DatabaseTransaction) {
  return db
    .selectFrom('run')
    .select([
      'id',
      'job',
      'trigger',
      'name',
      'started_at as startedAt',
      'heartbeat_at as heartbeatAt',
      'finished_at as finishedAt',
      'outcome',
      'window_from as windowFrom',
      'window_to as windowTo',
      'counts',
      'error',
    ]);
}

/** The statement for calls to Marketo by endpoint and outcome; the caller adds which. */
export function calls(db: Database | DatabaseTransaction) {
  return db
    .selectFrom('marketo_call')
    .select((row) => [
      'endpoint',
      'outcome',
      row.fn.countAll<number>().as('calls'),
      sql<number>`sum(records)`.as('records'),
    ])
    .groupBy(['endpoint', 'outcome'])
    .orderBy('endpoint')
    .orderBy('outcome');
}

function errors(db: Database | DatabaseTransaction) {
  return db
    .selectFrom('sync_error')
    .select([
      'id',
      'run_id as runId',
      'at',
      'stage',
      'code',
      'message',
      'thread_id as threadId',
      'lead_id as leadId',
      'digest_id as digestId',
    ]);
}

/** One row more than asked for was read: it says whether there is more. */
export function pageOf<T extends { id: number }>(rows: T[], limit: number): Page<T> {
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}
