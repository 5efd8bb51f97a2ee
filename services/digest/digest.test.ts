import { createServer } from 'node:net';
import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { at } from '../../test/digest/example.ts';
import { keptLog } from '../../test/digest/logged.ts';
import {
  openDoorkeeper,
  openMailbox,
  openSecureMailbox,
  openSlowMailbox,
  type TestMailbox,
} from '../../test/digest/mailbox.ts';
import { testDatabase } from '../../test/postgres/database.ts';
import { CATALOGUE, type ErrorCode } from '../shared/runtime/catalogue.ts';
import { addMilliseconds, type Instant } from '../shared/runtime/instant.ts';
import { type LoggedError, logErrors } from '../shared/store/errors.ts';
import { takeLease } from '../shared/store/lease.ts';
import { type DigestRun, runDigest } from './digest.ts';

const { db, empty } = await testDatabase();

beforeEach(empty);

const DAY = 86_400_000;
const DECADE = 3650 * DAY;
const KEEP_ALL = {
  visitors: DECADE,
  changes: DECADE,
  errors: DECADE,
  calls: DECADE,
  runs: DECADE,
  digests: DECADE,
  overlap: DAY,
};
const NOON = at('2026-11-23T12:00:00Z');

function run(mailbox: { url: string }, changes: Partial<DigestRun> = {}) {
  const { log, lines } = keptLog();
  const ended = runDigest({
    db,
    log,
    now: NOON,
    signal: new AbortController().signal,
    smtpUrl: mailbox.url,
    from: 'LiveChat sync <sync@shop.example>',
    to: ['Ops <ops@shop.example>', 'crm@shop.example'],
    timeZone: 'Etc/UTC',
    heartbeat: false,
    statusUrl: undefined,
    syncInterval: 3_600_000,
    dailyCalls: 20_000,
    retryDelays: [],
    retention: KEEP_ALL,
    runName: undefined,
    ...changes,
  });
  return { ended, lines };
}

async function logged(count: number, changes: Partial<LoggedError> = {}): Promise<void> {
  await logErrors(
    db,
    null,
    Array.from({ length: count }, (_, index) => ({
      code: 'lead-refused' as const,
      message: `Refused number ${index}.`,
      subject: '1003 phone',
      threadId: `T${index}`,
      ...changes,
    })),
  );
}

/** A sync that has just succeeded, so that its silence is no news. */
async function oneSync(endedAt = NOON): Promise<void> {
  await sql`insert into livechat_marketo.run (job, trigger, started_at, heartbeat_at, finished_at, outcome)
    values ('sync', 'schedule', ${endedAt}, ${endedAt}, ${endedAt}, 'done')`.execute(db);
}

const digests = () => db.selectFrom('digest').selectAll().orderBy('local_date').execute();
const runs = () => db.selectFrom('run').select(['job', 'outcome', 'error', 'counts']).orderBy('id').execute();

