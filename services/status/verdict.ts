import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { Overview } from '../shared/store/readings-overview.ts';
import type { RunReading } from '../shared/store/readings-runs.ts';
import type { ClusterView } from './cluster/watch.ts';
import { conceal } from './conceal.ts';
import { ago, clock, counted, inWords } from './wording.ts';

/**
 * How things stand, in words. `good`: nothing to do · `attention`: it works, and somebody should look · `bad`: it does
 * not work · `waiting`: there is nothing to judge yet.
 */
export type Verdict = {
  tone: 'good' | 'attention' | 'bad' | 'waiting';
  headline: string;
  /** Whole sentences that follow the headline. */
  details: string[];
};

/**
 * Judges the state of the sync: the last run that ended, else what silence there is.
 *
 * @param interval milliseconds between two scheduled runs.
 * @param cluster what is known of the schedule; the verdict does without where nothing is.
 */
export function verdict(overview: Overview, interval: number, cluster?: ClusterView): Verdict {
  const judged = judge(overview, interval);
  const { suspended, sentence } = nextRun(cluster, overview.now);
  return {
    ...judged,
    // Nothing comes any more, however well the last run went.
    tone: suspended && judged.tone === 'good' ? 'attention' : judged.tone,
    details: [...judged.details, ...(sentence === undefined ? [] : [sentence])],
  };
}

/** When the schedule starts the next sync, as far as the cluster tells. */
function nextRun(cluster: ClusterView | undefined, now: Instant): { suspended: boolean; sentence?: string } {
  if (cluster?.state !== 'known') return { suspended: false };
  const syncs = cluster.schedules.filter(({ component }) => component === 'sync');
  if (syncs.length > 0 && syncs.every(({ suspended }) => suspended)) {
    return { suspended: true, sentence: 'The schedule is suspended: no run will start by itself.' };
  }
  const next = syncs.flatMap(({ nextRunAt }) => nextRunAt ?? []).sort()[0];
  return { suspended: false, ...(next === undefined ? {} : { sentence: `Next run ${clock(next, now)}.` }) };
}

function judge(overview: Overview, interval: number): Verdict {
  const { now, lastEnded, lastSuccess, working, watermark } = overview;
  const news = newErrors(overview);
  const atWork = working ? [workingSentence(working, now)] : [];
  const success = lastSuccess?.finishedAt
    ? `Last synced ${ago(lastSuccess.finishedAt, now)}${upTo(watermark, now)}.`
    : 'No run has succeeded yet.';

  if (!lastEnded?.finishedAt) {
    if (working) return { tone: 'waiting', headline: 'The first run is not done yet.', details: [...atWork, ...news] };
    return { tone: 'waiting', headline: 'No run yet.', details: ['The schedule starts the first one.', ...news] };
  }
  const when = ago(lastEnded.finishedAt, now);
  if (lastEnded.outcome !== 'done') {
    const ended =
      lastEnded.outcome === 'stopped' ? 'stopped early' : lastEnded.outcome === 'lost' ? 'was lost' : 'failed';
    return {
      tone: lastEnded.outcome === 'stopped' ? 'attention' : 'bad',
      headline: `The last run ${ended} ${when}${lastEnded.error ? ':' : '.'}`,
      details: [...(lastEnded.error ? [conceal(lastEnded.error)] : []), success, ...atWork, ...news],
    };
  }
  if (isLate(lastEnded.finishedAt, now, interval)) {
    return {
      tone: 'bad',
      headline: success,
      details: [`A run is due every ${interval === 3_600_000 ? 'hour' : inWords(interval)}.`, ...atWork, ...news],
    };
  }
  return {
    tone: overview.newErrors.length > 0 ? 'attention' : 'good',
    headline: `Synced ${when}${upTo(watermark, now)}.`,
    details: [...news, ...atWork],
  };
}

/** The verdict while the database cannot be read. */
export function troubleVerdict(sentence: string): Verdict {
  return {
    tone: 'bad',
    headline: sentence,
    details: ['What the sync did, and whether it works, cannot be said before it answers again.'],
  };
}

/** Whether a run says that it works but has given no sign of life for so long that it was killed. */
export function isSilent(run: RunReading, now: Instant): boolean {
  return run.finishedAt === null && millisecondsOf(now) - millisecondsOf(run.heartbeatAt) > SILENCE;
}

/** A run says every few seconds that it is alive; after as long as this, the next one closes it as lost. */
const SILENCE = 120_000;

/** Two runs and a half: one that failed and was not repeated is no reason to worry, two are. The alert says the same. */
function isLate(lastSuccess: Instant, now: Instant, interval: number): boolean {
  return millisecondsOf(now) - millisecondsOf(lastSuccess) > 2.5 * interval;
}

function newErrors(overview: Overview): string[] {
  const errors = overview.newErrors.reduce((sum, kind) => sum + kind.errors, 0);
  return [errors === 0 ? 'No new errors.' : `${counted(errors, 'new error')}.`];
}

function upTo(watermark: Instant | null, now: Instant): string {
  return watermark ? `, up to ${clock(watermark, now)}` : '';
}

function workingSentence(run: RunReading, now: Instant): string {
  if (isSilent(run, now)) return `A run that started ${ago(run.startedAt, now)} gives no sign of life.`;
  return `A run is at work, started ${ago(run.startedAt, now)}.`;
}
