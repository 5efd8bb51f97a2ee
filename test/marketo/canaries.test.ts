import pg from 'pg';
import { default as PostalMime } from 'postal-mime';
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { openDoorkeeper } from '../digest/mailbox.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import type { Fault } from '../sandbox/faults.ts';
import type { ThreadSpec } from '../sandbox/livechat/spec.ts';
import { LIVECHAT_ACCOUNT, startSandbox } from '../sandbox/sandbox.ts';
import { type Ended, sandboxEnvironment, startService } from '../services.ts';
import { findWords, formsOf } from './canary-search.ts';
import { type ProxyAnswer, recordingProxy, type Seen } from './recording-proxy.ts';

const { db, url } = await testDatabase();
const MARKETO_CLIENT = {
  clientId: 'sekret-client-id-5b1d',
  clientSecret: 'sekret+client/secret&9c=e2%',
  user: 'api@shop.example',
  permissions: ['read', 'write'],
} as const;
const sandbox = await startSandbox({
  timeScale: 20,
  marketo: { clients: [MARKETO_CLIENT], behaviour: { refuseValues: [{ field: 'lastName', pattern: /refused/i }] } },
});
afterAll(() => sandbox.close());
const marketo = await recordingProxy(sandbox.marketo.url);
const livechat = await recordingProxy(sandbox.livechat.url);
afterAll(() => Promise.all([marketo.close(), livechat.close()]));

const DATABASE_PASSWORD = 'sekret@data/base:pass%word';
const SMTP_PASSWORD = 'sekret:smtp/pass?word';
const databaseRole = await roleWithPassword(DATABASE_PASSWORD);
afterAll(() => databaseRole.drop());

const SECRETS: [name: string, secret: string][] = [
  ['Marketo’s client id', MARKETO_CLIENT.clientId],
  ['Marketo’s client secret', MARKETO_CLIENT.clientSecret],
  ['LiveChat’s token', LIVECHAT_ACCOUNT.pat],
  ['LiveChat’s account id', LIVECHAT_ACCOUNT.accountId],
  ['the database’s password', DATABASE_PASSWORD],
  ['the mail server’s password', SMTP_PASSWORD],
];

/** Words of visitors: each piece of what they gave or were written has one of its own. */
const VISITORS = new Map(
  [
    'kanarifirst',
    'kanarilast',
    'kanarimail',
    'kanaridomain',
    '4955501472',
    'kanaristreet',
    'kanaricity',
    'kanariplace',
    'kanarikey',
    'kanarivalue',
    'kanarianswer',
    'kanarichoice',
    'kanarimessage',
    'kanarisystem',
    'kanaritag',
    'kanarinote',
    'kanarirating',
    'kanariurl',
    'kanarireferrer',
    'kanarisummary',
    'kanarifile',
    'kanariagent',
  ].map((word) => [word, word]),
);

const rules = rulesFile(
  `version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: firstName, from: visitor.firstName, write: if-empty }
  - { field: lastName, from: visitor.lastName, write: if-empty }
  - { field: phone, from: visitor.phone, write: if-empty }
  - { field: city, from: visitor.location.city, write: if-empty }
  - { field: address, from: visitor.address.street, write: if-empty }
  - { field: chatTags, from: thread.tags, write: always }
  - { field: chatSourceUrl, from: thread.startUrl, write: always }
  - { field: lastChatTopic, from: form.byType.subject, write: always }
`,
);

const env: Record<string, string> = {
  ...sandboxEnvironment(sandbox, databaseRole.url),
  LIVECHAT_ENDPOINT: livechat.url,
  MARKETO_ENDPOINT: `${marketo.url}/rest`,
  SMTP_URL: sandbox.mailbox.smtpUrl.replace('//', `//postmaster:${encodeURIComponent(SMTP_PASSWORD)}@`),
  SYNC_FROM: '2020-01-01T00:00:00Z',
  SYNC_SETTLE: '1s',
  RULES_FILE: rules,
  MARKETO_WINDOW_SECONDS: '1',
  LOG_LEVEL: 'trace',
};

