import { describe, expect, test } from 'vitest';
import { addMilliseconds, type Instant, instantOf } from '../../services/shared/runtime/instant.ts';
import type { Overview } from '../../services/shared/store/readings-overview.ts';
import type { RunReading } from '../../services/shared/store/readings-runs.ts';
import type { Schedule } from '../../services/status/cluster/view.ts';
import type { ClusterView } from '../../services/status/cluster/watch.ts';
import { verdict } from '../../services/status/verdict.ts';
import { HOUR } from './story.ts';

const now = instantOf(Date.UTC(2026, 10, 23, 14, 19, 30));
const before = (minutes: number): Instant => addMilliseconds(now, -minutes * 60_000);

const quiet: Overview = {
  now,
  watermark: before(12.5),
  working: null,
  lastEnded: null,
  lastSuccess: null,
  lastDigestAt: null,
  syncRuns: [],
  ledger: { open: 0, ready: 0, synced: 0, ignored: 0, dead: 0 },
  retrying: 0,
  ignored: [],
  newErrors: [],
  calls: [],
  limits: null,
};

function run(ended: number | null, more: Partial<RunReading> = {}): RunReading {
  return {
    id: 1,
    job: 'sync',
    trigger: 'schedule',
    name: null,
    startedAt: before((ended ?? 0) + 2),
    heartbeatAt: before(ended ?? 0),
    finishedAt: ended === null ? null : before(ended),
    outcome: ended === null ? null : 'done',
    windowFrom: null,
    windowTo: null,
    counts: {},
    error: null,
    ...more,
  };
}

const said = (overview: Partial<Overview>) => {
  const { tone, headline, details } = verdict({ ...quiet, ...overview }, HOUR);
  return [tone, [headline, ...details].join(' ')];
};
const newErrors = (errors: number) => [
  { code: 'lead-refused', errors, firstAt: now, lastAt: now, message: 'x', threadId: null },
];

test('a sync that works is good, and one with new errors wants a look', () => {
  const done = run(12);
  expect(said({ lastEnded: done, lastSuccess: done })).toEqual([
    'good',
    'Synced 12 minutes ago, up to 14:07 UTC. No new errors.',
  ]);
  expect(said({ lastEnded: done, lastSuccess: done, newErrors: newErrors(1) })).toEqual([
    'attention',
    'Synced 12 minutes ago, up to 14:07 UTC. 1 new error.',
  ]);
  expect(said({ lastEnded: done, lastSuccess: done, newErrors: newErrors(3) })[1]).toContain('3 new errors.');
});

test('a watermark of another day is told with its day', () => {
  const done = run(12);
  expect(said({ lastEnded: done, lastSuccess: done, watermark: before(24 * 60) })[1]).toContain(
    'up to 22 Nov, 14:19 UTC.',
  );
});

test('a run that failed is told with its sentence and the last success', () => {
  const failed = run(5, { outcome: 'failed', error: 'LiveChat refused the access token.' });
  expect(said({ lastEnded: failed, lastSuccess: run(65) })).toEqual([
    'bad',
    'The last run failed 5 minutes ago: LiveChat refused the access token. Last synced 1 hour ago, up to 14:07 UTC. No new errors.',
  ]);
  expect(said({ lastEnded: run(5, { outcome: 'lost' }) })[1]).toBe(
    'The last run was lost 5 minutes ago. No run has succeeded yet. No new errors.',
  );
  expect(said({ lastEnded: run(5, { outcome: 'stopped', error: 'The daily budget is used up.' }) })).toEqual([
    'attention',
    'The last run stopped early 5 minutes ago: The daily budget is used up. No run has succeeded yet. No new errors.',
  ]);
});

test('a success that is older than two and a half intervals is bad, one that is younger is not', () => {
  const late = run(151);
  expect(said({ lastEnded: late, lastSuccess: late })).toEqual([
    'bad',
    'Last synced 2 hours ago, up to 14:07 UTC. A run is due every hour. No new errors.',
  ]);
  const young = run(149);
  expect(said({ lastEnded: young, lastSuccess: young })[0]).toBe('good');
});

test('before the first run there is nothing to judge', () => {
  expect(said({ watermark: null })).toEqual([
    'waiting',
    'No run yet. The schedule starts the first one. No new errors.',
  ]);
  expect(said({ watermark: null, working: run(null) })).toEqual([
    'waiting',
    'The first run is not done yet. A run is at work, started 2 minutes ago. No new errors.',
  ]);
});

describe('what the cluster adds', () => {
  const known = (schedules: Partial<Schedule>[]): ClusterView => ({
    state: 'known',
    at: 0,
    jobs: [],
    schedules: schedules.map((each) => ({
      name: 'x-sync',
      component: 'sync',
      schedule: '7 * * * *',
      timeZone: null,
      suspended: false,
      nextRunAt: null,
      lastScheduledAt: null,
      lastSuccessAt: null,
      running: 0,
      ...each,
    })),
  });
  const well = { ...quiet, lastEnded: run(12), lastSuccess: run(12) };

  test('the next run of the sync, and of nothing else', () => {
    const { details, tone } = verdict(
      well,
      HOUR,
      known([
        { nextRunAt: instantOf(Date.UTC(2026, 10, 23, 15, 7)) },
        { component: 'digest', nextRunAt: instantOf(Date.UTC(2026, 10, 23, 14, 30)) },
      ]),
    );
    expect([details.at(-1), tone]).toEqual(['Next run 15:07 UTC.', 'good']);
  });

  test('that the schedule is suspended, which is not good however well the last run went', () => {
    const { details, tone } = verdict(well, HOUR, known([{ suspended: true }]));
    expect([details.at(-1), tone]).toEqual(['The schedule is suspended: no run will start by itself.', 'attention']);
  });

  test('nothing where it is not known', () => {
    const without = verdict(well, HOUR);
    expect(verdict(well, HOUR, { state: 'unknown', why: 'x' })).toEqual(without);
    expect(verdict(well, HOUR, known([]))).toEqual(without);
  });
});
