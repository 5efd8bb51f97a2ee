import type { DigestFacts } from '../../services/digest/email.ts';
import { type Instant, instantOf } from '../../services/shared/runtime/instant.ts';
import type { ErrorGroup } from '../../services/shared/store/digests.ts';
import type { SyncHealth } from '../../services/shared/store/health.ts';

/** Reads a time that a test writes down. */
export function at(text: string): Instant {
  return instantOf(Date.parse(text));
}

/** A group as the database gives it, with what a test wants otherwise. */
export function group(changes: Partial<ErrorGroup> = {}): ErrorGroup {
  return {
    fingerprint: 'b3f1c0de00000001',
    code: 'lead-refused',
    subject: '1003 phone',
    count: 12,
    threads: 9,
    firstAt: at('2026-11-22T07:03:11Z'),
    lastAt: at('2026-11-23T06:55:40Z'),
    example: {
      message: 'Marketo refused the value of phone (1003); the lead was written without it.',
      threadId: 'SK1LQ4NZ8T',
    },
    kind: { firstAt: at('2026-11-22T07:03:11Z'), count: 12, toldUntil: null },
    ...changes,
  };
}

/** A sync that is well, with what a test wants otherwise. */
export function health(changes: Partial<SyncHealth> = {}): SyncHealth {
  return {
    lastSuccessAt: at('2026-11-23T06:00:30Z'),
    lastRun: { startedAt: at('2026-11-23T06:00:02Z'), heartbeatAt: at('2026-11-23T06:00:30Z'), outcome: 'done' },
    firstRunAt: at('2026-10-01T08:00:00Z'),
    watermark: at('2026-11-23T05:50:00Z'),
    dead: 3,
    deadErased: 0,
    ready: 1204,
    open: 17,
    calls: [{ instance: '123-abc-456.mktorest.com', day: '2026-11-23', calls: 1632 }],
    slowed: [],
    ...changes,
  };
}

/** A day on which three kinds of errors happened and the sync is well, with what a test wants otherwise. */
export function facts(groups: readonly ErrorGroup[] = threeGroups(), changes: Partial<DigestFacts> = {}): DigestFacts {
  return {
    contents: {
      errors: groups.reduce((sum, { count }) => sum + count, 0),
      groups: [...groups],
      recovered: [],
      health: health(),
    },
    now: at('2026-11-23T07:00:00Z'),
    timeZone: 'Europe/Berlin',
    statusUrl: 'https://livechat-marketo.example.com',
    syncInterval: 3_600_000,
    dailyCalls: 20_000,
    ...changes,
  };
}

function threeGroups(): ErrorGroup[] {
  return [
    group({
      fingerprint: 'b3f1c0de00000003',
      code: 'livechat-version',
      subject: '',
      count: 24,
      threads: 0,
      example: { message: 'LiveChat answered with Deprecation: version 3.6 ends on 2027-06-30.', threadId: null },
    }),
    group(),
    group({
      fingerprint: 'b3f1c0de00000002',
      code: 'marketo-credentials',
      subject: '',
      count: 1,
      threads: 0,
      firstAt: at('2026-11-22T13:00:02Z'),
      lastAt: at('2026-11-22T13:00:02Z'),
      example: { message: 'Marketo refused the client id or its secret (401 unauthorized).', threadId: null },
    }),
  ];
}
