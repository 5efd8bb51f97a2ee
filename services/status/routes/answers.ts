import { z } from 'zod';

/** What the API answers with; the OpenAPI document is made of these, and every answer is held against them. */

const instant = z.string().describe('RFC 3339 in UTC, with microseconds.');
const maybeInstant = instant.nullable();
const link = z.string().nullable().describe('Where the older entries are; null at the end.');

export const run = z.object({
  id: z.number().int(),
  job: z.enum(['sync', 'digest']),
  trigger: z.enum(['schedule', 'manual']),
  name: z.string().nullable().describe('The Kubernetes Job’s name, where there is one.'),
  startedAt: instant,
  heartbeatAt: instant,
  finishedAt: maybeInstant,
  outcome: z.enum(['done', 'skipped', 'stopped', 'failed', 'lost']).nullable().describe('Null while it works.'),
  tookSeconds: z.number().nullable(),
  window: z.object({ from: instant, to: instant }).nullable().describe('Which part of LiveChat’s past it read.'),
  counts: z.record(z.string(), z.number()),
  error: z.string().nullable().describe('The sentence with which it failed or stopped.'),
});
export type RunJson = z.infer<typeof run>;

const explanation = {
  severity: z.enum(['warning', 'error', 'critical']).optional(),
  says: z.string().optional(),
  todo: z.string().optional().describe('What to do about it.'),
};

export const error = z.object({
  id: z.number().int(),
  runId: z.number().int().nullable(),
  at: instant,
  stage: z.string(),
  code: z.string(),
  message: z.string(),
  threadId: z.string().nullable(),
  leadId: z.number().int().nullable(),
  digestId: z.number().int().nullable().describe('The digest that has carried it; null while it is new.'),
  ...explanation,
});

const callsByEndpoint = z.object({
  endpoint: z.string(),
  outcome: z.enum(['ok', 'refused', 'throttled', 'failed', 'no-answer']),
  calls: z.number().int(),
  records: z.number().int(),
});

export const call = z.object({
  id: z.number().int(),
  runId: z.number().int().nullable(),
  instance: z.string(),
  endpoint: z.string(),
  outcome: callsByEndpoint.shape.outcome,
  sentAt: instant,
  answeredAt: maybeInstant,
  httpStatus: z.number().int().nullable(),
  code: z.string().nullable(),
  requestId: z.string().nullable(),
  records: z.number().int().describe('Leads that it was about.'),
  waitedMs: z.number().int().describe('How long it waited for its slot.'),
});

const state = z.enum(['open', 'ready', 'synced', 'ignored', 'dead']);
const schedule = z.object({
  name: z.string(),
  component: z.string(),
  schedule: z.string(),
  timeZone: z.string().nullable(),
  suspended: z.boolean(),
  nextRunAt: maybeInstant,
  lastScheduledAt: maybeInstant,
  lastSuccessAt: maybeInstant,
  running: z.number().int(),
});
const clusterJob = z.object({
  name: z.string(),
  component: z.string(),
  trigger: z.enum(['schedule', 'manual']),
  state: z.enum(['waiting', 'running', 'complete', 'failed', 'suspended']),
  startedAt: maybeInstant,
  finishedAt: maybeInstant,
  reason: z.string().nullable(),
});

export const clusterAnswer = z.discriminatedUnion('state', [
  z.object({ state: z.literal('unknown'), why: z.string() }),
  z.object({ state: z.literal('known'), at: instant, schedules: z.array(schedule), jobs: z.array(clusterJob) }),
]);

export const statusAnswer = z.object({
  at: instant,
  verdict: z.object({ tone: z.enum(['good', 'attention', 'bad', 'waiting']), text: z.string() }),
  syncIntervalSeconds: z.number(),
  watermark: maybeInstant.describe('How far LiveChat has been read.'),
  lastSuccess: run.nullable(),
  lastRun: run.nullable(),
  working: run.nullable(),
  lastDigestAt: maybeInstant,
  ledger: z.object({
    open: z.number().int(),
    ready: z.number().int(),
    synced: z.number().int(),
    ignored: z.number().int(),
    dead: z.number().int(),
  }),
  newErrors: z.array(
    z.object({
      code: z.string(),
      errors: z.number().int(),
      firstAt: instant,
      lastAt: instant,
      message: z.string(),
      threadId: z.string().nullable(),
      ...explanation,
    }),
  ),
  callsOf24Hours: z.array(callsByEndpoint),
  limits: z
    .object({
      instance: z.string(),
      windowSeconds: z.number(),
      windowCalls: z.object({ held: z.number().int(), cap: z.number(), configured: z.number().int() }),
      inFlight: z.object({ held: z.number().int(), cap: z.number().int() }),
      dayCalls: z.object({ made: z.number().int(), cap: z.number().int() }),
    })
    .nullable(),
});

export const runsAnswer = z.object({ runs: z.array(run), next: link });
export const errorsAnswer = z.object({ errors: z.array(error), next: link });
export const callsAnswer = z.object({ calls: z.array(call), next: link });

const write = z.object({
  at: instant,
  runId: z.number().int(),
  threadId: z.string(),
  leadId: z.number().int().nullable(),
  action: z.string(),
  changes: z
    .array(
      z.object({
        field: z.string(),
        from: z.unknown(),
        to: z.unknown(),
        rule: z.string(),
        mode: z.string().optional(),
      }),
    )
    .describe('Values only with the token, else `•••`; none where they are not kept any more.'),
});

export const runAnswer = z.object({
  run,
  errorCount: z.number().int(),
  errors: z.array(error).describe('The newest 100.'),
  changeCount: z.number().int(),
  changes: z.array(write).describe('The newest 100.'),
  calls: z.array(callsByEndpoint),
});

const thread = z.object({
  threadId: z.string(),
  address: z.string().nullable().describe('Masked without the token.'),
  state,
  reason: z.string().nullable(),
  attempts: z.number().int(),
  leadId: z.number().int().nullable(),
  startedAt: instant,
  updatedAt: instant,
});

export const deadAnswer = z.object({
  codes: z.array(z.object({ code: z.string(), threads: z.number().int() })),
  threads: z.array(thread),
  next: link,
});

export const threadAnswer = z.object({
  thread: thread.extend({
    chatId: z.string(),
    endedAt: maybeInstant,
    nextAttemptAt: maybeInstant,
    firstSeenAt: instant,
    visit: z.unknown().describe('What LiveChat told; null without the token.'),
  }),
  written: z.array(write),
  errors: z.array(
    z.object({
      at: instant,
      runId: z.number().int().nullable(),
      code: z.string(),
      message: z.string(),
      ...explanation,
    }),
  ),
});

export const changedAnswer = z.object({ threads: z.number().int().describe('How many there were.') });
export const startedAnswer = z.object({ job: z.string().describe('The Job that was created.') });