/** Everything that any process has written so far, with who wrote it. */
const written: { by: string; output: string }[] = [];
let batch = 0;
let threads = 0;

beforeEach(() => {
  batch += 1;
  sandbox.livechat.archive.addThreads(newThreads(batch));
});

afterEach(async () => {
  sandbox.faults.clear();
  marketo.answerInstead = undefined;
  livechat.answerInstead = undefined;
  // A write of unknown fate keeps the next run waiting for the 95 s that Marketo may work on it; here, nothing does.
  await db.deleteFrom('lease').execute();
  await onServer(url, `update ${SCHEMA}.slot set free_at = '-infinity'`);
});

describe('nothing that comes out has a secret or anything of a visitor in it', () => {
  test('where all goes well, and where some leads are refused, doubled or ignored', async () => {
    sandbox.marketo.addLeads([{ email: address('twin', batch) }, { email: address('twin', batch) }]);
    await run('sync', env, 0);
    const codes = await errorCodes();
    expect(codes).toContain('lead-refused');
    expect(codes).toContain('lead-duplicates');
    await expectNothingToldWrong();
  });

  test('the search finds it where it belongs: in the ledger and in the audit trail', async () => {
    const inLedger = findWords(await rowsOf('chat_thread'), VISITORS);
    expect(inLedger.length).toBeGreaterThan(10);
    // What was said is not kept anywhere: the rules do not see it.
    for (const word of ['kanarimessage', 'kanarinote', 'kanarisummary', 'kanarisystem']) {
      expect(inLedger.filter((found) => found.startsWith(word))).toEqual([]);
    }
    expect(findWords(await rowsOf('lead_change'), VISITORS).length).toBeGreaterThan(3);
    for (const [name, secret] of SECRETS) {
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(`user:${secret}`).toString('base64')]) {
        expect(findWords(`before ${form} after`, new Map(formsOf(secret).map((one) => [one, name])))).not.toEqual([]);
      }
    }
  });

  const echo = (seen: Seen) => `'${seen.line}' ${JSON.stringify(seen.headers)} ${decodeURIComponent(seen.body)}`;
  const page = (status: number) => (seen: Seen) => ({
    status,
    type: 'text/html',
    body: `<html><title>${echo(seen)}</title><body>${echo(seen)}</body></html>`,
  });
  const refusal =
    (code: string, status = 200) =>
    (seen: Seen) => ({
      status,
      type: 'application/json',
      body: JSON.stringify({
        requestId: '1#2',
        success: false,
        warnings: [echo(seen)],
        errors: [{ code, message: `Invalid value for field 'lastName' and value ${echo(seen)}` }],
      }),
    });
  const skipped = (code: string) => (seen: Seen) => ({
    status: 200,
    type: 'application/json',
    body: JSON.stringify({
      requestId: '1#2',
      success: true,
      result: inputOf(seen.body).map(() => ({
        status: 'skipped',
        reasons: [{ code, message: `Invalid value for field 'lastName' and value ${echo(seen)}` }],
      })),
    }),
  });
  const isLookup = ({ line }: Seen) => line.includes('_method=GET');
  const isWrite = ({ line }: Seen) => line === 'POST /rest/v1/leads.json';
  const isDescribe = ({ line }: Seen) => line.includes('/describe');
  const isUsage = ({ line }: Seen) => line.includes('/stats/');
  const isIdentity = ({ line }: Seen) => line.includes('/identity/');
  type Answer = (seen: Seen) => ProxyAnswer;

  const marketoEchoes: [name: string, which: (seen: Seen) => boolean, answer: Answer, code: number | 'stop'][] = [
    ['identity with HTTP 401', isIdentity, identityRefusal, 77],
    ['identity with a page', isIdentity, page(200), 75],
    ['describe with a page', isDescribe, page(404), 78],
    ['describe with 603', isDescribe, refusal('603'), 77],
    ['the usage with 607', isUsage, refusal('607'), 0],
    ['a look-up with a page and HTTP 200', isLookup, page(200), 75],
    ['a look-up with a page and HTTP 502', isLookup, page(502), 75],
    ['a look-up with 606', isLookup, refusal('606'), 75],
    ['a look-up with 1006', isLookup, refusal('1006'), 78],
    ['a look-up with a code that nobody knows', isLookup, refusal('1999'), 75],
    ['a look-up with HTTP 401', isLookup, page(401), 77],
    ['a look-up with rows of another shape', isLookup, otherRows, 75],
    ['a write with 603', isWrite, refusal('603'), 77],
    ['a write with 607', isWrite, refusal('607'), 0],
    ['a write with 609', isWrite, refusal('609'), 78],
    ['a write with 1003 for the whole call', isWrite, refusal('1003'), 78],
    ['a write with HTTP 413', isWrite, page(413), 78],
    ['a write with 1003 for each record', isWrite, skipped('1003'), 0],
    ['a write with an unknown code for each record', isWrite, skipped('1999'), 0],
    ['a write with a page and HTTP 502', isWrite, page(502), 'stop'],
    ['a write with 611', isWrite, refusal('611'), 'stop'],
    ['a write with a code that nobody knows', isWrite, refusal('1999'), 75],
    ['a write with results of another shape', isWrite, otherRows, 'stop'],
  ];
  test.each(marketoEchoes)(
    'where Marketo answers %s that repeats everything it was sent',
    async (_name, which, answer, code) => {
      let struck = 0;
      marketo.answerInstead = (seen) => {
        if (!which(seen)) return undefined;
        struck += 1;
        return answer(seen);
      };
      // Else what an earlier run was told of the fields is taken, and nobody asks.
      await db.deleteFrom('lead_field').execute();
      await run('sync', env, code);
      expect(struck).toBeGreaterThan(0);
      await expectNothingToldWrong();
    },
  );

  const cuts: [name: string, fault: Fault, code: number | 'stop'][] = [
    ['a look-up', { server: 'marketo', endpoint: 'leads-lookup', effect: { kind: 'reset' }, times: 2 }, 0],
    [
      'a look-up’s answer in the middle',
      { server: 'marketo', endpoint: 'leads-lookup', effect: { kind: 'truncated' } },
      75,
    ],
    ['a write', { server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'reset' }, when: 'after' }, 'stop'],
    [
      'a write’s answer in the middle',
      { server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'truncated' } },
      'stop',
    ],
  ];
  test.each(cuts)('where the connection cuts %s', async (_name, fault, code) => {
    sandbox.faults.add(fault);
    await run('sync', env, code);
    await expectNothingToldWrong();
  });

  const livechatError = (status: number, type: string) => (seen: Seen) => ({
    status,
    type: 'application/json',
    body: JSON.stringify({ error: { type, message: `Refused: ${echo(seen)} ${everythingOfAVisitor()}` } }),
  });
  const visitorPage = (status: number) => (seen: Seen) => ({
    status,
    type: 'text/html',
    body: `<html><body>${echo(seen)} ${everythingOfAVisitor()}</body></html>`,
  });
  const list = ({ line }: Seen) => line.endsWith('/list_archives');
  const get = ({ line }: Seen) => line.endsWith('/get_chat');
  const livechatEchoes: [name: string, which: (seen: Seen) => boolean, answer: Answer, codes: number[]][] = [
    ['list_archives with validation', list, livechatError(400, 'validation'), [78]],
    ['list_archives with authentication', list, livechatError(401, 'authentication'), [77]],
    ['list_archives with a page and HTTP 403', list, visitorPage(403), [77]],
    ['list_archives with a page and HTTP 404', list, visitorPage(404), [78]],
    ['list_archives with unsupported_version', list, livechatError(400, 'unsupported_version'), [78]],
    ['list_archives with another shape', list, visitorsInAnotherShape, [0, 75]],
    ['get_chat with validation', get, livechatError(400, 'validation'), [0, 78]],
    ['get_chat with chat_anonymized', get, livechatError(404, 'chat_anonymized'), [0]],
  ];
  test.each(livechatEchoes)(
    'where LiveChat answers %s that repeats what it knows and was sent',
    async (_name, which, answer, codes) => {
      let struck = 0;
      livechat.answerInstead = (seen) => {
        if (!which(seen)) return undefined;
        struck += 1;
        return answer(seen);
      };
      const { code } = await run('sync', env);
      expect(codes).toContain(code);
      expect(struck).toBeGreaterThan(0);
      await expectNothingToldWrong();
    },
  );

  test('where the database refuses a visitor’s row, and tells it whole', async () => {
    await onServer(url, `alter table ${SCHEMA}.chat_thread add constraint odd check (email is null) not valid`);
    const { code } = await run('sync', env);
    await onServer(url, `alter table ${SCHEMA}.chat_thread drop constraint odd`);
    expect(code).not.toBe(0);
    await expectNothingToldWrong();
  });

  test('where credentials are wrong, for every service', async () => {
    const wrong = { MARKETO_CLIENT_SECRET: `${MARKETO_CLIENT.clientSecret}x` };
    await run('sync', { ...env, ...wrong }, 77);
    await run('sync', { ...env, MARKETO_CLIENT_ID: `${MARKETO_CLIENT.clientId}x` }, 77);
    await run('sync', { ...env, LIVECHAT_PAT: `${LIVECHAT_ACCOUNT.pat}x` }, 77);
    const database = databaseRole.url.replace('@127', 'x@127');
    expect(database).not.toBe(databaseRole.url);
    for (const service of ['sync', 'digest', 'migrate'] as const) {
      await run(service, { ...env, DATABASE_URL: database }, 77);
    }
    await readStatus({ ...env, DATABASE_URL: database });
    await expectNothingToldWrong();
  });

  test('where the configuration does not hold, and secrets stand where they do not belong', async () => {
    const inUrl = `${encodeURIComponent('user')}:${encodeURIComponent(DATABASE_PASSWORD)}`;
    const broken: Record<string, string>[] = [
      { DATABASE_URL: `postgres//user:${DATABASE_PASSWORD}@127.0.0.1/x` },
      { DATABASE_URL: DATABASE_PASSWORD },
      { MARKETO_ENDPOINT: `https://${inUrl}@123-abc-456.mktorest.com` },
      {
        MARKETO_ENDPOINT: `${marketo.url}/rest?secret=${encodeURIComponent(MARKETO_CLIENT.clientSecret)}`,
      },
      { MARKETO_ENDPOINT: MARKETO_CLIENT.clientSecret },
      { LIVECHAT_ENDPOINT: `https://${LIVECHAT_ACCOUNT.accountId}:${LIVECHAT_ACCOUNT.pat}@api.livechatinc.com` },
      { LIVECHAT_PAT_FILE: rules },
      { SYNC_FROM: LIVECHAT_ACCOUNT.pat },
      { LOG_LEVEL: MARKETO_CLIENT.clientSecret },
      { MARKETO_BATCH_SIZE: MARKETO_CLIENT.clientSecret },
    ];
    for (const one of broken) {
      const { code } = await run('sync', { ...env, ...one });
      expect([0, 64, 78], JSON.stringify(Object.keys(one))).toContain(code);
    }
    const { code } = await run('digest', { ...env, SMTP_URL: `smtp//postmaster:${SMTP_PASSWORD}@127.0.0.1` });
    expect(code).toBe(78);
    await expectNothingToldWrong();
  });

  test('where the mail server refuses the password or the mail, and repeats both; and in the digest itself', async () => {
    const text = `5.7.8 ${SMTP_PASSWORD} ${Buffer.from(SMTP_PASSWORD).toString('base64')} is wrong`;
    const doorkeeper = await openDoorkeeper({ code: 535, text });
    const withPassword = doorkeeper.url.replace('//', `//postmaster:${encodeURIComponent(SMTP_PASSWORD)}@`);
    await run('digest', { ...env, SMTP_URL: withPassword }, 77);
    sandbox.mailbox.refuseNext({ code: 550, text: `kanarimail-x@kanaridomain.example ${SMTP_PASSWORD}`, at: 'rcpt' });
    await run('digest', env, 75);
    // A passing refusal is met by two more attempts of the same run.
    const passing = `kanarimail-x@kanaridomain.example ${SMTP_PASSWORD}`;
    sandbox.mailbox.refuseNext({ code: 451, text: passing, at: 'data', times: 3 });
    await run('digest', env, 75);
    await run('digest', { ...env, SMTP_URL: env['SMTP_URL']?.replace(/:\d+$/, ':1') ?? '' }, 75);
    expect(sandbox.mailbox.messages()).toEqual([]);
    await run('digest', env, 0);
    const [message] = sandbox.mailbox.messages();
    const raw = sandbox.mailbox.raw(message?.id ?? '') ?? Buffer.alloc(0);
    const mail = await PostalMime.parse(raw);
    expect(mail.text).toContain('Marketo');
    tell(
      'the digest’s mail',
      [raw.toString('utf8'), mail.subject, mail.html, mail.text, JSON.stringify(mail.headers)].join('\n'),
    );
    await expectNothingToldWrong();
  }, 120_000);

  test('in the status service: its page, its API, its metrics and its log', async () => {
    await readStatus(env);
    const text = written.at(-1)?.output ?? '';
    expect(text).toContain('marketo_requests_total');
    expect(text).toContain('lead-refused');
    await expectNothingToldWrong();
  });
});

