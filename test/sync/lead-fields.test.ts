import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { testDatabase } from '../postgres/database.ts';
import { proxyTo } from '../proxy.ts';
import { rulesFile } from '../rules-file.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../services.ts';
import { ago, syncHere } from './in-process.ts';

const { db, url, empty } = await testDatabase();
beforeEach(empty);

const RULES = rulesFile(`version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: chatTags, from: thread.tags, write: always }
  - group: place
    write: if-empty
    fields:
      - { field: country, from: visitor.location.country }
      - { field: city, from: visitor.location.city }
`);

async function world(chats = 60) {
  const sandbox = await startSandbox({ chats, timeScale: 100 });
  onTestFinished(() => sandbox.close());
  const env = {
    ...sandboxEnvironment(sandbox, url),
    SYNC_FROM: ago(Date.now(), 8 * 86_400_000),
    SYNC_SETTLE: '1s',
    MARKETO_WINDOW_SECONDS: '1',
    RULES_FILE: RULES,
  };
  return { sandbox, env };
}

const gone = () =>
  db.selectFrom('sync_error').select(['message', 'run_id']).where('code', '=', 'lead-field-gone').execute();

test('Describe is asked once a day, not once a run', async () => {
  const { sandbox, env } = await world();
  for (let run = 0; run < 3; run += 1) await syncHere(db, env);
  expect(sandbox.marketo.report().byEndpoint['describe']).toBe(1);
  await db
    .updateTable('lead_field')
    .set({ described_at: ago(Date.now(), 90_000_000) as never })
    .execute();
  await syncHere(db, env);
  expect(sandbox.marketo.report().byEndpoint['describe']).toBe(2);
});

test('a field that goes between two runs is one error for each run, and the other rules go on', async () => {
  const { sandbox, env } = await world(80);
  await syncHere(db, { ...env, SYNC_TO: ago(Date.now(), 4 * 86_400_000) });
  const before = sandbox.marketo.leads().length;
  sandbox.marketo.removeField('chatTags');
  sandbox.marketo.removeField('city');
  const { code } = await syncHere(db, env);
  expect(code).toBe(0);
  const created = sandbox.marketo.leads().slice(before);
  expect(created.length).toBeGreaterThan(5);
  for (const lead of created) expect(lead).toMatchObject({ leadSource: 'LiveChat', country: null });
  expect(await gone()).toMatchObject([
    { message: expect.stringMatching(/chatTags, city: the rules "chatTags", "place"/) },
  ]);
  expect(await db.selectFrom('chat_thread').select('thread_id').where('state', '=', 'ready').execute()).toEqual([]);
  // It is still gone, and still no typo.
  await syncHere(db, env);
  expect(await gone()).toHaveLength(2);
});

test('where every rule has lost a field, the run ends and no bare lead is created', async () => {
  const { sandbox, env } = await world(80);
  await syncHere(db, { ...env, SYNC_TO: ago(Date.now(), 4 * 86_400_000) });
  const before = sandbox.marketo.leads().length;
  for (const field of ['leadSource', 'chatTags', 'city']) sandbox.marketo.removeField(field);
  // Once more: what was described in between does not make it forget that the fields were there.
  for (let run = 0; run < 2; run += 1) {
    await expect(syncHere(db, env)).rejects.toMatchObject({
      exitCode: 78,
      code: 'lead-field-gone',
      message: expect.stringMatching(/no longer has leadSource, chatTags, city, and no rule is left/),
    });
  }
  expect(sandbox.marketo.leads()).toHaveLength(before);
});

test('a Describe without fields costs no rule, and nothing is written until there is a better one', async () => {
  const { sandbox, env } = await world();
  let isEmpty = false;
  const nothing = JSON.stringify({ requestId: '1#2', success: true, result: [] });
  const url = await proxyTo(sandbox.marketo.url, (request) =>
    isEmpty && request.url.includes('/describe') ? nothing : undefined,
  );
  const through = { ...env, MARKETO_ENDPOINT: url };
  await syncHere(db, { ...through, SYNC_TO: ago(Date.now(), 4 * 86_400_000) });
  const before = sandbox.marketo.leads().length;
  await db
    .updateTable('lead_field')
    .set({ described_at: ago(Date.now(), 90_000_000) as never })
    .execute();
  isEmpty = true;
  await expect(syncHere(db, through)).rejects.toMatchObject({ exitCode: 75, code: 'marketo-answer' });
  expect(sandbox.marketo.leads()).toHaveLength(before);
  isEmpty = false;
  await syncHere(db, through);
  expect(sandbox.marketo.leads().length).toBeGreaterThan(before);
  for (const lead of sandbox.marketo.leads()) expect(lead).toMatchObject({ leadSource: 'LiveChat' });
  expect(await gone()).toEqual([]);
});

test('a field that never was there is a mistake in the rules, also where other fields are remembered', async () => {
  const { sandbox, env } = await world();
  await syncHere(db, env);
  const typo = rulesFile('version: 1\nfields: [{ field: chatTag, from: thread.tags, write: always }]\n');
  await expect(syncHere(db, { ...env, RULES_FILE: typo })).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining('did you mean chatTags'),
  });
  expect(sandbox.marketo.report().byEndpoint['describe']).toBe(2);
});
