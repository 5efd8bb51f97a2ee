import type { V1CronJob, V1Job } from '@kubernetes/client-node';
import { cronOf } from '../../shared/runtime/cron.ts';
import { type Instant, instantOf } from '../../shared/runtime/instant.ts';

/** A CronJob of this release. */
export type Schedule = {
  name: string;
  /** `sync` or `digest`, by its label `app.kubernetes.io/component`; blank where it has none. */
  component: string;
  schedule: string;
  /** Null where the cluster's controller uses its own zone. */
  timeZone: string | null;
  suspended: boolean;
  /** Null while it is suspended, and where its schedule or zone cannot be read. */
  nextRunAt: Instant | null;
  lastScheduledAt: Instant | null;
  lastSuccessAt: Instant | null;
  running: number;
};

/** A Job of this release. */
export type ClusterJob = {
  name: string;
  component: string;
  trigger: 'schedule' | 'manual';
  state: 'waiting' | 'running' | 'complete' | 'failed' | 'suspended';
  startedAt: Instant | null;
  finishedAt: Instant | null;
  /** Why it failed, in Kubernetes' word: `BackoffLimitExceeded`, `DeadlineExceeded`, `PodFailurePolicy`. */
  reason: string | null;
};

/** How many jobs are told: a day of hourly runs. */
const MOST_JOBS = 24;

/**
 * The schedules, by name.
 *
 * @param now milliseconds since 1970; the next run is counted from there.
 */
export function schedulesOf(cronJobs: readonly V1CronJob[], now: number): Schedule[] {
  return cronJobs
    .map(({ metadata, spec, status }): Schedule => {
      const suspended = spec?.suspend === true;
      const schedule = spec?.schedule ?? '';
      const timeZone = spec?.timeZone ?? null;
      return {
        name: metadata?.name ?? '',
        component: metadata?.labels?.[COMPONENT] ?? '',
        schedule,
        timeZone,
        suspended,
        nextRunAt: suspended ? null : nextRunOf(schedule, timeZone, now),
        lastScheduledAt: instant(status?.lastScheduleTime),
        lastSuccessAt: instant(status?.lastSuccessfulTime),
        running: status?.active?.length ?? 0,
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The newest jobs, the one that was made last first. */
export function jobsOf(jobs: readonly V1Job[]): ClusterJob[] {
  return jobs
    .toSorted((a, b) => (timeOf(b.metadata?.creationTimestamp) ?? 0) - (timeOf(a.metadata?.creationTimestamp) ?? 0))
    .slice(0, MOST_JOBS)
    .map((job): ClusterJob => {
      const conditions = job.status?.conditions ?? [];
      const failed = conditions.find(({ type, status }) => type === 'Failed' && status === 'True');
      const complete = conditions.find(({ type, status }) => type === 'Complete' && status === 'True');
      return {
        name: job.metadata?.name ?? '',
        component: job.metadata?.labels?.[COMPONENT] ?? '',
        trigger: triggerOf(job),
        state: failed ? 'failed' : complete ? 'complete' : unfinished(job),
        startedAt: instant(job.status?.startTime),
        finishedAt: instant(job.status?.completionTime ?? failed?.lastTransitionTime),
        reason: failed?.reason ?? null,
      };
    });
}

const COMPONENT = 'app.kubernetes.io/component';

/** The next time of a schedule that its controller sees; null where it cannot be said. */
export function nextRunOf(schedule: string, timeZone: string | null, now: number): Instant | null {
  try {
    // Without a zone the controller uses its machine's own, which is UTC wherever nobody has changed it.
    return instant(cronOf(schedule, timeZone ?? 'Etc/UTC').nextRun(new Date(now)) ?? undefined);
  } catch {
    // What croner does not read (`@every 1h`), and what nobody can: the page shows the schedule as it is written.
    return null;
  }
}

/** kubectl, and this service, mark what a person has started; the controller marks what the schedule has. */
function triggerOf({ metadata }: V1Job): ClusterJob['trigger'] {
  const annotations = metadata?.annotations ?? {};
  if (annotations['cronjob.kubernetes.io/instantiate'] === 'manual') return 'manual';
  return annotations['batch.kubernetes.io/cronjob-scheduled-timestamp'] === undefined ? 'manual' : 'schedule';
}

function unfinished({ spec, status }: V1Job): ClusterJob['state'] {
  if (spec?.suspend === true) return 'suspended';
  return (status?.active ?? 0) > 0 ? 'running' : 'waiting';
}

function instant(time: Date | string | undefined): Instant | null {
  const milliseconds = timeOf(time);
  return milliseconds === undefined ? null : instantOf(milliseconds);
}

function timeOf(time: Date | string | undefined): number | undefined {
  const milliseconds = time === undefined ? Number.NaN : new Date(time).getTime();
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}