test('no request line, and no header but Authorization, carries a secret, a token or a visitor', () => {
  const requests = [...marketo.seen, ...livechat.seen];
  expect(requests.length).toBeGreaterThan(100);
  const lines = requests.map(({ line, headers }) => {
    const { authorization: _authorization, ...rest } = headers;
    return `${line} ${JSON.stringify(rest)}`;
  });
  expect(findWords(lines.join('\n'), new Map([...VISITORS, ...secretForms()]))).toEqual([]);
  expect(marketo.tokens.size).toBeGreaterThan(0);
  expect(new Set(requests.filter(({ line }) => line.includes('?')).map(({ line }) => line))).toEqual(
    new Set(['POST /rest/v1/leads.json?_method=GET']),
  );
  // The secret is in the identity call's body alone, and visitors are in bodies alone.
  const secrets = new Map(formsOf(MARKETO_CLIENT.clientSecret).map((form) => [form, 'the secret']));
  const others = marketo.seen.filter(({ line }) => !line.includes('/identity/'));
  expect(findWords(others.map(({ body }) => body).join('\n'), secrets)).toEqual([]);
  const withVisitors = requests.filter(({ body }) => findWords(decodeURIComponent(body), VISITORS).length > 0);
  expect(new Set(withVisitors.map(({ line }) => line))).toEqual(
    new Set(['POST /rest/v1/leads.json?_method=GET', 'POST /rest/v1/leads.json']),
  );
});

