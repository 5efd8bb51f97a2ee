import { pino } from 'pino';
import type { ErrorCode } from '../../services/shared/runtime/catalogue.ts';
import { addMilliseconds, type Instant, instantOf } from '../../services/shared/runtime/instant.ts';
import { addCounts } from '../../services/shared/store/counters.ts';
import type { Database } from '../../services/shared/store/database.ts';
import { logErrors } from '../../services/shared/store/errors.ts';
import type { CallOutcome, RunOutcome, ThreadState } from '../../services/shared/store/schema.ts';

export const HOUR = 3_600_000;

/** A log that says nothing. */
export const silent = pino({ level: 'silent' });

/** The instant so many minutes ago. Half a minute more keeps `12 minutes ago` true however long the test takes. */
export function minutesAgo(minutes: number): Instant {
  return instantOf(Date.now() - (minutes + 0.5) * 60_000);
}

export type TestRun = {
  job?: 'sync' | 'digest';
  trigger?: 'schedule' | 'manual';
  started: number;
  /** absent while it works */
  ended?: number;
  heartbeat?: number;
  outcome?: RunOutcome;
  counts?: Record<string, number>;
  error?: string;
  name?: string;
};

/** Writes a run as a job leaves it; times in minutes ago. */
export async function addRun(db: Database, run: TestRun): Promise<number> {
  const { id } = await db
    .insertInto('run')
    .values({
      job: run.job ?? 'sync',
      trigger: run.trigger ?? 'schedule',
      name: run.name ?? null,
      started_at: minutesAgo(run.started),
      heartbeat_at: minutesAgo(run.heartbeat ?? run.ended ?? run.started),
      finished_at: run.ended === undefined ? null : minutesAgo(run.ended),
      outcome: run.ended === undefined ? null : (run.outcome ?? 'done'),
      window_from: minutesAgo(run.started + 24 * 60 + 70),
      window_to: minutesAgo(run.started + 10),
      counts: JSON.stringify(run.counts ?? {}),
      error: run.error ?? null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Puts threads of one state into the ledger. */
export async function addThreads(
  db: Database,
  state: ThreadState,
  count: number,
  more: { reason?: string; attempts?: number; seen?: number } = {},
): Promise<void> {
  const prefix = `${state}-${more.reason ?? ''}-${more.attempts ?? 0}`;
  await db
    .insertInto('chat_thread')
    .values(
      Array.from({ length: count }, (_, index) => ({
        thread_id: `${prefix}-${index}`,
        chat_id: `chat-${prefix}-${index}`,
        email: 'maria.canary@example.com',
        started_at: minutesAgo(300),
        state,
        attempts: more.attempts ?? 0,
        content_hash: 'x',
        visitor: '{}',
        reason: more.reason ?? null,
        first_seen_at: minutesAgo(more.seen ?? 60),
        updated_at: minutesAgo(1),
      })),
    )
    .execute();
}

/** Logs a call to Marketo, `minutes` ago. */
export async function addCall(
  db: Database,
  endpoint: string,
  answer: { outcome?: CallOutcome; records?: number; minutes?: number; runId?: number },
): Promise<void> {
  const sentAt = minutesAgo(answer.minutes ?? 10);
  await db
    .insertInto('marketo_call')
    .values({
      run_id: answer.runId ?? null,
      instance: 'test',
      endpoint,
      outcome: answer.outcome ?? 'ok',
      sent_at: sentAt,
      answered_at: answer.outcome === 'no-answer' ? null : addMilliseconds(sentAt, 412),
      http_status: answer.outcome === 'no-answer' ? null : 200,
      code: answer.outcome === 'throttled' ? '606' : null,
      request_id: 'b28f#18e1a1f2c3d',
      records: answer.records ?? 0,
      waited_ms: 0,
    })
    .execute();
}

/** A day of a sync that mostly works: what the status page has to show at its fullest. */
export async function tellStory(db: Database): Promise<void> {
  await tellLimits(db);
  for (let hour = 11; hour >= 1; hour--) {
    const seen = 96 + ((hour * 37) % 60);
    const shared = { started: hour * 60 + 14, ended: hour * 60 + 12, trigger: 'schedule' as const };
    if (hour === 6) {
      await addRun(db, {
        ...shared,
        outcome: 'failed',
        counts: { seen, lookupCalls: 1 },
        error:
          'LiveChat could not be reached (ETIMEDOUT), also when asked again: nothing is lost, the next run reads the same time.',
      });
    } else if (hour === 3) {
      await addRun(db, { ...shared, ended: hour * 60 + 13.9, outcome: 'skipped' });
    } else {
      await addRun(db, {
        ...shared,
        counts: {
          seen,
          created: 31 + hour,
          updated: 12,
          unchanged: seen - 45 - hour,
          refused: 0,
          lookupCalls: 1,
          writeCalls: 2,
        },
      });
    }
  }
  await addRun(db, { job: 'digest', started: 400, ended: 399 });
  const last = await addRun(db, {
    started: 14,
    ended: 12,
    trigger: 'manual',
    counts: { seen: 1284, created: 402, updated: 118, unchanged: 762, refused: 2, lookupCalls: 5, writeCalls: 4 },
  });
  await db
    .insertInto('watermark')
    .values({ stream: 'livechat', position: minutesAgo(22), run_id: last })
    .execute();
  await addThreads(db, 'open', 4);
  await addThreads(db, 'ready', 2, { attempts: 1, seen: 130 });
  await addThreads(db, 'synced', 1520);
  await addThreads(db, 'ignored', 61, { reason: 'spam' });
  await addThreads(db, 'ignored', 212, { reason: 'no address' });
  await addThreads(db, 'dead', 1, { reason: 'refused', attempts: 8 });
  await logErrors(db, last, [
    {
      code: 'lead-refused',
      message: 'Marketo refused the field phone (1003).',
      subject: '1003 phone',
      threadId: 'SGHT77K2FQ',
    },
    {
      code: 'lead-refused',
      message: 'Marketo refused the field country (1003).',
      subject: '1003 country',
      threadId: 'SGHT91LLAB',
    },
    { code: 'lead-duplicates', message: 'Three leads have the address of this thread.', threadId: 'SGHU00PQ7C' },
  ]);
  for (let call = 0; call < 14; call++) await addCall(db, 'leads-lookup', { records: 300 });
  for (let call = 0; call < 9; call++) await addCall(db, 'leads-create', { records: 268 });
  await addCall(db, 'leads-update', { records: 118, runId: last });
  await addCall(db, 'leads-update', { outcome: 'throttled', records: 118, runId: last });
  await addCall(db, 'leads-update', { outcome: 'no-answer', records: 118 });
  await addCall(db, 'describe', {});
  await addCall(db, 'leads-create', { records: 300, minutes: 25 * 60 });
  await addCounts(db, [
    { name: 'marketo_requests_total', labels: { call: 'leads-lookup', outcome: 'ok' }, by: 14 },
    { name: 'lcm_leads_total', labels: { action: 'created' }, by: 402 },
  ]);
}

/** Marketo's limits in use, and a month of days. */
async function tellLimits(db: Database): Promise<void> {
  await db
    .insertInto('limit_state')
    .values({
      instance: 'test',
      cap: 25,
      reduced_at: minutesAgo(-0.5),
      paused_until: null,
      calls_per_window: 50,
      window_ms: 20_000,
      concurrency: 5,
    })
    .execute();
  const slot = (kind: 'rate' | 'in-flight', id: number, held: boolean) => ({
    instance: 'test',
    kind,
    id,
    free_at: held ? minutesAgo(-60) : minutesAgo(60),
    holder: null,
  });
  await db
    .insertInto('slot')
    .values([
      ...Array.from({ length: 50 }, (_, id) => slot('rate', id, id < 12)),
      ...Array.from({ length: 5 }, (_, id) => slot('in-flight', id, id < 2)),
    ])
    .execute();
  const today = Date.now();
  await db
    .insertInto('marketo_day')
    .values(
      Array.from({ length: 30 }, (_, age) => ({
        instance: 'test',
        day: new Date(today - age * 24 * HOUR).toISOString().slice(0, 10),
        calls: age === 0 ? 3412 : 9000 + ((age * 2677) % 8000),
      })),
    )
    .execute();
  for (let hour = 1; hour < 24; hour++) {
    for (let call = 0; call < 3 + ((hour * 7) % 11); call++) {
      await addCall(db, 'leads-lookup', { records: 0, minutes: hour * 60 + 1 });
    }
  }
}

/** One thread with all that can be known of it: synced, changed, once refused; and one that died. */
export async function tellThread(db: Database, canary = ''): Promise<{ synced: string; dead: string; run: number }> {
  const run = await addRun(db, {
    started: 30,
    ended: 29,
    counts: { seen: 2, created: 1, refused: 1 },
    name: `sync-x${canary}`,
  });
  const visit = JSON.stringify({ visitor: { email: 'maria.canary@example.com', name: `Maria Canary${canary}` } });
  const shared = {
    chat_id: `SCHATX0001${canary}`,
    customer_id: 'c-1',
    email: 'maria.canary@example.com',
    started_at: minutesAgo(90),
    ended_at: minutesAgo(80),
    content_hash: 'x',
    visitor: visit,
    first_seen_at: minutesAgo(70),
    updated_at: minutesAgo(29),
    run_id: run,
  };
  const [synced, dead] = [`SYNCED0001${canary}`, `DEAD000001${canary}`];
  await db
    .insertInto('chat_thread')
    .values([
      { ...shared, thread_id: synced, state: 'synced', lead_id: 318 },
      { ...shared, thread_id: dead, state: 'dead', attempts: 8, reason: `lead-refused 1003 phone${canary}` },
    ])
    .execute();
  await db
    .insertInto('lead_change')
    .values({
      run_id: run,
      thread_id: synced,
      lead_id: 318,
      action: 'created',
      changes: JSON.stringify([
        { field: 'firstName', from: null, to: `Maria Canary${canary}`, rule: 'name', mode: 'if-empty' },
        { field: 'leadSource', from: null, to: `LiveChat${canary}`, rule: 'leadSource', mode: 'on-create' },
        { field: 'chatCount', from: 1, to: 2, rule: `chatCount${canary}`, mode: 'if-greater' },
      ]),
    })
    .execute();
  await logErrors(db, run, [
    {
      code: 'lead-refused',
      message: `Marketo refused the field phone (1003).${canary}`,
      subject: '1003 phone',
      threadId: dead,
    },
    {
      code: 'field-refused',
      message: `Marketo refused the field country (1003).${canary}`,
      subject: '1003',
      threadId: synced,
    },
  ]);
  await addCall(db, 'leads-create', { records: 1, runId: run, minutes: 29 });
  return { synced, dead, run };
}

/** Logs one error, as it is, of a run. */
export async function addError(db: Database, runId: number, code: ErrorCode, message: string, threadId: string) {
  await logErrors(db, runId, [{ code, message, threadId }]);
}
