import { CATALOGUE } from '../shared/runtime/catalogue.ts';
import type { MetricsReading } from '../shared/store/readings-metrics.ts';
import { version } from './version.ts';

/**
 * What every metric has. The labels' known values are all exported, at 0 where nothing happened: no series is missing.
 * No label is called as those are that Prometheus, or its operator, adds to what it scrapes (job, instance, namespace,
 * service, pod, container, endpoint): ours would be renamed to `exported_…` wherever labels are not honoured.
 */
export type Metric = {
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<string, readonly string[]>>;
};

export type Sample = { labels: Record<string, string>; value: number };

/** A gauge that is read from the database; absent while the database cannot be read. */
export type DatabaseGauge = Metric & { readonly read: (reading: MetricsReading) => number | readonly Sample[] };

/** What this service knows without the database. */
export type ServiceFacts = {
  databaseUp: boolean;
  /** seconds */
  syncInterval: number;
  /** MARKETO_DAILY_CALLS */
  dailyCalls: number;
  /** When the digest's schedule last fell due, in seconds since 1970; undefined where there is none. */
  digestDue: number | undefined;
  /** The names of this release's CronJobs. */
  cronJobs: readonly string[];
};

/** A gauge that is exported even while the database cannot be read. */
export type ServiceGauge = Metric & { readonly read: (facts: ServiceFacts) => number | readonly Sample[] };

/**
 * The counters that the jobs keep in the table `counter`. One that is there under a name not listed here is not
 * exported: what /metrics shows is what this file says, and docs/metrics.md is generated from it.
 */
export const COUNTERS: readonly Metric[] = [
  {
    name: 'marketo_requests_total',
    help: 'Calls made to Marketo, each attempt counted, by what was called and by how they ended.',
    labels: {
      call: ['describe', 'leads-lookup', 'leads-create', 'leads-update', 'usage', 'identity'],
      outcome: ['ok', 'refused', 'throttled', 'failed', 'no-answer'],
    },
  },
  {
    name: 'marketo_throttled_total',
    help: 'Calls that Marketo refused for one of its limits: 606 calls per 20 s, 615 calls at once, 607 calls per day, 429 from a gateway.',
    labels: { code: ['606', '615', '607', '429'] },
  },
  {
    name: 'livechat_requests_total',
    help: 'Calls made to LiveChat, each attempt counted, by what was called and by how they ended.',
    labels: {
      call: ['list_archives', 'list_chats', 'get_chat', 'list_groups'],
      outcome: ['ok', 'failed'],
    },
  },
  {
    name: 'lcm_leads_total',
    help: 'Visitors delivered to Marketo, by what became of their lead.',
    labels: { action: ['created', 'updated', 'unchanged', 'refused'] },
  },
  {
    name: 'lcm_threads_total',
    help: 'Chat threads read from LiveChat, by what the ledger knew of them.',
    labels: { result: ['new', 'changed', 'known', 'open', 'ignored'] },
  },
  {
    name: 'lcm_errors_total',
    help: 'Errors logged, by code; docs/runbook.md says what to do about each.',
    labels: { code: Object.keys(CATALOGUE) },
  },
  {
    name: 'lcm_runs_total',
    help: 'Runs ended, by command, by what started them and by how they ended.',
    labels: {
      command: ['sync', 'digest'],
      trigger: ['schedule', 'manual'],
      outcome: ['done', 'skipped', 'stopped', 'failed', 'lost'],
    },
  },
];

const STATES = ['open', 'ready', 'synced', 'ignored', 'dead'];
const LEASES = ['sync', 'digest'];