describe('a day with new errors', () => {
  test('is one mail to every recipient, with both parts, and is marked as sent', async () => {
    const mailbox = await openMailbox();
    await logged(3);
    await logged(2, { code: 'marketo-credentials', subject: '', message: 'Marketo refused the client id.' });
    const { ended, lines } = run(mailbox);
    expect(await ended).toBe(0);
    const [mail, ...others] = await mailbox.mails();
    expect(others).toEqual([]);
    expect(mail).toMatchObject({
      subject:
        '[livechat-marketo-sync] 5 new errors: Marketo refused the client id, its secret or its permissions, and 1 more kind',
      recipients: ['ops@shop.example', 'crm@shop.example'],
      to: ['ops@shop.example', 'crm@shop.example'],
      messageId: expect.stringMatching(/^<digest-2026-11-23\.[0-9a-f-]{36}@shop\.example>$/),
      date: '2026-11-23T12:00:00.000Z',
    });
    expect(mail?.headers.get('content-type')).toMatch(/^multipart\/alternative/);
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
    for (const part of [mail?.html, mail?.text]) expect(part).toContain('Refused number 2.');
    expect(mail?.text).toContain('3 times in 3 threads');
    expect(await digests()).toMatchObject([
      {
        state: 'sent',
        local_date: '2026-11-23',
        error_count: 5,
        message_id: mail?.messageId,
        recipients: ['ops@shop.example', 'crm@shop.example'],
        sent_at: expect.any(String),
      },
    ]);
    expect(await runs()).toMatchObject([
      { job: 'digest', outcome: 'done', counts: { errors: 5, mails: 1, recipients: 2 } },
    ]);
    expect(lines.find((line) => line['msg'] === 'sent the digest of 2026-11-23')).toMatchObject({
      recipients: 2,
      errors: 5,
      messageId: mail?.messageId,
    });
    expect(JSON.stringify(lines)).not.toContain('ops@');
  });

  test('is over with its digest: a second run sends nothing, says so, and leaves later errors for tomorrow', async () => {
    const mailbox = await openMailbox();
    await logged(1);
    await run(mailbox).ended;
    await logged(4);
    const second = run(mailbox, { now: addMilliseconds(NOON, 3_600_000) });
    expect(await second.ended).toBe(0);
    expect(await mailbox.mails()).toHaveLength(1);
    expect(second.lines).toContainEqual(
      expect.objectContaining({
        waiting: 4,
        msg: 'the digest of 2026-11-23 is sent already; new errors wait for tomorrow’s',
      }),
    );
    await run(mailbox, { now: addMilliseconds(NOON, DAY) }).ended;
    expect((await mailbox.mails())[1]?.subject).toContain('4 new errors');
  });

  test('is a day of the configured zone', async () => {
    const mailbox = await openMailbox();
    await logged(1);
    await run(mailbox, { now: at('2026-11-23T23:30:00Z'), timeZone: 'Europe/Berlin' }).ended;
    expect(await digests()).toMatchObject([{ local_date: '2026-11-24' }]);
  });
});

describe('a day with nothing new', () => {
  test('has no mail and no digest', async () => {
    const mailbox = await openMailbox();
    await oneSync();
    const { ended, lines } = run(mailbox);
    expect(await ended).toBe(0);
    expect(await mailbox.mails()).toEqual([]);
    expect(await digests()).toEqual([]);
    expect(lines.map((line) => line['msg'])).toContain('nothing new: no digest today');
    expect(await runs()).toMatchObject([{ job: 'sync' }, { job: 'digest', outcome: 'done' }]);
  });

  test('has one mail where a heartbeat is wanted, and no second', async () => {
    const mailbox = await openMailbox();
    await oneSync();
    await run(mailbox, { heartbeat: true }).ended;
    await run(mailbox, { heartbeat: true }).ended;
    expect((await mailbox.mails()).map((mail) => mail.subject)).toEqual(['[livechat-marketo-sync] No new errors']);
    expect(await digests()).toMatchObject([{ error_count: 0, state: 'sent' }]);
  });
});

test('a heartbeat waits for the first sync that succeeds: the day has one mail, and it is to say something', async () => {
  const mailbox = await openMailbox();
  await run(mailbox, { heartbeat: true }).ended;
  expect(await mailbox.mails()).toEqual([]);
  await oneSync();
  await run(mailbox, { heartbeat: true }).ended;
  expect((await mailbox.mails()).map((mail) => mail.subject)).toEqual(['[livechat-marketo-sync] No new errors']);
});

describe('a sync that has been silent for too long', () => {
  test('is one mail a day without any error, until it succeeds', async () => {
    const mailbox = await openMailbox();
    await oneSync(addMilliseconds(NOON, -4 * 3_600_000));
    for (const hours of [0, 1, 2]) await run(mailbox, { now: addMilliseconds(NOON, hours * 3_600_000) }).ended;
    await run(mailbox, { now: addMilliseconds(NOON, DAY) }).ended;
    await oneSync(addMilliseconds(NOON, 2 * DAY - 60_000));
    await run(mailbox, { now: addMilliseconds(NOON, 2 * DAY) }).ended;
    expect((await mailbox.mails()).map(({ subject }) => subject)).toEqual([
      '[livechat-marketo-sync] No sync for 4 h',
      '[livechat-marketo-sync] No sync for 1 d 4 h',
    ]);
    expect((await digests()).map(({ error_count }) => error_count)).toEqual([0, 0]);
  });
});

