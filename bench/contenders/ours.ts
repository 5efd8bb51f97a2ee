import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { createMarketo } from '../../services/shared/marketo/client.ts';
import { createSlots } from '../../services/shared/marketo/slots.ts';
import { parseRules } from '../../services/shared/rules/load.ts';
import { instantOf } from '../../services/shared/runtime/instant.ts';
import { callsOfDay, logCall } from '../../services/shared/store/calls.ts';
import { type Database, openDatabase } from '../../services/shared/store/database.ts';
import { fileThreads } from '../../services/shared/store/ledger.ts';
import { startRun } from '../../services/shared/store/runs.ts';
import { slotStore } from '../../services/shared/store/slots.ts';
import { deliver, noDeliveries } from '../../services/sync/deliver.ts';
import { SCHEMA } from '../../test/postgres/schema-name.ts';
import { type Contender, VISITOR, type Work } from '../job.ts';

/** The exclusive profile; the rest is as a sync sets it up. */
const LANES = 10;
const CALLS_PER_WINDOW = 100;
const WINDOW_MS = 20_000;
const NOW = instantOf(Date.UTC(2026, 10, 23, 12));

/**
 * This product: for visitors its delivery, from threads that are ready in the ledger to leads in Marketo, with its rules,
 * its audit trail and its request log; for saturation its Marketo client, look-ups in ten lanes. Its slots are in Postgres.
 */
export const contender: Contender = async (work) => {
  const { job, signal } = work;
  const db = await openDatabase(job.databaseUrl, SCHEMA);
  const runId = await startRun(db, 'sync', undefined);
  const marketo = await connect(work, db, runId);
  if (job.scenario === 'saturation') {
    return async () => {
      const lane = async () => {
        for (let email = work.next(); email !== undefined; email = work.next()) {
          await marketo.findLeadsByEmail([email], Object.keys(VISITOR)).catch(work.failed);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    };
  }
  await fileReady(work, db);
  return async () => {
    await deliver(
      {
        marketo,
        db,
        log: pino({ level: 'silent' }),
        runId,
        signal,
        rules: parseRules(readFileSync('rules.yaml', 'utf8'), 'rules.yaml'),
        fields: await marketo.describe(),
        batchSize: 300,
        concurrency: LANES,
        maxAttempts: 8,
        unknownFateMs: 95_000,
        counts: noDeliveries(),
      },
      NOW,
    );
  };
};

async function connect({ job, signal }: Work, db: Database, runId: number) {
  const instance = new URL(job.marketo.url).host;
  const rule = {
    callsPerWindow: CALLS_PER_WINDOW,
    windowMs: WINDOW_MS,
    concurrency: LANES,
    leaseMs: 100_000,
    marginMs: 250,
  };
  return createMarketo({
    endpoint: job.marketo.url,
    clientId: job.marketo.clientId,
    clientSecret: job.marketo.clientSecret,
    slots: await createSlots(slotStore(db, { ...rule, instance })),
    windowMs: WINDOW_MS,
    readTimeoutMs: 70_000,
    writeTimeoutMs: 95_000,
    budget: { dailyCalls: 20_000, dailyQuota: 50_000, ownCalls: (day) => callsOfDay(db, instance, day) },
    signal,
    onCall: (call) => logCall(db, runId, instance, call),
  });
}

/** The visitors as ingest files them. */
async function fileReady(work: Work, db: Database): Promise<void> {
  const { firstName, lastName, phone, country, state, city } = VISITOR;
  const threads: Parameters<typeof fileThreads>[1][number][] = [];
  for (let email = work.next(); email !== undefined; email = work.next()) {
    const visitor = { email, firstName, lastName, phone, location: { country, region: state, city } };
    threads.push({
      threadId: `T${threads.length}`,
      chatId: `C${threads.length}`,
      customerId: undefined,
      email,
      startedAt: NOW,
      endedAt: NOW,
      state: 'ready',
      reason: undefined,
      contentHash: '',
      visit: { visitor, thread: {}, chat: {}, form: {} },
    });
  }
  await db.transaction().execute((transaction) => fileThreads(transaction, threads, NOW));
}
