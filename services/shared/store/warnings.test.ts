import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import { startRun } from './runs.ts';
import { logOnce } from './warnings.ts';

const { db } = await testDatabase();

test('a warning about a state that lasts is logged once a week, also where its errors are gone by then', async () => {
  const runId = await startRun(db, 'sync', undefined);
  const count = async () => (await db.selectFrom('sync_error').select('id').execute()).length;
  const warn = (subject: string) =>
    logOnce(db, runId, { code: 'livechat-scope', subject, message: 'The token seems to see only some groups.' });
  for (let run = 0; run < 3; run += 1) await warn('groups');
  await warn('hidden threads');
  expect(await count()).toBe(2);
  await db.deleteFrom('sync_error').execute();
  await warn('groups');
  expect(await count()).toBe(0);
  await sql`update livechat_marketo.error_kind set last_at = now() - interval '7 days 1 second'`.execute(db);
  await warn('groups');
  await warn('groups');
  expect(await count()).toBe(1);
});