describe('a mail server that was away for a moment', () => {
  test('is asked again in the same run, with the same mail', async () => {
    const mailbox = await openMailbox();
    mailbox.refuseNext({ at: 'data', code: 451, text: 'Try again later', times: 2 });
    await logged(2);
    const { ended, lines } = run(mailbox, { retryDelays: [10, 20] });
    expect(await ended).toBe(0);
    expect(await mailbox.mails()).toHaveLength(1);
    expect(lines.filter(({ msg }) => String(msg).includes('Trying again in')).map(({ seconds }) => seconds)).toEqual([
      0.01, 0.02,
    ]);
    expect(await digests()).toMatchObject([{ state: 'sent' }]);
  });

  test('that takes the mail and breaks off before its answer gets the same bytes again', async () => {
    const mailbox = await openMailbox();
    mailbox.dropNext('before-answer');
    await logged(2);
    expect(await run(mailbox, { retryDelays: [10] }).ended).toBe(0);
    const [first, second, ...others] = await mailbox.mails();
    expect(others).toEqual([]);
    expect(second?.raw).toBe(first?.raw);
  });

  test('and does not come back ends the run with 75; a refused password is not tried again', async () => {
    await logged(2);
    const gone = run({ url: 'smtp://127.0.0.1:1' }, { retryDelays: [1, 1, 1] });
    await expect(gone.ended).rejects.toMatchObject({ exitCode: 75 });
    expect(gone.lines.filter(({ msg }) => String(msg).includes('Trying again'))).toHaveLength(3);
    const mailbox = await openMailbox({ auth: { user: 'sync', pass: 'right' } });
    const refused = run({ url: mailbox.url.replace('right', 'wrong') }, { retryDelays: [1, 1, 1] });
    await expect(refused.ended).rejects.toMatchObject({ exitCode: 77 });
    expect(refused.lines.filter(({ msg }) => String(msg).includes('Trying again'))).toEqual([]);
  });

  test('and a signal meanwhile ends the waiting', async () => {
    await logged(1);
    const controller = new AbortController();
    const { ended } = run({ url: 'smtp://127.0.0.1:1' }, { retryDelays: [600_000], signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(ended).rejects.toThrow();
    expect(await runs()).toMatchObject([{ outcome: 'stopped' }]);
    expect(await digests()).toMatchObject([{ state: 'claimed' }]);
  });
});

test('what has been kept for long enough goes after the sending, also where no mail could be sent', async () => {
  const old = () =>
    sql`insert into livechat_marketo.marketo_call (instance, endpoint, outcome, sent_at, records, waited_ms)
      values ('i', 'leads-lookup', 'ok', ${addMilliseconds(NOON, -2 * DAY)}, 1, 0)`.execute(db);
  const retention = { ...KEEP_ALL, calls: DAY };
  await old();
  await logged(1);
  await expect(run({ url: 'smtp://127.0.0.1:1' }, { retention }).ended).rejects.toMatchObject({ exitCode: 75 });
  expect(await db.selectFrom('marketo_call').selectAll().execute()).toEqual([]);
  await old();
  await run(await openMailbox(), { retention }).ended;
  expect(await runs()).toMatchObject([
    { outcome: 'failed', counts: { mails: 0, deletedCalls: 1 } },
    { outcome: 'done', counts: { mails: 1, deletedCalls: 1 } },
  ]);
});

describe('a mail server that does not take the mail', () => {
  const auth = { user: 'sync', pass: 'the right one' };
  const withPassword = ({ url }: { url: string }) => ({ url: url.replace(/\/\/(?:.*@)?/, '//sync:s3cret-canary@') });
  const refusing = async (refusal: Parameters<TestMailbox['refuseNext']>[0]) => {
    const mailbox = await openMailbox();
    mailbox.refuseNext(refusal);
    return mailbox;
  };
  const cases: { name: string; server: () => Promise<{ url: string }>; exitCode: number; says: string }[] = [
    {
      name: 'is not there: 75',
      server: async () => ({ url: 'smtp://127.0.0.1:1' }),
      exitCode: 75,
      says: 'The mail server at 127.0.0.1:1 could not be reached, or broke off (ECONNREFUSED): check',
    },
    {
      name: 'refuses the mail for now: 75',
      server: () => refusing({ at: 'data', code: 451, text: 'Try again later' }),
      exitCode: 75,
      says: 'did not take the mail (it answered 451)',
    },
    {
      name: 'refuses every recipient: 75',
      server: () => refusing({ at: 'rcpt', code: 550, text: 'No such user here', times: 2 }),
      exitCode: 75,
      says: 'did not take the mail (it answered 550)',
    },
    {
      name: 'refuses the password: 77',
      server: async () => withPassword(await openMailbox({ auth })),
      exitCode: 77,
      says: 'refused the user or the password in SMTP_URL (535): correct it',
    },
    {
      name: 'repeats the password when it refuses it: 77',
      server: async () => withPassword(await openDoorkeeper({ code: 535, text: 'I do not know s3cret-canary' })),
      exitCode: 77,
      says: 'refused the user or the password in SMTP_URL (535): correct it',
    },
    {
      name: 'wants a password where none is configured: 77',
      server: async () => ({ url: (await openMailbox({ auth })).url.replace(/\/\/.*@/, '//') }),
      exitCode: 77,
      says: 'refused the user or the password in SMTP_URL (530): correct it',
    },
    {
      name: 'cannot check the password now: 75',
      server: async () => withPassword(await openDoorkeeper({ code: 454, text: 'Not now, s3cret-canary' })),
      exitCode: 75,
      says: 'did not take the mail (it answered 454)',
    },
  ];

  test.each(cases)('$name, and nothing is marked; the next run sends the same digest', async (given) => {
    await logged(2);
    const failed = run(await given.server());
    await expect(failed.ended).rejects.toMatchObject({
      name: 'Failure',
      exitCode: given.exitCode,
      message: expect.stringContaining(given.says),
    });
    expect(await digests()).toMatchObject([{ state: 'claimed', sent_at: null, error_count: 2 }]);
    const ended = await runs();
    expect(ended).toMatchObject([{ outcome: 'failed', error: expect.stringContaining(given.says) }]);
    expect(JSON.stringify([ended, failed.lines])).not.toContain('s3cret-canary');
    const error: unknown = await failed.ended.catch((thrown: unknown) => thrown);
    expect(Object.values(Object.getOwnPropertyDescriptors(error)).map(({ value }) => String(value))).not.toContainEqual(
      expect.stringContaining('s3cret-canary'),
    );

    const good = await openMailbox();
    await logged(7);
    expect(await run(good, { now: addMilliseconds(NOON, 600_000) }).ended).toBe(0);
    expect((await good.mails()).map((mail) => mail.subject)).toEqual([expect.stringContaining('2 new errors')]);
    expect(await digests()).toMatchObject([{ state: 'sent', message_id: (await good.mails())[0]?.messageId }]);
  });

  test('says 75 where it accepts the connection and then never says a word, once the signal stops it', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    await logged(1);
    const controller = new AbortController();
    silent.once('connection', () => controller.abort());
    await expect(
      run({ url: `smtp://127.0.0.1:${address.port}` }, { signal: controller.signal }).ended,
    ).rejects.toMatchObject({ exitCode: 75 });
    expect(await runs()).toMatchObject([{ outcome: 'stopped' }]);
    expect(await digests()).toMatchObject([{ state: 'claimed' }]);
    silent.close();
  });
});

test('a password with every special character reaches the mail server as it is', async () => {
  const mailbox = await openMailbox({ auth: { user: 'sync@shop.example', pass: 'p@ss:w/rd%41#?&ü' } });
  await logged(1);
  expect(await run(mailbox).ended).toBe(0);
  expect(await mailbox.mails()).toHaveLength(1);
});

test('a password does not cross a network to a server without TLS, unless SMTP_URL says so itself', async () => {
  const mailbox = await openMailbox({ auth: { user: 'sync', pass: 'right' } });
  await logged(1);
  // This machine under an address that is not known as near.
  const far = mailbox.url.replace('127.0.0.1', '0.0.0.0');
  await expect(run({ url: far }).ended).rejects.toMatchObject({ exitCode: 75 });
  expect(await mailbox.mails()).toEqual([]);
  expect(await run({ url: `${far}?requireTLS=false` }).ended).toBe(0);
  expect(await mailbox.mails()).toHaveLength(1);
});

test('a certificate that nobody signed is refused with 75, unless SMTP_URL says that it is known', async () => {
  const mailbox = await openMailbox({ tls: true });
  await logged(1);
  await expect(run(mailbox).ended).rejects.toMatchObject({ exitCode: 75, message: expect.stringMatching(/CERT/) });
  expect(await mailbox.mails()).toEqual([]);
  expect(await run({ url: `${mailbox.url}?tls.rejectUnauthorized=false` }).ended).toBe(0);
  expect(await mailbox.mails()).toHaveLength(1);
});

test('a server with TLS from the first byte on is spoken to, once its certificate is known', async () => {
  const mailbox = await openSecureMailbox();
  await logged(1);
  await expect(run(mailbox).ended).rejects.toMatchObject({ exitCode: 75, message: expect.stringMatching(/CERT/) });
  expect(await run({ url: `${mailbox.url}?tls.rejectUnauthorized=false` }).ended).toBe(0);
  expect(await mailbox.mails()).toHaveLength(1);
});

test('a run that lost its lease to another stops before its next mail', async () => {
  await logged(3);
  await expect(run({ url: 'smtp://127.0.0.1:1' }).ended).rejects.toMatchObject({ exitCode: 75 });
  await logged(5);
  const mailbox = await openSlowMailbox(async () => {
    await sql`update livechat_marketo.lease set owner = 'another'`.execute(db);
  });
  await expect(run(mailbox, { now: addMilliseconds(NOON, DAY) }).ended).rejects.toMatchObject({ exitCode: 75 });
  expect(await mailbox.mails()).toHaveLength(1);
  expect(await digests()).toMatchObject([{ state: 'sent' }, { state: 'claimed' }]);
  expect(await db.selectFrom('lease').select('owner').execute()).toEqual([{ owner: 'another' }]);
});

test('a refused recipient is a warning without the address, and the others are written down', async () => {
  const mailbox = await openMailbox();
  mailbox.refuseNext({ at: 'rcpt', code: 550, text: 'No such user here: ops@shop.example' });
  await logged(1);
  const { ended, lines } = run(mailbox);
  expect(await ended).toBe(0);
  expect(await digests()).toMatchObject([{ state: 'sent', recipients: ['crm@shop.example'] }]);
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: 'the mail server refused 1 of 2 recipients: correct DIGEST_TO' }),
  );
  expect(JSON.stringify(lines)).not.toContain('ops@');
});

