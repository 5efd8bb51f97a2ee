import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import { instantOf } from '../runtime/instant.ts';
import {
  claimDigest,
  countNewErrors,
  type DigestClaim,
  type DigestContents,
  hasDigest,
  markDigestSent,
  previewDigest,
  unsentDigests,
} from './digests.ts';
import { logErrors } from './errors.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

const NOW = instantOf(Date.parse('2026-11-23T12:00:00Z'));

function claim(changes: Partial<DigestClaim> = {}): DigestClaim {
  return {
    localDate: '2026-11-23',
    messageId: '<digest@example.com>',
    recipients: ['ops@example.com'],
    now: NOW,
    isWanted: ({ errors }) => errors > 0,
    compose: ({ errors }) => ({ subject: `${errors} errors`, html: '<p>', text: 'text' }),
    ...changes,
  };
}

async function contentsOf(changes: Partial<DigestClaim> = {}): Promise<DigestContents | undefined> {
  let seen: DigestContents | undefined;
  await claimDigest(
    db,
    claim({
      ...changes,
      compose: (contents) => {
        seen = contents;
        return { subject: '', html: '', text: '' };
      },
    }),
  );
  return seen;
}

describe('a claim', () => {
  test('takes every error that no digest has, and keeps the mail with the digest', async () => {
    await logErrors(db, null, [
      { code: 'marketo-quota', message: 'Used up.' },
      { code: 'run-failed', message: 'Ended.' },
    ]);
    const digest = await claimDigest(db, claim());
    expect(digest).toEqual({
      id: expect.any(Number),
      localDate: '2026-11-23',
      messageId: '<digest@example.com>',
      errorCount: 2,
      mail: { subject: '2 errors', html: '<p>', text: 'text' },
      createdAt: NOW,
    });
    expect(await countNewErrors(db)).toBe(0);
    expect(await unsentDigests(db)).toEqual([digest]);
    expect(await hasDigest(db, '2026-11-23')).toBe(true);
  });

  test('that cannot compose its mail takes nothing', async () => {
    await logErrors(db, null, [{ code: 'marketo-quota', message: 'Used up.' }]);
    const failing = claim({
      compose: () => {
        throw new Error('no words');
      },
    });
    await expect(claimDigest(db, failing)).rejects.toThrow('no words');
    expect(await countNewErrors(db)).toBe(1);
    expect(await hasDigest(db, '2026-11-23')).toBe(false);
  });

  test('of nothing leaves no row, unless there is to be one', async () => {
    expect(await claimDigest(db, claim())).toBeUndefined();
    expect(await hasDigest(db, '2026-11-23')).toBe(false);
    expect(await claimDigest(db, claim({ isWanted: () => true }))).toMatchObject({ errorCount: 0 });
  });

  test('for a date that has its digest takes nothing', async () => {
    await logErrors(db, null, [{ code: 'marketo-quota', message: 'Used up.' }]);
    await claimDigest(db, claim());
    await logErrors(db, null, [{ code: 'marketo-quota', message: 'Used up again.' }]);
    expect(await claimDigest(db, claim())).toBeUndefined();
    expect(await countNewErrors(db)).toBe(1);
  });

  test('made twenty times at once, for two dates, gives every error to one digest', async () => {
    for (let index = 0; index < 200; index += 1) {
      await logErrors(db, null, [{ code: 'marketo-quota', message: `Number ${index}.` }]);
    }
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) => claimDigest(db, claim({ localDate: `2026-11-2${index % 2}` }))),
    );
    const digests = claims.filter((digest) => digest !== undefined);
    expect(digests.reduce((sum, { errorCount }) => sum + errorCount, 0)).toBe(200);
    const counted = await db
      .selectFrom('sync_error')
      .select((select) => ['digest_id as id', select.fn.countAll<number>().as('errorCount')])
      .groupBy('digest_id')
      .execute();
    expect(counted).toEqual(digests.map(({ id, errorCount }) => ({ id, errorCount })));
  });
});

test('errors of one fingerprint are one group: how often, in how many threads, first, last, and the last as example', async () => {
  await logErrors(db, null, [
    { code: 'lead-refused', subject: '1003 phone', message: 'First.', threadId: 'T1' },
    { code: 'lead-refused', subject: '1003 phone', message: 'Second.', threadId: 'T1' },
    { code: 'lead-refused', subject: '1003 phone', message: 'x'.repeat(5000), threadId: 'T2' },
    { code: 'lead-refused', subject: '1003 country', message: 'Country.', threadId: 'T3' },
    { code: 'marketo-quota', message: 'Used up.' },
  ]);
  await sql`update livechat_marketo.sync_error set at = '2026-11-23T10:00:00.123456Z'::timestamptz + id * interval '1 s'`.execute(
    db,
  );
  const contents = await contentsOf();
  expect(contents?.errors).toBe(5);
  expect(contents?.groups).toMatchObject([
    {
      code: 'lead-refused',
      count: 3,
      threads: 2,
      firstAt: '2026-11-23T10:00:01.123456Z',
      lastAt: '2026-11-23T10:00:03.123456Z',
      example: { message: 'x'.repeat(2000), threadId: 'T2' },
    },
    { code: 'lead-refused', count: 1, threads: 1, example: { message: 'Country.', threadId: 'T3' } },
    { code: 'marketo-quota', count: 1, threads: 0, example: { message: 'Used up.', threadId: null } },
  ]);
});

