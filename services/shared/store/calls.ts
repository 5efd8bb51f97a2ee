import { sql } from 'kysely';
import { instantOf } from '../runtime/instant.ts';
import { addCounts, type Count } from './counters.ts';
import type { Database } from './database.ts';
import type { CallOutcome } from './schema.ts';

/** One Marketo call after its end, for the request log; times in milliseconds since 1970. */
export type LoggedCall = {
  endpoint: string;
  outcome: CallOutcome;
  sentAt: number;
  answeredAt: number | undefined;
  httpStatus: number | undefined;
  code: string | undefined;
  requestId: string | undefined;
  records: number;
  waitedMs: number;
  /** The instance's day that it counts for, where that is known. */
  day: string | undefined;
};

const THROTTLES = ['606', '607', '615', 'HTTP 429'];

/**
 * Adds a call, of a run or of none (a dry run's), to the request log and to the counters; calls to the identity service, which Marketo does not count, to
 * the counters only.
 */
export async function logCall(db: Database, runId: number | null, instance: string, call: LoggedCall): Promise<void> {
  const counts: Count[] = [
    { name: 'marketo_requests_total', labels: { call: call.endpoint, outcome: call.outcome }, by: 1 },
  ];
  const throttle = THROTTLES.find((code) => call.code?.startsWith(code));
  if (throttle !== undefined) {
    counts.push({ name: 'marketo_throttled_total', labels: { code: throttle.replace('HTTP ', '') }, by: 1 });
  }
  await db.transaction().execute(async (transaction) => {
    if (call.endpoint !== 'identity') {
      await transaction
        .insertInto('marketo_call')
        .values({
          run_id: runId,
          instance,
          endpoint: call.endpoint,
          outcome: call.outcome,
          sent_at: instantOf(call.sentAt),
          answered_at: call.answeredAt === undefined ? null : instantOf(call.answeredAt),
          http_status: call.httpStatus ?? null,
          code: call.code ?? null,
          request_id: call.requestId ?? null,
          records: call.records,
          waited_ms: call.waitedMs,
        })
        .execute();
    }
    if (call.day !== undefined) {
      await transaction
        .insertInto('marketo_day')
        .values({ instance, day: call.day, calls: 1 })
        .onConflict((conflict) =>
          conflict.columns(['instance', 'day']).doUpdateSet({ calls: sql<number>`marketo_day.calls + 1` }),
        )
        .execute();
    }
    await addCounts(transaction, counts);
  });
}

/** How many calls of one of the instance's days were ours. */
export async function callsOfDay(db: Database, instance: string, day: string): Promise<number> {
  const row = await db
    .selectFrom('marketo_day')
    .select('calls')
    .where('instance', '=', instance)
    .where('day', '=', day)
    .executeTakeFirst();
  return row?.calls ?? 0;
}