/** Runs a service; `stop` means that it waits for a write of unknown fate, and is told to stop then. */
async function run(
  service: 'sync' | 'digest' | 'migrate',
  environment: Record<string, string>,
  code?: number | 'stop',
): Promise<Ended> {
  const running = startService(service, environment, [], (line) => {
    if (code === 'stop' && /^waiting \d+ s/.test(line.msg)) running.kill('SIGTERM');
  });
  const ended = await running.ended;
  tell(`${service} of batch ${batch}`, ended.output);
  if (code !== undefined) expect(ended.code, ended.output.slice(-1500)).toBe(code === 'stop' ? 143 : code);
  return ended;
}

function tell(by: string, output: string): void {
  written.push({ by, output });
}

async function readStatus(environment: Record<string, string>): Promise<void> {
  let listening: (port: number) => void = () => undefined;
  const port = new Promise<number>((resolve) => {
    listening = resolve;
  });
  const service = startService('status', { ...environment, STATUS_HOST: '127.0.0.1', STATUS_PORT: '0' }, [], (line) => {
    if (typeof line['port'] === 'number') listening(line['port']);
  });
  const early = service.ended.then(({ output }) => {
    throw new Error(`the status service did not stay: ${output.slice(-500)}`);
  });
  const origin = `http://127.0.0.1:${await Promise.race([port, early])}`;
  const ids = await db.selectFrom('run').select('id').orderBy('id').execute();
  const paths = ['/', '/metrics', '/healthz', '/readyz', '/api/v1/status', '/api/v1/runs?limit=200', '/nothing'];
  const errors = ['/api/v1/errors?limit=200', '/api/v1/errors?limit=200&code=lead-refused'];
  let answers = '';
  for (const path of [...paths, ...errors, ...ids.map(({ id }) => `/api/v1/runs/${id}`)]) {
    const answer = await fetch(`${origin}${path}`, { headers: { accept: 'text/html,*/*' } });
    answers += `${path} ${answer.status} ${JSON.stringify([...answer.headers])}\n${await answer.text()}\n`;
  }
  early.catch(() => undefined);
  service.kill('SIGTERM');
  const ended = await service.ended;
  tell('the status service', ended.output + answers);
}

