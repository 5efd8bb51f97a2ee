import type { Logger } from '../shared/runtime/log.ts';
import type { Readings } from '../shared/store/readings.ts';
import type { MetricsReading } from '../shared/store/readings-metrics.ts';
import type { Overview } from '../shared/store/readings-overview.ts';
import type { Access } from './access.ts';
import type { Cluster } from './cluster/watch.ts';
import type { Recent } from './recent.ts';

/** What the routes work with. */
export type StatusContext = {
  readings: Readings;
  /** What the first screen shows, and what a scrape gets: read once for many. */
  overview: Recent<Overview>;
  metrics: Recent<MetricsReading>;
  cluster: Cluster;
  access: Access;
  log: Logger;
  /** Milliseconds between two scheduled sync runs. */
  syncInterval: number;
  /** Calls to Marketo that this product may make in a day (MARKETO_DAILY_CALLS). */
  dailyCalls: number;
  /** When the digest is run; undefined where nobody has said. */
  digestSchedule: DigestSchedule | undefined;
  /** The names of this release's CronJobs. */
  cronJobs: readonly string[];
};

/** A schedule as cron has it, and the time zone that it is read in. */
export type DigestSchedule = { schedule: string; timeZone: string };
