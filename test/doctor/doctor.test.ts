import { afterAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openMailbox } from '../digest/mailbox.ts';
import { emptyDatabase, testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { DEFAULT_CLIENT } from '../sandbox/marketo/server.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment, startService } from '../services.ts';

const { db, url, empty } = await testDatabase();
const reader = { ...DEFAULT_CLIENT, clientId: 'reader', clientSecret: 'readerSecret', permissions: [] };
const sandbox = await startSandbox({ chats: 40, marketo: { clients: [DEFAULT_CLIENT, reader] } });
afterAll(() => sandbox.close());
beforeEach(empty);
const env = sandboxEnvironment(sandbox, url);

/** The doctor's findings, as `mark name` by line, beside all that it said. */
async function examined(changed: Record<string, string> = {}, args: readonly string[] = []) {
  const { code, output } = await runService('doctor', { ...env, ...changed }, args);
  const all = [...output.matchAll(/^(ok|FAIL|--) +([a-z]+) {2}/gm)].map(([, mark, name]) => `${mark} ${name}`);
  // The mail is checked whatever else is found.
  return { code, output, findings: all.slice(0, -1), mail: all.at(-1) };
}

test('where all is well it says so, check by check, and ends with 0', async () => {
  const { code, output, findings, mail } = await examined();
  expect(mail).toBe('ok mail');
  expect(findings).toEqual([
    'ok rules',
    'ok database',
    'ok schema',
    'ok livechat',
    'ok marketo',
    'ok permission',
    'ok fields',
  ]);
  expect(code).toBe(0);
  expect(output).toMatch(
    /^ok {4}livechat {4}127\.0\.0\.1:\d+ takes the token: \d+ threads of the last day, \d+ going on$/m,
  );
  expect(output.trim().split('\n')).toHaveLength(8);
});

test('a mail server that is away, or refuses the password, is a finding of its own, also without a database', async () => {
  const mailbox = await openMailbox({ auth: { user: 'user', pass: 'right' } });
  expect((await examined({ SMTP_URL: mailbox.url })).mail).toBe('ok mail');
  const refused = await examined({ SMTP_URL: mailbox.url.replace('right', 'passwordCanary') });
  expect([refused.code, refused.mail]).toEqual([77, 'FAIL mail']);
  expect(refused.output).toContain('no digest can be sent until then');
  expect(refused.output).not.toContain('passwordCanary');
  const away = await examined({ SMTP_URL: 'smtp://127.0.0.1:1', DATABASE_URL: 'postgres://user@127.0.0.1:1/none' });
  expect([away.code, away.mail, away.findings[1]]).toEqual([75, 'FAIL mail', 'FAIL database']);
  const none = await examined({ SMTP_URL: '' });
  expect([none.code, none.mail]).toEqual([0, '-- mail']);
  expect(await mailbox.mails()).toEqual([]);
});

test('it changes nothing: no lead, no run, no thread, no watermark; its calls are logged', async () => {
  const leads = sandbox.marketo.leads().length;
  await examined();
  expect(sandbox.marketo.leads()).toHaveLength(leads);
  for (const table of ['run', 'chat_thread', 'watermark', 'sync_error', 'lead_field'] as const) {
    expect([table, (await db.selectFrom(table).selectAll().execute()).length]).toEqual([table, 0]);
  }
  const calls = await db.selectFrom('marketo_call').select('endpoint').orderBy('id').execute();
  expect(calls.map(({ endpoint }) => endpoint).filter((endpoint) => endpoint !== 'identity')).toEqual([
    'usage',
    // The daily budget's own reading, before the first call that spends it.
    'usage',
    'leads-lookup',
    'describe',
  ]);
});

test('a refused token of LiveChat ends with 77, and Marketo is checked all the same', async () => {
  const { code, output, findings } = await examined({ LIVECHAT_PAT: 'wrongCanary' });
  expect(findings.slice(3)).toEqual(['FAIL livechat', 'ok marketo', 'ok permission', 'ok fields']);
  expect(code).toBe(77);
  expect(output).not.toContain('wrongCanary');
});

test('a refused client of Marketo ends with 77, and what it is needed for is said not to be checked', async () => {
  const { code, output, findings } = await examined({ MARKETO_CLIENT_SECRET: 'wrongCanary' });
  expect(findings.slice(3)).toEqual(['ok livechat', 'FAIL marketo', '-- permission', '-- fields']);
  expect(code).toBe(77);
  expect(output).not.toContain('wrongCanary');
});

test('a client without the permission to read leads is told from a refused one', async () => {
  const credentials = { MARKETO_CLIENT_ID: reader.clientId, MARKETO_CLIENT_SECRET: reader.clientSecret };
  const { code, findings } = await examined(credentials);
  expect(findings.slice(4)).toEqual(['ok marketo', 'FAIL permission', '-- fields']);
  expect(code).toBe(77);
});

test('a field that Marketo does not have ends with 78 and names its line', async () => {
  const rules = rulesFile('version: 1\nfields:\n  - { field: phoen, from: visitor.phone, write: if-empty }\n');
  const { code, output, findings } = await examined({ RULES_FILE: rules });
  expect(findings.at(-1)).toBe('FAIL fields');
  expect(output).toMatch(/line 3: phoen does not exist in this Marketo/);
  expect(code).toBe(78);
});

test('rules that do not hold end with 78, and everything else is checked', async () => {
  const { code, findings } = await examined({ RULES_FILE: rulesFile('version: 2\n') });
  expect(findings).toEqual([
    'FAIL rules',
    'ok database',
    'ok schema',
    'ok livechat',
    'ok marketo',
    'ok permission',
    '-- fields',
  ]);
  expect(code).toBe(78);
});

test('a database that is away ends with 75, one without the schema with 78', async () => {
  const away = await examined({ DATABASE_URL: 'postgres://user:passwordCanary@127.0.0.1:1/none' });
  expect(away.findings).toEqual([
    'ok rules',
    'FAIL database',
    '-- schema',
    '-- livechat',
    '-- marketo',
    '-- permission',
    '-- fields',
  ]);
  expect(away.code).toBe(75);
  expect(away.output).not.toContain('passwordCanary');

  const bare = await emptyDatabase();
  try {
    const { code, findings } = await examined({ DATABASE_URL: bare.url });
    expect(findings.slice(1)).toEqual([
      'ok database',
      'FAIL schema',
      '-- livechat',
      '-- marketo',
      '-- permission',
      '-- fields',
    ]);
    expect(code).toBe(78);
  } finally {
    await bare.drop();
  }
});

test('it waits for a schema that is being migrated, and says what is wrong where that takes too long', async () => {
  const bare = await emptyDatabase();
  onTestFinished(bare.drop);
  const waiting = startService('doctor', { ...env, DATABASE_URL: bare.url, RULES_FILE: 'rules.yaml' }, [
    '--wait',
    '2m',
  ]);
  await vi.waitUntil(() => waiting.output().includes('It is tried again every second'), { timeout: 20_000 });
  await runService('migrate', { DATABASE_URL: bare.url });
  const { code, output } = await waiting.ended;
  expect([code, output]).toEqual([0, expect.stringMatching(/^ok {4}schema/m)]);
  expect(output.match(/tried again/g)).toHaveLength(1);

  const other = { DATABASE_SCHEMA: 'other', DATABASE_WAIT: '1s' };
  expect(await examined(other)).toMatchObject({
    code: 78,
    output: expect.stringMatching(/^FAIL {2}schema .*run migrate first/m),
  });
});

test('a configuration that does not hold ends with 78 and every problem at once; --help says what is checked', async () => {
  const { code, output } = await examined({ LIVECHAT_PAT: '', MARKETO_ENDPOINT: 'http://far.example.com' });
  expect(code).toBe(78);
  expect(output).toMatch(/LIVECHAT_PAT is not set.*MARKETO_ENDPOINT must be https:/s);
  const help = await examined({}, ['--help']);
  expect(help.code).toBe(0);
  expect(help.output).toMatch(/^Usage: doctor/);
});