/** Searches all that any process has written so far, and all rows that are not meant to hold it. */
async function expectNothingToldWrong(): Promise<void> {
  const secrets = secretForms();
  const everything = new Map([...VISITORS, ...secrets]);
  const found: string[] = [];
  for (const { by, output } of written) found.push(...findWords(output, everything).map((one) => `${by}: ${one}`));
  for (const table of await tables()) {
    const words = ['chat_thread', 'lead_change', 'watermark'].includes(table) ? secrets : everything;
    found.push(...findWords(await rowsOf(table), words).map((one) => `${table}: ${one}`));
  }
  expect(found).toEqual([]);
}

function secretForms(): Map<string, string> {
  const all = [...SECRETS, ...[...marketo.tokens].map((token): [string, string] => ['an access token', token])];
  return new Map(all.flatMap(([name, secret]) => formsOf(secret).map((form) => [form, name] as const)));
}

async function tables(): Promise<string[]> {
  const rows = await onServer(url, `select tablename as name from pg_tables where schemaname = '${SCHEMA}'`);
  const names = rows.map((row) => String(row['name']));
  expect(names).toEqual(expect.arrayContaining(['run', 'sync_error', 'marketo_call', 'counter', 'digest', 'lease']));
  return names;
}

async function rowsOf(table: string): Promise<string> {
  const rows = await onServer(url, `select row_to_json(t)::text as row from ${SCHEMA}.${table} t`);
  return rows.map((row) => String(row['row'])).join('\n');
}

