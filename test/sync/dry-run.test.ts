import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { instantOf } from '../../services/shared/runtime/instant.ts';
import { RETENTION_STEPS } from '../../services/shared/store/retention.ts';
import { testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment } from '../services.ts';
import { ago, syncHere } from './in-process.ts';

const { db, url, empty } = await testDatabase();
const sandbox = await startSandbox({ chats: 300, timeScale: 100 });
afterAll(() => sandbox.close());

const env = {
  ...sandboxEnvironment(sandbox, url),
  SYNC_FROM: ago(Date.now(), 8 * 86_400_000),
  SYNC_SETTLE: '1s',
  MARKETO_WINDOW_SECONDS: '1',
  RULES_FILE: rulesFile(`version: 1
eligible:
  - reason: spam
    when: '!("spam" in thread.tags)'
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: firstName, from: visitor.firstName, write: if-empty }
  - { field: lastName, from: visitor.lastName, write: if-empty }
  - { field: chatTags, from: thread.tags, write: always }
`),
};

beforeEach(async () => {
  sandbox.reset();
  await empty();
});

const printed = z.object({
  kind: z.string(),
  address: z.string().optional(),
  leadId: z.number().nullish(),
  changes: z
    .array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown(), rule: z.string(), mode: z.string() }))
    .optional(),
  leftAlone: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
  create: z.number().optional(),
  update: z.number().optional(),
  ignored: z.record(z.string(), z.number()).optional(),
  lookupCalls: z.number().optional(),
  writeCalls: z.number().optional(),
});

async function plan(args: string[] = []) {
  const ended = await runService('sync', env, ['--dry-run', '--json', ...args]);
  expect(ended.code, ended.output.slice(-1000)).toBe(0);
  const lines = ended.output.split('\n').filter((line) => line.startsWith('{"kind"'));
  return { output: ended.output, lines: lines.map((line) => printed.parse(JSON.parse(line))) };
}

async function everything() {
  const tables = ['chat_thread', 'watermark', 'run', 'sync_error', 'lead_change', 'digest', 'lease'] as const;
  const rows = await Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
  return { rows, leads: sandbox.marketo.leads() };
}

test('a dry run changes nothing, and the run after it does exactly what it said', async () => {
  const known = sandbox.livechat.archive.threads().flatMap(({ spec }) => spec.customer?.email ?? []);
  sandbox.marketo.addLeads(
    [...new Set(known.map((email) => email.toLowerCase()))]
      .filter((_, index) => index % 3 === 0)
      .map((email, index) => (index % 2 ? { email, firstName: 'Known' } : { email })),
  );
  const before = await everything();
  const { lines } = await plan(['--show-values']);
  expect(await everything()).toEqual(before);
  expect(sandbox.marketo.report().byEndpoint['leads-sync']).toBeUndefined();
  const totals = lines.at(-1);
  expect(totals?.kind).toBe('totals');

  await syncHere(db, env);
  const written = await db.selectFrom('lead_change').selectAll().execute();
  const planned = lines.filter(({ kind }) => kind === 'create' || kind === 'update');
  expect(written).toHaveLength(planned.length);
  expect(written.length).toBeGreaterThan(100);
  const threads = await db.selectFrom('chat_thread').select(['thread_id', 'email']).execute();
  const addressOf = new Map(threads.map(({ thread_id, email }) => [thread_id, email?.toLowerCase()]));
  const byAddress = new Map(planned.map((line) => [line.address?.toLowerCase(), line]));
  for (const { thread_id, action, changes } of written) {
    const said = byAddress.get(addressOf.get(thread_id));
    expect(said?.kind).toBe(action === 'created' ? 'create' : 'update');
    expect(said?.changes).toEqual(changes);
  }
  const run = await db.selectFrom('run').select('counts').executeTakeFirstOrThrow();
  expect(run.counts).toMatchObject({ created: totals?.create, updated: totals?.update });
  expect(run.counts['writeCalls']).toBeLessThanOrEqual((totals?.writeCalls ?? 0) + 1);
  for (const [reason, count] of Object.entries(totals?.ignored ?? {})) {
    expect(run.counts[`ignored:${reason}`], reason).toBe(count);
  }
}, 60_000);

test('the cost comes first, and a second plan after the run has nothing to write', async () => {
  const { lines } = await plan();
  expect(lines[0]).toMatchObject({ kind: 'estimate' });
  await syncHere(db, env);
  const again = await plan();
  expect(again.lines.at(-1)).toMatchObject({ kind: 'totals', create: 0, update: 0, writeCalls: 0 });
});

test('what waits in the ledger is planned together with what is new', async () => {
  sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'code', code: '607' }, times: 1 });
  await syncHere(db, env);
  const { lines } = await plan();
  const waiting = await db.selectFrom('chat_thread').select('thread_id').where('state', '=', 'ready').execute();
  expect(waiting.length).toBeGreaterThan(100);
  expect(lines.at(-1)?.create).toBeGreaterThan(100);
});