describe('what is known of a kind beyond the digest', () => {
  const log = (subject: string) => logErrors(db, null, [{ code: 'lead-refused', subject, message: 'Refused.' }]);
  const one = async (localDate: string) => (await contentsOf({ localDate }))?.groups[0];

  test('is when it happened first, how often in all, and up to when a digest has told of it', async () => {
    await log('1003 phone');
    const first = await one('2026-11-21');
    expect(first?.kind).toEqual({ firstAt: first?.firstAt, count: 1, toldUntil: null });
    await log('1003 phone');
    await log('1003 phone');
    const second = await one('2026-11-22');
    expect(second).toMatchObject({ count: 2, kind: { firstAt: first?.firstAt, count: 3, toldUntil: first?.lastAt } });
  });

  test('outlives the errors themselves', async () => {
    await log('1003 phone');
    const first = await one('2026-11-21');
    await db.deleteFrom('sync_error').execute();
    await log('1003 phone');
    expect(await one('2026-11-22')).toMatchObject({ count: 1, kind: { count: 2, toldUntil: first?.lastAt } });
  });

  test('is not told by a digest that came to nothing', async () => {
    await log('1003 phone');
    expect(await claimDigest(db, claim({ isWanted: () => false }))).toBeUndefined();
    expect((await one('2026-11-22'))?.kind.toldUntil).toBeNull();
  });
});

describe('what is no longer seen', () => {
  const log = (...subjects: string[]) =>
    logErrors(
      db,
      null,
      subjects.map((subject) => ({ code: 'lead-refused' as const, subject, message: 'Refused.' })),
    );
  const recovered = async (localDate: string) =>
    (await contentsOf({ localDate, isWanted: () => true }))?.recovered.map(({ subject }) => subject).toSorted();

  test('is what the digest before told of and this one does not, told once', async () => {
    await log('a', 'b', 'c');
    expect(await recovered('2026-11-21')).toEqual([]);
    await log('b', 'd');
    expect(await recovered('2026-11-22')).toEqual(['a', 'c']);
    expect(await recovered('2026-11-23')).toEqual(['b', 'd']);
    expect(await recovered('2026-11-24')).toEqual([]);
  });
});

test('a preview reads what the next digest would hold, and changes nothing', async () => {
  await logErrors(db, null, [{ code: 'marketo-quota', message: 'Used up.' }]);
  await claimDigest(db, claim());
  await logErrors(db, null, [{ code: 'run-failed', message: 'Ended.' }]);
  const tables = ['digest', 'sync_error', 'error_kind', 'run', 'lease'] as const;
  const rows = () => Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
  const before = await rows();
  const preview = await previewDigest(db);
  expect(await rows()).toEqual(before);
  expect(preview).toMatchObject({
    errors: 1,
    groups: [{ code: 'run-failed', count: 1 }],
    recovered: [{ code: 'marketo-quota' }],
  });
  expect(await contentsOf({ localDate: '2026-11-24' })).toEqual(preview);
});

test('a digest is marked as sent once, with whom it was taken for', async () => {
  const digest = await claimDigest(db, claim({ isWanted: () => true }));
  await markDigestSent(db, digest?.id ?? 0, ['crm@example.com']);
  const [first] = await db.selectFrom('digest').selectAll().execute();
  expect(first).toMatchObject({ state: 'sent', recipients: ['crm@example.com'], sent_at: expect.any(String) });
  await markDigestSent(db, digest?.id ?? 0, ['late@example.com']);
  expect(await db.selectFrom('digest').selectAll().execute()).toEqual([first]);
  expect(await unsentDigests(db)).toEqual([]);
});

test('the digests that are not sent come oldest first', async () => {
  for (const localDate of ['2026-11-24', '2026-11-22', '2026-11-23']) {
    await claimDigest(db, claim({ localDate, isWanted: () => true }));
  }
  expect((await unsentDigests(db)).map(({ localDate }) => localDate)).toEqual([
    '2026-11-22',
    '2026-11-23',
    '2026-11-24',
  ]);
});
