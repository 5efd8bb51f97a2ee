import { randomInt } from 'node:crypto';
import type { Logger } from '../../shared/runtime/log.ts';
import type { ClusterApi } from './api.ts';
import { jobFrom, manualName } from './run-now.ts';
import { type ClusterJob, jobsOf, type Schedule, schedulesOf } from './view.ts';

/** What is known of the cluster; `unknown` says why nothing is. */
export type ClusterView =
  | { state: 'unknown'; why: string }
  | { state: 'known' /** milliseconds since 1970 */; at: number; schedules: Schedule[]; jobs: ClusterJob[] };

export type Started = { result: 'started' | 'already-started'; job: string } | { result: 'refused'; why: string };

export type Cluster = {
  /** What was last heard; never waits. */
  view(): ClusterView;
  /**
   * Starts a run of a job now, as kubectl would.
   *
   * @param component `sync` or `digest`.
   * @param request the form's own number (`newRequest`): the same one starts the same run only once.
   */
  runNow(component: string, request: string): Promise<Started>;
  /** Stops asking. */
  close(): void;
};

/** Milliseconds between two questions; two small lists each time. */
const EVERY = 15_000;
/** What was heard longer ago than this is not told any more. */
const TOO_OLD = 5 * 60_000;

/** The cluster where there is none, or where nobody said which part of it is ours. */
export const NO_CLUSTER: Cluster = {
  view: () => ({
    state: 'unknown',
    why: 'This service does not know of a cluster (KUBERNETES_NAMESPACE and KUBERNETES_RELEASE are not set), so it cannot tell schedules, the next run, or jobs.',
  }),
  runNow: async () => ({ result: 'refused', why: 'This service does not know of a cluster: start the run by hand.' }),
  close: () => {},
};

/**
 * Asks the cluster for its schedules and jobs, now and every 15 s, so that no page waits for it. What was heard stays
 * for five minutes where it does not answer.
 *
 * @param connect gives the API; asked again until it does.
 */
export function watchCluster(connect: () => Promise<ClusterApi>, log: Logger, every = EVERY): Cluster {
  let api: ClusterApi | undefined;
  let known: (ClusterView & { state: 'known' }) | undefined;
  let trouble: string | undefined = 'The cluster has not answered yet.';
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function ask(): Promise<void> {
    try {
      api ??= await connect();
      const [cronJobs, jobs] = await Promise.all([api.cronJobs(), api.jobs()]);
      const at = Date.now();
      known = { state: 'known', at, schedules: schedulesOf(cronJobs, at), jobs: jobsOf(jobs) };
      if (trouble !== undefined) log.info('the cluster answers');
      trouble = undefined;
    } catch (error) {
      const sentence = troubleOf(error);
      if (sentence !== trouble) log.warn({ err: error }, 'the cluster cannot be asked; the page goes on without it');
      trouble = sentence;
    }
  }

  async function go(): Promise<void> {
    await ask();
    if (!closed) timer = setTimeout(go, every).unref();
  }
  void go();

  return {
    view() {
      if (known && Date.now() - known.at < TOO_OLD) return known;
      return { state: 'unknown', why: trouble ?? 'The cluster has not answered for five minutes.' };
    },
    async runNow(component, request) {
      try {
        if (!api) return { result: 'refused', why: trouble ?? 'The cluster has not answered yet.' };
        const cronJob = (await api.cronJobs()).find(
          ({ metadata }) => metadata?.labels?.['app.kubernetes.io/component'] === component,
        );
        if (!cronJob?.metadata?.name) {
          return { result: 'refused', why: `The cluster has no schedule of the ${component} to start a run from.` };
        }
        const job = manualName(cronJob.metadata.name, request);
        await api.createJob(jobFrom(cronJob, job));
        log.info({ job, component }, 'a run was started by hand from the status service');
        await ask();
        return { result: 'started', job };
      } catch (error) {
        if (statusOf(error) === 409) return { result: 'already-started', job: `of request ${request}` };
        log.warn({ err: error }, 'a run could not be started');
        return { result: 'refused', why: troubleOf(error) };
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** A number for a form with which a run is started: eight letters, so that no name comes to look like a scheduled one's. */
export function newRequest(): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(97 + randomInt(26))).join('');
}

/** What went wrong, for a page that anybody sees: no address, nothing of an answer's body. */
function troubleOf(error: unknown): string {
  const status = statusOf(error);
  if (status === 401) return 'The cluster refused this service’s account (401).';
  if (status === 403) {
    return 'The cluster does not let this service’s account see or do this (403): its Role needs to list cronjobs and jobs, and to create jobs for “run now”.';
  }
  return status === undefined ? 'The cluster cannot be reached.' : `The cluster answered with an error (${status}).`;
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
