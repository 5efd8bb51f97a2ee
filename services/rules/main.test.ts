import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { withEveryRule } from '../../test/every-rule.ts';
import { describe as describeAnswer, instanceFields } from '../../test/sandbox/marketo/fields.ts';

const folder = mkdtempSync(join(tmpdir(), 'rules-command-'));
const file = (name: string, content: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

const RULES = file('every.yaml', withEveryRule(readFileSync('rules.yaml', 'utf8')));
const DESCRIBE = file('describe.json', { success: true, result: describeAnswer(instanceFields()) });
const BARE = file('bare.json', { success: true, result: describeAnswer(instanceFields([])) });
const CHAT = {
  id: 'C',
  users: [
    {
      id: 'u',
      type: 'customer',
      name: 'Ann \u001b[31mLee',
      email: 'ann@example.com',
      phone_number: '020 7946 0958',
      statistics: { threads_count: 3 },
      visit: { geolocation: { country: 'United Kingdom', country_code: 'GB', city: 'London' } },
    },
  ],
  thread: { id: 'T', active: false, created_at: '2026-11-23T14:07:11.383001Z', tags: ['sale'] },
};
const THREAD = file('chat.json', CHAT);
const LEAD = file('lead.json', {
  result: [{ id: 7, firstName: 'A', country: 'Peru', lastChatAt: null, chatCount: 5 }],
});

async function rules(...args: string[]) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['services/rules/main.ts', ...args]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error)) throw error;
    return { code: error.code, stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

test('check says that a file holds, and against which fields', async () => {
  expect(await rules('check', 'rules.yaml')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('rules.yaml holds: 5 rules'),
  });
  expect(await rules('check', RULES, '--describe', DESCRIBE)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('and fits'),
  });
});

test('check tells every mistake with file and line, and ends with 78', async () => {
  const bad = file(
    'bad.yaml',
    'version: 1\nfields:\n  - { field: x, form: visitor.name, write: always }\n  - { field: y, from: visitor.nme, write: always }\n',
  );
  const { code, stdout } = await rules('check', bad);
  expect(code).toBe(78);
  expect(stdout).toContain(`${bad}:3  rule "x", form is not a key here; did you mean from?`);
  expect(stdout).toContain(`${bad}:4  rule "y", from: visitor.nme is not a path; did you mean visitor.name?`);
  const inJson = await rules('check', bad, '--json');
  expect(inJson.code).toBe(78);
  expect(JSON.parse(inJson.stdout)).toMatchObject({ holds: false, mistakes: [{ line: 3 }, { line: 4 }] });
});

test('check finds what a Marketo without the custom fields lacks', async () => {
  const { code, stdout } = await rules('check', RULES, '--describe', BARE);
  expect(code).toBe(78);
  expect(stdout).toContain('lastChatAt does not exist in this Marketo');
  expect(await rules('check', 'rules.yaml', '--describe', BARE)).toMatchObject({ code: 0 });
});

test('explain shows what would be written to a lead, and why the rest is left alone', async () => {
  const { code, stdout } = await rules('explain', RULES, '--thread', THREAD, '--lead', LEAD, '--describe', DESCRIBE);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^The lead is updated\./);
  expect(stdout).toMatch(/phone +\(empty\) +\+442079460958 +if-empty +phone/);
  expect(stdout).toMatch(/city +the lead has a value of its own in country +location/);
  expect(stdout).toMatch(/chatCount +the lead’s value is at least as great +chatCount/);
  // What a visitor is called is no command to the terminal.
  expect(stdout).not.toContain('\u001b');
});

test('explain says which fields it takes for empty because the lead’s file lacks them', async () => {
  const half = file('half.json', JSON.stringify({ id: 1, email: 'ann@example.com', country: 'Norway' }));
  const { code, stdout } = await rules('explain', 'rules.yaml', '--thread', THREAD, '--lead', half);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/lacks leadSource, firstName, .*: taken for empty\./)]);
  expect(stdout).not.toMatch(/lacks .*country.*: taken/);
  const inJson = await rules('explain', 'rules.yaml', '--thread', THREAD, '--lead', half, '--json');
  expect(JSON.parse(inJson.stdout).takenForEmpty).toEqual([
    'leadSource',
    'firstName',
    'lastName',
    'phone',
    'state',
    'city',
  ]);
  const whole = await rules('explain', RULES, '--thread', THREAD, '--json');
  expect(JSON.parse(whole.stdout).takenForEmpty).toEqual([]);
});

test('explain in JSON, of a new visitor, from a visit as the ledger keeps it', async () => {
  const visit = file('visit.json', {
    visitor: { email: 'a@example.com', firstName: 'Ann' },
    thread: {},
    chat: {},
    form: {},
  });
  const { code, stdout } = await rules('explain', 'rules.yaml', '--thread', visit, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    lead: 'new',
    changes: [
      { field: 'leadSource', from: null, to: 'LiveChat', rule: 'leadSource', mode: 'on-create' },
      { field: 'firstName', from: null, to: 'Ann', rule: 'firstName', mode: 'if-empty' },
    ],
    guessed: true,
  });
});

test('explain says why a thread is ignored', async () => {
  const spam = file('spam.json', { ...CHAT, thread: { ...CHAT.thread, tags: ['spam'] } });
  expect(await rules('explain', 'rules.yaml', '--thread', spam)).toMatchObject({
    code: 0,
    stdout: 'The thread is ignored: spam.\n',
  });
  const nobody = file('nobody.json', { ...CHAT, users: [] });
  expect(await rules('explain', 'rules.yaml', '--thread', nobody)).toMatchObject({
    stdout: 'The thread is ignored: no-address.\n',
  });
});

test.each<[string[], number, RegExp]>([
  [[], 64, /A command is missing/],
  [['chek', 'rules.yaml'], 64, /"chek" is not a command/],
  [['check'], 64, /needs the rules file/],
  [['check', 'a', 'b'], 64, /one too many/],
  [['check', 'rules.yaml', '--thread', 'x'], 64, /belong to explain/],
  [['check', 'rules.yaml', '--lod'], 64, /--lod/],
  [['explain', 'rules.yaml'], 64, /needs --thread/],
  [['check', '/nowhere.yaml'], 64, /cannot be read \(ENOENT\)/],
  [['explain', 'rules.yaml', '--thread', '/nowhere.json'], 64, /cannot be read/],
  [['explain', 'rules.yaml', '--thread', 'rules.yaml'], 64, /is not JSON/],
  [['explain', 'rules.yaml', '--thread', DESCRIBE], 64, /get_chat/],
  [['check', 'rules.yaml', '--describe', THREAD], 64, /describe.json/],
  [['explain', RULES, '--thread', THREAD, '--describe', BARE], 78, /do not fit/],
])('%j ends with %i', async (args, code, says) => {
  const result = await rules(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(says);
  expect(result.stdout).toBe('');
});

test('--help tells both commands', async () => {
  expect(await rules('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/rules check FILE.*rules explain FILE/s),
  });
});
