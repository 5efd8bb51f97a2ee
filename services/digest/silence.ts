import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { SyncHealth } from '../shared/store/health.ts';
import { inThousands } from './numbers.ts';
import { plain } from './plain.ts';
import { dayWords, durationWords } from './times.ts';

/** One line of the state of the sync, and whether somebody should look at it. */
export type HealthView = { label: string; value: string; needsAttention: boolean };

export type SilenceFacts = {
  health: SyncHealth;
  now: Instant;
  /** How often the sync is scheduled, in milliseconds. */
  syncInterval: number;
  /** How many calls to Marketo a day are this product's. */
  dailyCalls: number;
};

/**
 * For how long no sync has succeeded, in milliseconds, where that is no delay any more; else undefined. An installation
 * whose syncs have never succeeded is silent since it first ran anything.
 */
export function silentFor({ health, now, syncInterval }: SilenceFacts): number | undefined {
  const since = health.lastSuccessAt ?? health.firstRunAt;
  const silence = since === null ? 0 : millisecondsOf(now) - millisecondsOf(since);
  return silence > INTERVALS_UNTIL_LATE * syncInterval ? silence : undefined;
}

/** So many intervals without a successful sync are no delay any more: someone should look. */
const INTERVALS_UNTIL_LATE = 3;

/**
 * What silence would hide: none of it is an error that anybody logs.
 *
 * @param time writes an instant as the reader's clock shows it.
 */
export function healthView(facts: SilenceFacts, time: (at: Instant) => string): HealthView[] {
  const { health, now, syncInterval } = facts;
  const { lastSuccessAt, watermark, dead, deadErased, ready, open } = health;
  const age = (at: Instant) => Math.max(0, millisecondsOf(now) - millisecondsOf(at));
  const ago = (at: Instant) => `${durationWords(age(at))} ago (${time(at)})`;
  const isLate = (at: Instant | null) => at === null || age(at) > INTERVALS_UNTIL_LATE * syncInterval;
  return [
    {
      label: 'Last successful sync',
      value: lastSuccessAt === null ? 'never' : ago(lastSuccessAt),
      needsAttention: isLate(lastSuccessAt),
    },
    { label: 'Last sync started', ...lastStart(health.lastRun, { ago, isLate, age }) },
    {
      label: 'LiveChat read until',
      value: watermark === null ? 'not read yet' : ago(watermark),
      needsAttention: isLate(watermark),
    },
    { label: 'Dead threads', value: `${inThousands(dead)}${erasedWords(deadErased)}`, needsAttention: dead > 0 },
    { label: 'Ready threads', value: inThousands(ready), needsAttention: false },
    { label: 'Open threads', value: inThousands(open), needsAttention: false },
    ...health.calls.map(({ instance, day, calls }) => ({
      label: labelled('Calls to Marketo', instance, health.calls),
      value: `${inThousands(calls)} of ${inThousands(facts.dailyCalls)} on ${plain(dayWords(day), 20)}`,
      needsAttention: calls >= NEARLY_USED_UP * facts.dailyCalls,
    })),
    ...health.slowed
      .filter(({ at }) => age(at) < DAY_MS)
      .map(({ instance, at }) => ({
        label: labelled('Slowed down', instance, health.slowed),
        value: `${ago(at)}, because others use Marketo’s rate limit too`,
        needsAttention: false,
      })),
  ];
}

/** What the retention has left nothing of but the row. */
function erasedWords(erased: number): string {
  return erased === 0
    ? ''
    : `, of which ${inThousands(erased)} can only be dismissed: their data was kept for long enough`;
}

const NEARLY_USED_UP = 0.8;
const DAY_MS = 86_400_000;
/** A run says that it is alive every 15 s. */
const DEAD_AFTER_MS = 120_000;

type Clock = {
  ago: (at: Instant) => string;
  isLate: (at: Instant | null) => boolean;
  age: (at: Instant) => number;
};

function lastStart(run: SyncHealth['lastRun'], { ago, isLate, age }: Clock): Omit<HealthView, 'label'> {
  if (run === null) return { value: `never: ${SUSPENDED}`, needsAttention: true };
  const { startedAt, heartbeatAt, outcome } = run;
  if (isLate(startedAt)) return { value: `${ago(startedAt)}: ${SUSPENDED}`, needsAttention: true };
  if (outcome !== null) return { value: `${ago(startedAt)}: ${outcome}`, needsAttention: outcome === 'failed' };
  if (age(heartbeatAt) < DEAD_AFTER_MS) return { value: `${ago(startedAt)}: still at work`, needsAttention: false };
  return { value: `${ago(startedAt)}: no sign of life since ${ago(heartbeatAt)}`, needsAttention: true };
}

/** The digest has no way to ask the cluster: all it sees is that no run has come to be. */
const SUSPENDED = 'is the schedule suspended? (This is all that the table of runs can tell.)';

/** An instance is named only where there are several. */
function labelled(label: string, instance: string, all: readonly unknown[]): string {
  return all.length > 1 ? `${label} (${instance.split('.')[0]})` : label;
}
