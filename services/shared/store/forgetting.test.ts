import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import { forget, forgottenAddresses } from './forgetting.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

/** A person with every character that a regular expression or a replacement could take for its own. */
const ANN = "ann.o'hara+c(h)at$1\\1*@canary.example";

async function thread(id: string, columns: Partial<Record<'state' | 'email' | 'customer' | 'visitor', string | null>>) {
  const { state = 'synced', email = null, customer = null, visitor = '{}' } = columns;
  await sql`insert into livechat_marketo.chat_thread (thread_id, chat_id, customer_id, email, visitor, started_at, ended_at,
      state, content_hash, lead_id, next_attempt_at, reason, first_seen_at, updated_at)
    values (${id}, 'C', ${customer}, ${email}, ${visitor}, now(), now(), ${state}, ${`hash ${id}`}, ${id.length}, now(), null, now(), now())`.execute(
    db,
  );
  await sql`insert into livechat_marketo.lead_change (run_id, thread_id, lead_id, action, changes)
    values (1, ${id}, ${id.length}, 'created', '[{"field": "firstName", "to": "Name Canary"}]')`.execute(db);
}

const ledger = async () => {
  const rows = await db.selectFrom('chat_thread').selectAll().orderBy('thread_id').execute();
  return Object.fromEntries(rows.map((row) => [row.thread_id, row]));
};

