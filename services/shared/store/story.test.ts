import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import { forget } from './forgetting.ts';
import { readThreadStory } from './story.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

type Row = { id: string; state?: string; email?: string; lead?: number | null; run?: number | null };

async function thread({ id, state = 'synced', email = 'ann@example.com', lead = 7, run = 2 }: Row): Promise<void> {
  await sql`insert into livechat_marketo.chat_thread (thread_id, chat_id, email, visitor, started_at, ended_at, state,
      content_hash, lead_id, first_seen_at, updated_at, run_id)
    values (${id}, 'C', ${email}, '{}', now(), now(), ${state}, 'h', ${lead}, now(), now(), ${run})`.execute(db);
}

async function change(id: string, lead: number | null, run: number): Promise<void> {
  await sql`insert into livechat_marketo.lead_change (run_id, thread_id, lead_id, action, changes)
    values (${run}, ${id}, ${lead}, 'updated', '[{"field": "firstName", "to": "Ann", "rule": "name"}]')`.execute(db);
}

async function error(id: string, run: number, code = 'lead-refused'): Promise<void> {
  await sql`insert into livechat_marketo.sync_error (stage, code, subject, message, fingerprint, thread_id, run_id)
    values ('deliver', ${code}, '', 'Refused.', 'f', ${id}, ${run})`.execute(db);
}

const told = async (id: string) => {
  const story = await readThreadStory(db, id);
  return {
    changes: story?.changes.map(({ threadId, runId }) => `${threadId} in ${runId}`),
    errors: story?.errors.map(({ threadId, code }) => `${threadId} ${code}`),
  };
};

test('what was written for several threads of a visitor together is told for each, and nothing of others', async () => {
  for (const id of ['t1', 't2', 't3']) await thread({ id });
  await thread({ id: 'another run', run: 3 });
  await thread({ id: 'another visitor', email: 'bob@example.com', lead: 8 });
  await thread({ id: 'not delivered', state: 'ready', lead: null, run: null, email: 'eve@example.com' });
  await change('t1', 7, 1);
  await change('t3', 7, 2);
  await change('another run', 7, 3);
  await change('another visitor', 8, 2);
  await change('of no lead', null, 2);
  expect((await told('t1')).changes).toEqual(['t1 in 1', 't3 in 2']);
  expect((await told('t2')).changes).toEqual(['t3 in 2']);
  expect((await told('t3')).changes).toEqual(['t3 in 2']);
  expect((await told('another visitor')).changes).toEqual(['another visitor in 2']);
  expect((await told('not delivered')).changes).toEqual([]);
});

test('what went wrong with several threads of a visitor together is told for each, but for the death of another', async () => {
  const { rows } = await sql<{ id: number }>`insert into livechat_marketo.run (job, trigger)
    values ('sync', 'manual'), ('sync', 'manual') returning id`.execute(db);
  const [before = 0, run = 0] = rows.map(({ id }) => id);
  for (const id of ['t1', 't2']) await thread({ id, state: 'dead', lead: null, run });
  await thread({ id: 'another visitor', state: 'dead', lead: null, email: 'bob@example.com', run });
  await error('t2', before);
  await error('t2', run);
  await error('t1', run, 'thread-dead');
  await error('t2', run, 'thread-dead');
  expect((await told('t1')).errors).toEqual(['t2 lead-refused', 't1 thread-dead']);
  expect((await told('t2')).errors).toEqual(['t2 lead-refused', 't2 lead-refused', 't2 thread-dead']);
  expect((await told('another visitor')).errors).toEqual([]);
});

test('of a person who was forgotten, none of their threads tells anything', async () => {
  for (const id of ['t1', 't2']) await thread({ id });
  await change('t2', 7, 2);
  await forget(db, 'ann@example.com');
  for (const id of ['t1', 't2']) expect((await told(id)).changes).toEqual([]);
});