test('a digest that an earlier day did not send goes first, then today’s', async () => {
  await logged(3);
  await expect(run({ url: 'smtp://127.0.0.1:1' }).ended).rejects.toMatchObject({ exitCode: 75 });
  await logged(5, { message: 'Later.' });
  const mailbox = await openMailbox();
  expect(await run(mailbox, { now: addMilliseconds(NOON, DAY) }).ended).toBe(0);
  expect((await mailbox.mails()).map(({ subject, date }) => [subject.slice(24, 32), date])).toEqual([
    ['3 new er', '2026-11-23T12:00:00.000Z'],
    ['5 new er', '2026-11-24T12:00:00.000Z'],
  ]);
  expect(await runs()).toMatchObject([{ outcome: 'failed' }, { outcome: 'done', counts: { errors: 8, mails: 2 } }]);
});

test('while another digest is at work a run is skipped', async () => {
  const mailbox = await openMailbox();
  await logged(1);
  await takeLease(db, 'digest', 'another', 60);
  const { ended, lines } = run(mailbox);
  expect(await ended).toBe(0);
  expect(await mailbox.mails()).toEqual([]);
  expect(await runs()).toMatchObject([{ outcome: 'skipped' }]);
  expect(lines.map((line) => line['msg'])).toContain('another digest is at work: nothing to do');
  const lease = await db.selectFrom('lease').select('owner').execute();
  expect(lease).toEqual([{ owner: 'another' }]);
});