/** Every row of every table, as text. */
async function everything(): Promise<string> {
  const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables
    where schemaname = 'livechat_marketo' and tablename not like 'kysely%'`.execute(db);
  const texts = await Promise.all(
    rows.map(async ({ name }) => {
      const table = sql.table(`livechat_marketo.${name}`);
      const found = await sql<{ text: string }>`select row_to_json(one)::text as text from ${table} one`.execute(db);
      return found.rows.map(({ text }) => text).join('\n');
    }),
  );
  return texts.join('\n');
}

describe('a person who is to be forgotten', () => {
  test('is in no table any more, whatever the state of their threads; others keep what is theirs', async () => {
    for (const state of ['open', 'ready', 'synced', 'ignored', 'dead']) {
      const visitor = JSON.stringify({ visitor: { email: ANN, name: 'Name Canary' } });
      await thread(state, { state, email: state === 'open' ? ANN.toUpperCase() : ANN, customer: 'K', visitor });
    }
    await thread('nameless thread', {
      state: 'ignored',
      customer: 'K',
      visitor: '{"visitor": {"name": "Name Canary"}}',
    });
    await thread('of another on the same computer', {
      email: 'bob@example.com',
      customer: 'K',
      visitor: '{"name": "Bob"}',
    });
    const mentioning = JSON.stringify({ form: { q: `Write to ${ANN}, please` }, name: 'Eve' });
    await thread('of another who names them', { state: 'ready', email: 'eve@example.com', visitor: mentioning });
    await sql`update livechat_marketo.lead_change set changes = '[{"field": "firstName", "to": "Bob"}]' where thread_id like 'of another%'`.execute(
      db,
    );
    await sql`insert into livechat_marketo.sync_error (stage, code, subject, message, fingerprint, thread_id, lead_id) values
      ('deliver', 'lead-refused', '', 'Refused.', 'f', 'dead', 4), ('deliver', 'lead-refused', '', ${`Refused ${ANN}.`}, 'f', null, null),
      ('deliver', 'lead-refused', '', 'Of another.', 'f', 'T', 4711)`.execute(db);
    await sql`insert into livechat_marketo.run (job, trigger, error) values ('sync', 'manual', ${`Could not write ${ANN}`})`.execute(
      db,
    );
    await sql`insert into livechat_marketo.digest (local_date, state, message_id, recipients, error_count, mail)
      values ('2026-11-20', 'sent', '<1@x>', ${JSON.stringify(['ops@example.com', ANN])}, 1, ${JSON.stringify({ text: `To ${ANN}` })})`.execute(
      db,
    );

    expect(await forget(db, `  ${ANN.toUpperCase()} `)).toEqual({
      chat_thread: 7,
      lead_change: 6,
      sync_error: 2,
      run: 1,
      digest: 1,
      again: false,
    });

    expect(await everything()).not.toMatch(/canary/i);
    const rows = await ledger();
    for (const state of ['open', 'ready', 'synced', 'ignored', 'dead', 'nameless thread']) {
      const synced = state === 'synced';
      expect(rows[state]).toMatchObject({
        state: synced ? 'synced' : 'ignored',
        reason: synced ? null : 'forgotten',
        content_hash: `hash ${state}`,
        email: null,
        customer_id: null,
        visitor: null,
        lead_id: null,
        next_attempt_at: null,
      });
    }
    expect(rows['of another on the same computer']).toMatchObject({
      email: 'bob@example.com',
      visitor: { name: 'Bob' },
    });
    expect(rows['of another who names them']).toMatchObject({
      state: 'ready',
      visitor: { form: { q: 'Write to , please' }, name: 'Eve' },
    });
    expect(await db.selectFrom('lead_change').select('thread_id').execute()).toHaveLength(2);
    const errors = await db.selectFrom('sync_error').select(['message', 'lead_id']).orderBy('id').execute();
    expect(errors).toEqual([
      { message: 'Refused.', lead_id: null },
      { message: 'Refused •••.', lead_id: null },
      { message: 'Of another.', lead_id: 4711 },
    ]);
    const digests = await db.selectFrom('digest').select(['recipients', 'mail', 'message_id']).execute();
    expect(digests).toEqual([
      { recipients: ['ops@example.com', '•••'], mail: { text: 'To •••' }, message_id: '<1@x>' },
    ]);
  });

  test.each(['\n', '\r\n', '\t', '\b', '\f', '\u0001', '\u001f', '"', '\\', '\\n', '\\u000a', ' ', '<', '/'])(
    'is found behind %j too, in what another has said and in what was written of it',
    async (before) => {
      const said = `write to:${before}ann@example.com${before}please`;
      await thread('T', { state: 'ready', email: 'eve@example.com', visitor: JSON.stringify({ form: { q: said } }) });
      const written = JSON.stringify([{ field: 'notes', from: said, to: `${said} soon`, rule: 'notes' }]);
      await sql`update livechat_marketo.lead_change set changes = ${written}`.execute(db);
      expect(await forget(db, 'Ann@example.com')).toMatchObject({ chat_thread: 1, lead_change: 1 });
      expect(await everything()).not.toMatch(/ann@/i);
      expect((await ledger())['T']?.visitor).toEqual({ form: { q: `write to:${before}${before}please` } });
      const [change] = await db.selectFrom('lead_change').select('changes').execute();
      const left = `write to:${before}•••${before}please`;
      expect(change?.changes).toEqual([{ field: 'notes', from: left, to: `${left} soon`, rule: 'notes' }]);
    },
  );

  test('is not taken for somebody whose address has theirs in it', async () => {
    const others = [
      'joann@example.com',
      'j.ann@example.com',
      'ann@example.com.au',
      'ann@example.community',
      'annX@example.com',
    ];
    for (const [index, email] of others.entries()) {
      await thread(`T${index}`, { state: 'ready', email, visitor: JSON.stringify({ email }) });
    }
    await sql`insert into livechat_marketo.sync_error (stage, code, subject, message, fingerprint)
      values ('run', 'c', '', ${others.join(' ')}, 'f')`.execute(db);
    const before = await everything();
    expect(await forget(db, 'ann@example.com')).toMatchObject({ chat_thread: 0, lead_change: 0, sync_error: 0 });
    const after = await everything();
    for (const line of before.split('\n').filter((each) => each !== '')) expect(after).toContain(line);
  });

  test('whom nobody knows leaves a hash and nothing else; a second time is told', async () => {
    expect(await forget(db, ANN)).toMatchObject({ chat_thread: 0, again: false });
    expect(await forget(db, ANN)).toMatchObject({ chat_thread: 0, again: true });
    expect(await db.selectFrom('forgotten_address').selectAll().execute()).toHaveLength(1);
    expect(await everything()).not.toMatch(/canary/i);
  });
});

describe('who was forgotten', () => {
  test('is found again by the address, in any case, with when that was, and nobody else is', async () => {
    expect(await forgottenAddresses(db, [ANN])).toEqual(new Map());
    await forget(db, ANN);
    const found = await forgottenAddresses(db, [` ${ANN.toUpperCase()}`, 'bob@example.com', '']);
    expect([...found]).toEqual([[ANN, expect.stringMatching(/^\d{4}-.*Z$/)]]);
    expect(await forgottenAddresses(db, [])).toEqual(new Map());
  });

  test('keeps the instant at which that was first said', async () => {
    await forget(db, ANN);
    const first = await forgottenAddresses(db, [ANN]);
    await forget(db, ANN);
    expect(await forgottenAddresses(db, [ANN])).toEqual(first);
  });

  test('is hashed with a key of this installation: the same address is another hash elsewhere', async () => {
    const hash = async () => (await db.selectFrom('forgotten_address').select('hash').executeTakeFirstOrThrow()).hash;
    await forget(db, ANN);
    const here = await hash();
    await empty();
    await forget(db, ANN);
    expect(here).toMatch(/^[0-9a-f]{64}$/);
    expect(await hash()).not.toBe(here);
  });
});