export const DATABASE_GAUGES: readonly DatabaseGauge[] = [
  {
    name: 'lcm_sync_last_success_timestamp_seconds',
    help: 'When the last successful sync run ended; 0 before the first.',
    read: (reading) => reading.lastSuccess ?? 0,
  },
  {
    name: 'lcm_sync_last_run_timestamp_seconds',
    help: 'When the last sync run ended, however it ended; one that found another at work does not count; 0 before the first.',
    read: (reading) => reading.lastRun?.ended ?? 0,
  },
  {
    name: 'lcm_sync_last_run_duration_seconds',
    help: 'How long the same run took; 0 before the first.',
    read: (reading) => reading.lastRun?.seconds ?? 0,
  },
  {
    name: 'lcm_sync_watermark_timestamp_seconds',
    help: 'How far LiveChat has been read; 0 before the first run has ended.',
    read: (reading) => reading.watermark ?? 0,
  },
  {
    name: 'lcm_ledger_threads',
    help: 'Chat threads in the ledger, by state.',
    labels: { state: STATES },
    read: (reading) =>
      STATES.map((state) => ({
        labels: { state },
        value: reading.ledger.find((row) => row.state === state)?.threads ?? 0,
      })),
  },
  {
    name: 'lcm_ledger_oldest_ready_timestamp_seconds',
    help: 'When the thread that waits longest for its delivery was first seen; 0 where none waits.',
    read: (reading) => reading.oldestReady ?? 0,
  },
  {
    name: 'lcm_digest_last_success_timestamp_seconds',
    help: 'When the last successful digest run ended, with or without an e-mail to send; 0 before the first.',
    read: (reading) => reading.lastDigest ?? 0,
  },
  {
    name: 'lcm_errors_undigested',
    help: 'Errors logged that no digest has carried yet.',
    read: (reading) => reading.undigested,
  },
  {
    name: 'lcm_lease_held',
    help: '1 while a run of the job is at work (holds its lease), else 0.',
    labels: { name: LEASES },
    read: (reading) =>
      LEASES.map((name) => ({ labels: { name }, value: reading.leases.some((lease) => lease.name === name) ? 1 : 0 })),
  },
  {
    name: 'lcm_lease_acquired_timestamp_seconds',
    help: 'Since when a run of the job has held its lease; 0 where none does. How long does not matter: a backfill may hold it for a day.',
    labels: { name: LEASES },
    read: (reading) => leaseTimes(reading, 'since'),
  },
  {
    name: 'lcm_lease_expires_timestamp_seconds',
    help: 'When the lease ends if its run renews it no more; 0 where none is held.',
    labels: { name: LEASES },
    read: (reading) => leaseTimes(reading, 'until'),
  },
  {
    name: 'lcm_marketo_cap_calls',
    help: 'Calls that all processes together may make in a window at this moment: less than configured for a while after Marketo throttled one; 0 before the first run.',
    read: (reading) => reading.limits?.cap ?? 0,
  },
  {
    name: 'lcm_marketo_cap_configured_calls',
    help: 'Calls in a window as configured (MARKETO_PROFILE, MARKETO_CALLS_PER_WINDOW); 0 before the first run.',
    read: (reading) => reading.limits?.configured ?? 0,
  },
  {
    name: 'lcm_marketo_slots_held',
    help: 'Slots held now: rate, until the answer and a window after it; in-flight, until the answer.',
    labels: { kind: ['rate', 'in-flight'] },
    read: (reading) => [
      { labels: { kind: 'rate' }, value: reading.limits?.rateHeld ?? 0 },
      { labels: { kind: 'in-flight' }, value: reading.limits?.inFlightHeld ?? 0 },
    ],
  },
  {
    name: 'lcm_marketo_day_calls',
    help: 'Our calls of the last day of the Marketo instance on which there were some (MARKETO_DAILY_CALLS is their limit); its days end at midnight US Central.',
    read: (reading) => reading.limits?.dayCalls ?? 0,
  },
  {
    name: 'lcm_installed_timestamp_seconds',
    help: 'When the tables were made: an alert about a first success that never came counts from here.',
    read: (reading) => reading.installed ?? 0,
  },
];

function leaseTimes({ leases }: MetricsReading, which: 'since' | 'until'): Sample[] {
  return LEASES.map((name) => ({ labels: { name }, value: leases.find((lease) => lease.name === name)?.[which] ?? 0 }));
}

export const SERVICE_GAUGES: readonly ServiceGauge[] = [
  {
    name: 'lcm_database_up',
    help: '1 where the database was read for this scrape; at 0 all that comes from it is absent.',
    read: (facts) => (facts.databaseUp ? 1 : 0),
  },
  {
    name: 'lcm_sync_interval_seconds',
    help: 'How often the schedule runs the sync (SYNC_INTERVAL): alerts measure lateness in it.',
    read: (facts) => facts.syncInterval,
  },
  {
    name: 'lcm_marketo_day_limit_calls',
    help: 'How many calls a day this product may make (MARKETO_DAILY_CALLS): lcm_marketo_day_calls is measured against it.',
    read: (facts) => facts.dailyCalls,
  },
  {
    name: 'lcm_digest_due_timestamp_seconds',
    help: 'When the digest was due last, by its schedule (DIGEST_SCHEDULE); 0 where it has none. One that succeeded before then is late.',
    read: (facts) => facts.digestDue ?? 0,
  },
  {
    name: 'lcm_cronjob_info',
    help: '1 for each CronJob of this release (KUBERNETES_CRONJOBS); none outside a cluster. Alerts tell by it which of those that kube-state-metrics knows are ours.',
    labels: { cronjob: [] },
    read: (facts) => facts.cronJobs.map((cronjob) => ({ labels: { cronjob }, value: 1 })),
  },
  {
    name: 'lcm_build_info',
    help: '1, with the version of this service and of its Node.js.',
    labels: { version: [version], node_version: [process.version] },
    read: () => [{ labels: { version, node_version: process.version }, value: 1 }],
  },
];
