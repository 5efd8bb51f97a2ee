import { sql } from 'kysely';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { emptyDatabase, SCHEMA, testDatabase } from '../../../test/postgres/database.ts';
import { openDatabase } from './database.ts';
import { logErrors } from './errors.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

const kinds = () => db.selectFrom('error_kind').selectAll().orderBy('code').orderBy('subject').execute();
const errors = () => db.selectFrom('sync_error').selectAll().orderBy('id').execute();

test('a thousand errors of one trouble are one kind, with how often, first and last', async () => {
  await logErrors(
    db,
    null,
    Array.from({ length: 1000 }, (_, index) => ({
      code: 'lead-refused' as const,
      subject: '1003 phone',
      message: `Number ${index}.`,
    })),
  );
  await logErrors(db, null, [
    { code: 'lead-refused', subject: '1003 country', message: 'Another.' },
    { code: 'lead-refused', subject: '1003 phone', message: 'Once more.' },
  ]);
  const rows = await errors();
  expect(await kinds()).toEqual([
    expect.objectContaining({ code: 'lead-refused', subject: '1003 country', count: 1, told_until: null }),
    {
      fingerprint: rows[0]?.fingerprint,
      code: 'lead-refused',
      subject: '1003 phone',
      count: 1001,
      first_at: rows[0]?.at,
      last_at: rows.at(-1)?.at,
      told_until: null,
      told_in: null,
    },
  ]);
});

test('errors and kinds are written together or not at all', async () => {
  const transaction = await db.startTransaction().execute();
  await logErrors(transaction, null, [{ code: 'marketo-quota', message: 'Used up.' }]);
  await transaction.rollback().execute();
  // No such run: the errors are refused.
  await expect(logErrors(db, 4711, [{ code: 'marketo-quota', message: 'Used up.' }])).rejects.toThrow(/foreign key/);
  expect(await errors()).toEqual([]);
  expect(await kinds()).toEqual([]);
  expect(await db.selectFrom('counter').selectAll().execute()).toEqual([]);
});

test('twenty writers of the same kinds at once, in any order, lose none and do not wait for each other for ever', async () => {
  const subjects = Array.from({ length: 12 }, (_, index) => `kind ${index}`);
  await Promise.all(
    Array.from({ length: 20 }, (_, writer) =>
      logErrors(
        db,
        null,
        (writer % 2 === 0 ? subjects : subjects.toReversed()).map((subject) => ({
          code: 'lead-refused' as const,
          subject,
          message: 'Refused.',
        })),
      ),
    ),
  );
  expect((await kinds()).map(({ count }) => count)).toEqual(subjects.map(() => 20));
});

test('no address gets into a row, and what Postgres cannot hold does not lose the error', async () => {
  await logErrors(db, null, [
    {
      code: 'lead-refused',
      subject: '1003 ann.canary@example.com',
      message: `NUL \0, lone \uD800, <ann.canary@example.com>, "${'A'.repeat(20_000)}"`,
      threadId: 'T\0hread',
    },
  ]);
  const [row] = await errors();
  expect(row?.message).toMatch(/^NUL , lone \uFFFD, <a•••@example\.com>, "A+$/u);
  expect(row?.message.length).toBeLessThanOrEqual(10_000);
  expect(row).toMatchObject({ subject: '1003 a•••@example.com', thread_id: 'Thread' });
  expect(JSON.stringify(await kinds())).not.toContain('canary');
});

test('the kinds of an installation that is upgraded come from the errors it has', async () => {
  const bare = await emptyDatabase();
  onTestFinished(bare.drop);
  const old = await openDatabase(bare.url, SCHEMA);
  onTestFinished(() => old.destroy());
  await sql`create schema ${sql.id(SCHEMA)}`.execute(old);
  const names = Object.keys(MIGRATIONS).sort();
  for (const name of names.filter((each) => each < '0003')) await MIGRATIONS[name]?.up(old);
  await sql`insert into livechat_marketo.digest (local_date, state, message_id, recipients, error_count, mail)
    values ('2026-11-20', 'sent', '<1@x>', '[]', 1, '{}')`.execute(old);
  await sql`insert into livechat_marketo.sync_error (stage, code, subject, message, fingerprint, digest_id, at) values
    ('deliver', 'lead-refused', '1003', 'First.', 'f1', 1, '2026-11-20T08:00:00Z'),
    ('deliver', 'lead-refused', '1003', 'Second.', 'f1', null, '2026-11-22T08:00:00Z'),
    ('deliver', 'marketo-quota', '', 'Used up.', 'f2', null, '2026-11-22T09:00:00Z')`.execute(old);
  await MIGRATIONS['0003_digest']?.up(old);
  expect(await old.selectFrom('error_kind').selectAll().orderBy('fingerprint').execute()).toEqual([
    {
      fingerprint: 'f1',
      code: 'lead-refused',
      subject: '1003',
      first_at: '2026-11-20T08:00:00.000000Z',
      last_at: '2026-11-22T08:00:00.000000Z',
      count: 2,
      told_until: '2026-11-20T08:00:00.000000Z',
      told_in: 1,
    },
    expect.objectContaining({ fingerprint: 'f2', count: 1, told_until: null, told_in: null }),
  ]);
});