test('of ten runs at once, one sends', async () => {
  const mailbox = await openMailbox();
  await logged(20);
  const codes = await Promise.all(Array.from({ length: 10 }, () => run(mailbox).ended));
  expect(new Set(codes)).toEqual(new Set([0]));
  expect(await mailbox.mails()).toHaveLength(1);
  expect(await db.selectFrom('lease').select('owner').execute()).toEqual([]);
});

test('over many days, runs and failures every error is in the content of exactly one digest', async () => {
  const mailbox = await openMailbox();
  let next = 0;
  // Three runs a day over forty days; every third run meets a server that refuses, and new errors come all the time.
  for (let turn = 0; turn < 120; turn += 1) {
    const fresh = turn % 7;
    for (let index = 0; index < fresh; index += 1) {
      await logErrors(db, null, [
        { code: 'lead-refused', subject: `kind ${next}`, message: `Error number ${next};`, threadId: `T${next}` },
      ]);
      next += 1;
    }
    if (turn % 3 === 0) mailbox.refuseNext({ at: 'data', code: 451, text: 'Not now' });
    const now = addMilliseconds(NOON, (turn * DAY) / 3);
    await run(mailbox, { now }).ended.catch((error: unknown) => expect(error).toMatchObject({ exitCode: 75 }));
  }
  await run(mailbox, { now: addMilliseconds(NOON, 41 * DAY) }).ended;

  const mails = await mailbox.mails();
  const told = mails.flatMap((mail) => [...mail.text.matchAll(/Error number (\d+);/g)].map(([, n]) => Number(n)));
  expect(told.toSorted((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, index) => index));
  expect(new Set(mails.map((mail) => mail.messageId)).size).toBe(mails.length);
  expect(await digests()).toHaveLength(mails.length);
});