test('where the output is no terminal, addresses and values are masked', async () => {
  const { output } = await plan();
  const { archive } = sandbox.livechat;
  const people = archive.threads().flatMap(({ spec }) => spec.customer ?? []);
  expect(people.length).toBeGreaterThan(100);
  for (const { email, name } of people) {
    if (email) expect(output).not.toContain(email);
    if (name && name.length > 6) expect(output).not.toContain(`"${name.split(' ').at(-1)}"`);
  }
});

test('on paper it is a table: each field from → to with its rule and mode, and why the others are left alone', async () => {
  sandbox.reset();
  const ended = await runService('sync', { ...env, SYNC_SHOW_VALUES: 'true' }, ['--dry-run']);
  expect(ended.output).toMatch(/^Dry run: nothing is written/m);
  expect(ended.output).toMatch(/A run would cost\s+about [\d,]+ calls to LiveChat/);
  expect(ended.output).toMatch(/^create {2}\S+@\S+ {2}\(threads \w+/m);
  expect(ended.output).toMatch(/leadSource\s+\(empty\) → LiveChat\s+rule leadSource, on-create/);
  expect(ended.output).toMatch(/chatTags\s+left alone\s+the visitor has no value for it/);
  expect(ended.output).toMatch(/^Leads to create\s+[\d,]+$/m);
});

test.each([
  ['--from', '2026-13-01'],
  ['--to', 'yesterday'],
  ['--audit', '2026-02-30'],
])('a flag that no setting takes is 64, by the flag’s name: %s %s', async (flag, value) => {
  const { code, output } = await runService('sync', env, [flag, value]);
  expect([code, output]).toEqual([64, expect.stringMatching(new RegExp(`${flag} .*Try --help`))]);
  expect(output).not.toContain('SYNC_');
});

test('an audit cannot be a dry run', async () => {
  expect((await runService('sync', env, ['--dry-run', '--audit', '2026-01-31'])).code).toBe(64);
});

const LONG_AGO = instantOf(0);
const CUTOFFS = {
  visitors: LONG_AGO,
  errors: LONG_AGO,
  changes: LONG_AGO,
  calls: LONG_AGO,
  runs: LONG_AGO,
  digests: LONG_AGO,
  readAgainFrom: LONG_AGO,
};

test('--explain tells where a thread stands, what was written for it by which rule, and what the rules say now', async () => {
  await syncHere(db, env);
  const { thread_id: id, lead_id: lead } = await db
    .selectFrom('lead_change')
    .select(['thread_id', 'lead_id'])
    .executeTakeFirstOrThrow();
  const before = await everything();
  const told = await runService('sync', { ...env, SYNC_SHOW_VALUES: 'true' }, ['--thread', id, '--explain']);
  expect(told.code, told.output).toBe(0);
  expect(told.output).toMatch(new RegExp(`^State +synced lead ${lead}, since `, 'm'));
  expect(told.output).toMatch(/created \d+ +leadSource +\(empty\) → LiveChat +rule leadSource, on-create/);
  expect(told.output).toContain('Nothing went wrong with it.');
  expect(told.output).toMatch(/leadSource +left alone +the lead exists, and the rule writes to new leads only/);
  const masked = await runService('sync', env, ['--thread', id, '--explain', '--json']);
  const { email } = await db
    .selectFrom('chat_thread')
    .select('email')
    .where('thread_id', '=', id)
    .executeTakeFirstOrThrow();
  expect(masked.output).not.toContain(email);
  expect(await everything()).toEqual(before);

  const nameless = await db
    .selectFrom('chat_thread')
    .select('thread_id')
    .where('reason', '=', 'no-address')
    .executeTakeFirstOrThrow();
  const ignored = await runService('sync', env, ['--thread', nameless.thread_id, '--explain']);
  expect(ignored.output).toMatch(/^State +ignored \(no-address\)/m);
  expect((await runService('sync', env, ['--thread', 'NOWHERE', '--explain'])).code).toBe(64);
  expect((await runService('sync', env, ['--thread', id])).code).toBe(64);

  // Several threads of one visitor are one write, which is kept under the last of them.
  const together = await sql<{ earlier: string; last: string }>`
    select earlier.thread_id as earlier, change.thread_id as last
    from livechat_marketo.chat_thread earlier
      join livechat_marketo.lead_change change using (run_id, lead_id)
    where not exists (select 1 from livechat_marketo.lead_change own where own.thread_id = earlier.thread_id)`.execute(
    db,
  );
  const [pair] = together.rows;
  expect(pair).toBeDefined();
  const shared = await runService('sync', env, ['--thread', pair?.earlier ?? '', '--explain']);
  expect(shared.output).not.toContain('Nothing was written for it.');
  expect(shared.output).toContain(`(kept under thread ${pair?.last}, delivered together)`);

  // Once the visitor's data was erased, which fields were written by which rules is still told.
  const future = instantOf(Date.now() + 86_400_000);
  await RETENTION_STEPS.visitors(db, { ...CUTOFFS, visitors: future, readAgainFrom: future }, 10_000);
  const erased = await runService('sync', { ...env, SYNC_SHOW_VALUES: 'true' }, ['--thread', id, '--explain']);
  expect(erased.code, erased.output).toBe(0);
  expect(erased.output).toMatch(/^Address +none$/m);
  expect(erased.output).toMatch(/created \d+ +leadSource +values erased +rule leadSource, on-create/);
});
