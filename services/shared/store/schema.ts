import type { ColumnType, Generated } from 'kysely';
import type { Instant } from '../runtime/instant.ts';

/** The tables, as Kysely sees them. Times come and go as instants (text), because a Date would lose microseconds. */
export type Tables = {
  chat_thread: ChatThreadTable;
  watermark: WatermarkTable;
  run: RunTable;
  sync_error: SyncErrorTable;
  digest: DigestTable;
  slot: SlotTable;
  limit_state: LimitStateTable;
  marketo_call: MarketoCallTable;
  marketo_day: MarketoDayTable;
  counter: CounterTable;
  lead_change: LeadChangeTable;
  lease: LeaseTable;
  lead_field: LeadFieldTable;
  look: LookTable;
  error_kind: ErrorKindTable;
  forgotten_address: ForgottenAddressTable;
  forgetting_key: ForgettingKeyTable;
};

/** The same tables by their names, for what goes over all of them; the compiler keeps both lists alike. */
export const TABLES = Object.keys({
  chat_thread: true,
  watermark: true,
  run: true,
  sync_error: true,
  digest: true,
  slot: true,
  limit_state: true,
  marketo_call: true,
  marketo_day: true,
  counter: true,
  lead_change: true,
  lease: true,
  lead_field: true,
  look: true,
  error_kind: true,
  forgotten_address: true,
  forgetting_key: true,
} satisfies Record<keyof Tables, true>);

/**
 * `open`: not ended yet · `ready`: to be delivered · `synced`: delivered · `ignored`: not to be delivered, see reason ·
 * `dead`: given up after its last attempt. A row leaves the ledger's work only as one of the last three.
 */
export type ThreadState = 'open' | 'ready' | 'synced' | 'ignored' | 'dead';

export type ChatThreadTable = {
  thread_id: string;
  chat_id: string;
  customer_id: string | null;
  email: string | null;
  started_at: Instant;
  ended_at: Instant | null;
  state: ThreadState;
  /** How often it was sent, counted before sending. */
  attempts: Generated<number>;
  next_attempt_at: Instant | null;
  content_hash: string;
  /** What LiveChat knows, as the rules see it; null once it is erased. */
  visitor: ColumnType<unknown, string | null, string | null>;
  /** Why it is ignored or dead. */
  reason: string | null;
  lead_id: number | null;
  first_seen_at: Instant;
  updated_at: Instant;
  /** The run that took it last; a run takes a row once. */
  run_id: number | null;
};

export type WatermarkTable = {
  stream: string;
  position: Instant;
  run_id: number | null;
  updated_at: Generated<Instant>;
};

export type RunOutcome = 'done' | 'skipped' | 'stopped' | 'failed' | 'lost';

export type RunTable = {
  id: Generated<number>;
  job: 'sync' | 'digest';
  trigger: 'schedule' | 'manual';
  name: string | null;
  started_at: Generated<Instant>;
  heartbeat_at: Generated<Instant>;
  finished_at: Instant | null;
  /** Null while it works. */
  outcome: RunOutcome | null;
  window_from: Instant | null;
  window_to: Instant | null;
  counts: ColumnType<Record<string, number>, string | undefined, string>;
  /** The sentence with which it failed or stopped. */
  error: string | null;
  /** Of the rules that a sync worked by. */
  rules_hash: ColumnType<string | null, string | null | undefined, string | null>;
};

export type SyncErrorTable = {
  id: Generated<number>;
  run_id: number | null;
  at: Generated<Instant>;
  stage: string;
  code: string;
  /** What the same trouble has in common beside its code: Marketo's code and the field's name, say; may be blank. */
  subject: string;
  message: string;
  thread_id: string | null;
  lead_id: number | null;
  /** Equal for the same trouble, whoever it happened to. */
  fingerprint: string;
  digest_id: number | null;
};

export type DigestTable = {
  id: Generated<number>;
  local_date: string;
  state: 'claimed' | 'sent';
  message_id: string;
  recipients: ColumnType<string[], string, string>;
  error_count: number;
  /** The mail as it was composed when its errors were claimed: a second sending is the same mail. */
  mail: ColumnType<{ subject: string; html: string; text: string }, string, string>;
  created_at: Generated<Instant>;
  sent_at: Instant | null;
};

export type SlotTable = {
  instance: string;
  kind: 'rate' | 'in-flight';
  id: number;
  free_at: Instant;
  holder: string | null;
};

/** What has been learnt of an instance's limits, and the rule that is kept there. */
export type LimitStateTable = {
  instance: string;
  /** What the cap was lowered to at `reduced_at`; from a window after that it grows again. */
  cap: number;
  reduced_at: Instant | null;
  /** Nothing is sent before. */
  paused_until: Instant | null;
  calls_per_window: number;
  window_ms: number;
  concurrency: number;
  updated_at: Generated<Instant>;
};

export type CallOutcome = 'ok' | 'refused' | 'throttled' | 'failed' | 'no-answer';

export type MarketoCallTable = {
  id: Generated<number>;
  run_id: number | null;
  instance: string;
  endpoint: string;
  /** As in the counter marketo_requests_total. */
  outcome: CallOutcome;
  sent_at: Instant;
  answered_at: Instant | null;
  http_status: number | null;
  code: string | null;
  request_id: string | null;
  records: number;
  waited_ms: number;
};

/** Our calls of one of the instance's own days: kept when the request log is pruned. */
export type MarketoDayTable = { instance: string; day: string; calls: number };

export type CounterTable = { name: string; labels: ColumnType<Record<string, string>, string, string>; value: number };

export type LeadChangeTable = {
  id: Generated<number>;
  run_id: number;
  thread_id: string;
  lead_id: number | null;
  action: 'created' | 'updated';
  changes: ColumnType<unknown, string, string>;
  at: Generated<Instant>;
};

export type LeaseTable = { name: string; owner: string; acquired_at: Generated<Instant>; expires_at: Instant };

/** A part of LiveChat's past that is to be read once more. */
export type LookTable = {
  from_at: Instant;
  to_at: Instant;
  due_at: Instant;
  reached_at: Instant | null;
};

/** A lead field of an instance, as Marketo described it last. */
export type LeadFieldTable = {
  instance: string;
  name: string;
  type: string;
  length: number | null;
  read_only: boolean;
  /** Older than that of other fields: the field is gone. */
  described_at: Instant;
};

/** One trouble, however often it happened; kept when its errors are deleted, so that a digest can tell old from new. */
export type ErrorKindTable = {
  fingerprint: string;
  code: string;
  subject: string;
  first_at: Instant;
  last_at: Instant;
  count: number;
  /** The last of its errors that a digest has carried. */
  told_until: Instant | null;
  /** The last digest that has carried it. */
  told_in: number | null;
};

/** Who asked to be forgotten: a keyed hash of the address, which tells nobody who it was. */
export type ForgottenAddressTable = { hash: string; forgotten_at: Generated<Instant> };

/** One row: the key of the hashes. */
export type ForgettingKeyTable = { id: Generated<1>; key: string };