test('ten thousand errors of twelve kinds are one mail with twelve kinds, below 100 KB', async () => {
  const mailbox = await openMailbox();
  const codes: ErrorCode[] = Object.keys(CATALOGUE)
    .slice(0, 12)
    .filter((code): code is ErrorCode => code in CATALOGUE);
  for (let batch = 0; batch < 10; batch += 1) {
    await logErrors(
      db,
      null,
      Array.from({ length: 1000 }, (_, index) => ({
        code: codes[index % codes.length] ?? 'run-failed',
        message: `Number ${batch * 1000 + index}: ${'long '.repeat(200)}`,
        threadId: `T${index}`,
      })),
    );
  }
  expect(await run(mailbox).ended).toBe(0);
  const [mail] = await mailbox.mails();
  expect(await mailbox.mails()).toHaveLength(1);
  expect(mail?.subject).toContain('10,000 new errors');
  expect(mail?.html.match(/class="card"/g)).toHaveLength(12);
  const counts = [...(mail?.text ?? '').matchAll(/, ([\d,]+) times in/g)].map(([, n = '']) =>
    Number(n.replace(',', '')),
  );
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(10_000);
  expect(Buffer.byteLength(mail?.raw ?? '')).toBeLessThan(100_000);
});

test('canaries in the log reach neither the headers nor the markup of the mail that arrives', async () => {
  const mailbox = await openMailbox();
  const canary = `\0<script>alert(1)</script>\r\nBcc: eve@evil.example\r\n\r\n--boundary ${'\u202E'}gnp.exe ${'A'.repeat(10_240)}`;
  await logged(1, { message: canary, threadId: canary });
  expect(await run(mailbox).ended).toBe(0);
  const [mail] = await mailbox.mails();
  expect(mail?.recipients).toEqual(['ops@shop.example', 'crm@shop.example']);
  expect(mail?.headers.has('bcc')).toBe(false);
  expect(mail?.html).not.toContain('<script');
  expect(mail?.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; Bcc: e•••@evil.example --boundary gnp.exe');
  expect(mail?.text).toContain('<script>alert(1)</script>');
  expect(`${mail?.html}${mail?.text}`).not.toContain('\u202E');
  expect(Buffer.byteLength(mail?.raw ?? '')).toBeLessThan(20_000);
});

test('nothing of a visitor gets into a mail or a log, whatever is in the ledger and the audit trail', async () => {
  const mailbox = await openMailbox();
  const canary = `canary <script>alert(1)</script>\r\nBcc: canary@evil.example ${'\u202E'} ${'canary'.repeat(2000)}`;
  const visitor = JSON.stringify({
    visitor: { name: canary, email: 'canary@evil.example', variables: { [canary]: canary } },
  });
  await sql`insert into livechat_marketo.chat_thread
    (thread_id, chat_id, customer_id, email, visitor, started_at, state, reason, content_hash, first_seen_at, updated_at)
    values ('T0', 'C', 'canary', 'canary@evil.example', ${visitor}, now(), 'dead', 'lead-refused', '', now(), now())`.execute(
    db,
  );
  await sql`insert into livechat_marketo.lead_change (run_id, thread_id, lead_id, action, changes)
    values (1, 'T0', 1, 'created', ${JSON.stringify([{ field: 'firstName', to: canary }])})`.execute(db);
  await logged(1);
  const { ended, lines } = run(mailbox);
  expect(await ended).toBe(0);
  const [mail] = await mailbox.mails();
  expect(mail?.text).toContain('! Dead threads: 1');
  expect(`${mail?.raw}${JSON.stringify(lines)}`).not.toContain('canary');
});

test('an error that is committed while the digest is claimed is in this digest or in the next, never in none', async () => {
  const mailbox = await openMailbox();
  await logged(1);
  const uncommitted = await db.startTransaction().execute();
  await logErrors(uncommitted, null, [{ code: 'marketo-quota', message: 'Late.' }]);
  await run(mailbox).ended;
  await uncommitted.commit().execute();
  await run(mailbox, { now: addMilliseconds(NOON, DAY) }).ended;
  expect((await mailbox.mails()).map((mail) => mail.text.includes('Late.'))).toEqual([false, true]);
});

test('a run that died without a word is closed as lost by the next', async () => {
  const mailbox = await openMailbox();
  await sql`insert into livechat_marketo.run (job, trigger, heartbeat_at) values ('digest', 'schedule', now() - interval '1 hour')`.execute(
    db,
  );
  await run(mailbox).ended;
  expect((await runs()).map(({ outcome }) => outcome)).toEqual(['lost', 'done']);
});

test('the state of the sync comes from its runs, its watermark and its ledger', async () => {
  const mailbox = await openMailbox();
  const hourAgo: Instant = addMilliseconds(NOON, -3_600_000);
  await sql`insert into livechat_marketo.run (job, trigger, started_at, finished_at, outcome) values
    ('sync', 'schedule', ${hourAgo}, ${hourAgo}, 'done'), ('sync', 'schedule', ${NOON}, ${NOON}, 'failed')`.execute(db);
  await sql`insert into livechat_marketo.watermark (stream, position) values ('livechat', ${hourAgo})`.execute(db);
  await sql`insert into livechat_marketo.chat_thread (thread_id, chat_id, email, visitor, started_at, state, content_hash, first_seen_at, updated_at)
    select 'T' || n, 'C', 'a@b.example', '{}', now(), case when n <= 2 then 'dead' when n <= 7 then 'ready' else 'synced' end, '', now(), now()
    from generate_series(1, 10) n`.execute(db);
  await run(mailbox, { heartbeat: true }).ended;
  const text = (await mailbox.mails())[0]?.text;
  expect(text).toContain('  Last successful sync: 1 h ago (23 Nov, 11:00)');
  expect(text).toContain('  LiveChat read until: 1 h ago (23 Nov, 11:00)');
  expect(text).toContain('! Dead threads: 2');
  expect(text).toContain('  Ready threads: 5');
});