async function errorCodes(): Promise<string[]> {
  return (await db.selectFrom('sync_error').select('code').distinct().execute()).map(({ code }) => code);
}

async function onServer(server: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** A user of the test's database with a password that must not be seen, and the rights that the services need. */
async function roleWithPassword(password: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `reader_${new URL(url).pathname.slice(1)}`;
  await onServer(url, `create role ${name} login password '${password}'`);
  await onServer(url, `grant all on schema ${SCHEMA} to ${name}`);
  await onServer(url, `grant all on all tables in schema ${SCHEMA} to ${name}`);
  await onServer(url, `grant all on all sequences in schema ${SCHEMA} to ${name}`);
  const own = new URL(url);
  own.username = name;
  own.password = encodeURIComponent(password);
  return {
    url: own.href,
    async drop() {
      await onServer(url, `drop owned by ${name}`);
      await onServer(inject('postgresUrl'), `drop role ${name}`);
    },
  };
}

function inputOf(body: string): unknown[] {
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === 'object' && parsed !== null && 'input' in parsed && Array.isArray(parsed.input)
    ? parsed.input
    : [];
}

function identityRefusal(seen: Seen): ProxyAnswer {
  const body = {
    error: 'invalid_client',
    error_description: `No client: ${decodeURIComponent(seen.body)} ${seen.body}`,
  };
  return { status: 401, type: 'application/json', body: JSON.stringify(body) };
}

function otherRows(): ProxyAnswer {
  const result = [{ email: address('other', 0), [everythingOfAVisitor()]: everythingOfAVisitor(), status: 7 }];
  return { status: 200, type: 'application/json', body: JSON.stringify({ requestId: '1#2', success: true, result }) };
}

function visitorsInAnotherShape(): ProxyAnswer {
  const words = everythingOfAVisitor();
  const chats = [{ id: 7, [words]: words, users: words, thread: { id: words, active: words, created_at: words } }];
  return { status: 200, type: 'application/json', body: JSON.stringify({ chats, found_chats: 1 }) };
}

function everythingOfAVisitor(): string {
  return [...VISITORS.keys()].join(' ');
}

function address(who: string, of: number): string {
  return `kanarimail-${who}-${of}@kanaridomain.example`;
}

/** Threads of an hour ago: one visitor whom Marketo takes, and one for each way in which it or we do not. */
function newThreads(of: number): ThreadSpec[] {
  const plain = thread(`T${of}-plain`, address('plain', of), 'Kanarifirst Kanarilast');
  return [
    plain,
    thread(`T${of}-refused`, address('refused', of), 'Kanarifirst Kanarilast Refused'),
    thread(`T${of}-twin`, address('twin', of), 'Kanarifirst Kanarilast'),
    thread(`T${of}-not-ascii`, `kanarimail-ö${of}@kanaridomain.example`, 'Kanarifirst Kanarilast'),
    thread(`T${of}-comma`, `kanarimail,${of}@kanaridomain.example`, 'Kanarifirst Kanarilast'),
    thread(`T${of}-malformed`, `kanarimail${of} at kanaridomain.example`, 'Kanarifirst Kanarilast'),
    thread(`T${of}-odd`, `kanarimail..${of}@kanaridomain.example`, 'Kanarifirst Kanarilast'),
    { ...thread(`T${of}-withheld`, address('withheld', of), 'Kanarifirst Kanarilast'), withholdEvents: true },
  ];
}

function thread(threadId: string, email: string, name: string): ThreadSpec {
  // Apart from each other: of threads with one time, LiveChat drops some at a page's end.
  threads += 1;
  const start = sandbox.clock.now() - 3_600_000 + threads * 1000;
  const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
  const customerId = `customer-${threadId}`;
  const agent = { id: 'kanariagent@shop.example', name: 'Kanariagent Smith' };
  return {
    chatId: `C-${threadId}`,
    threadId,
    customer: {
      id: customerId,
      name,
      email,
      phone_number: '+4955501472',
      address: { address: 'Kanaristreet 1', city: 'Kanaricity' },
      session_fields: [{ kanarikey: 'kanarivalue' }],
    },
    agents: [agent],
    groupIds: [0],
    createdAt: at(0),
    endsAt: at(60),
    sessionEndsAt: new Date(start + 86_400_000).toISOString(),
    tags: ['kanaritag'],
    properties: {
      routing: { start_url: 'https://shop.example/?q=kanariurl', referrer: 'https://other.example/kanarireferrer' },
    },
    rating: { at: at(50), score: 0, comment: 'kanarirating' },
    customerVisit: { ip: '203.0.113.7', geolocation: { country: 'Germany', city: 'Kanariplace' } },
    summary: 'kanarisummary',
    events: [
      {
        type: 'filled_form',
        created_at: at(1),
        author_id: customerId,
        form_id: 'f1',
        form_type: 'prechat',
        fields: [
          { id: 'a', type: 'subject', label: 'Kanarianswer?', answer: 'kanarianswer' },
          { id: 'b', type: 'checkbox', label: 'Which?', answers: [{ id: 1, label: 'kanarichoice' }] },
        ],
      },
      { type: 'message', created_at: at(5), author_id: customerId, text: 'kanarimessage' },
      { type: 'message', created_at: at(6), author_id: agent.id, visibility: 'agents', text: 'kanarinote' },
      {
        type: 'file',
        created_at: at(7),
        author_id: customerId,
        name: 'kanarifile.pdf',
        url: 'https://cdn.example/kanarifile.pdf',
        content_type: 'application/pdf',
      },
      {
        type: 'system_message',
        created_at: at(60),
        system_message_type: 'manual_archived_agent',
        text: 'kanarisystem archived the chat',
        text_vars: { agent: 'kanarisystem' },
      },
    ],
  };
}
