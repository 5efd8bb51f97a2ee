import type { Instant } from '../runtime/instant.ts';
import type { Database } from './database.ts';
import { type Page, pageOf } from './readings-runs.ts';
import type { CallOutcome } from './schema.ts';

/** One call to Marketo, as the request log has it. */
export type CallReading = {
  id: number;
  runId: number | null;
  instance: string;
  endpoint: string;
  outcome: CallOutcome;
  sentAt: Instant;
  answeredAt: Instant | null;
  httpStatus: number | null;
  code: string | null;
  requestId: string | null;
  /** Leads that it was about. */
  records: number;
  /** Milliseconds that it waited for its slot. */
  waitedMs: number;
};

export type WhichCalls = { run?: number | undefined; endpoint?: string | undefined; outcome?: CallOutcome | undefined };

/** The newest calls to Marketo, or those before a call. */
export async function listCalls(
  db: Database,
  before: number | undefined,
  limit: number,
  { run, endpoint, outcome }: WhichCalls,
): Promise<Page<CallReading>> {
  const rows = await db
    .selectFrom('marketo_call')
    .select([
      'id',
      'run_id as runId',
      'instance',
      'endpoint',
      'outcome',
      'sent_at as sentAt',
      'answered_at as answeredAt',
      'http_status as httpStatus',
      'code',
      'request_id as requestId',
      'records',
      'waited_ms as waitedMs',
    ])
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? 0))
    .$if(run !== undefined, (query) => query.where('run_id', '=', run ?? 0))
    .$if(endpoint !== undefined, (query) => query.where('endpoint', '=', endpoint ?? ''))
    .$if(outcome !== undefined, (query) => query.where('outcome', '=', outcome ?? 'ok'))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, limit);
}
