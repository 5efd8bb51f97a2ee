import { sql } from 'kysely';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openDatabase } from '../../services/shared/store/database.ts';
import { migrate } from '../../services/shared/store/migrate.ts';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { emptyDatabase, SCHEMA, testDatabase } from '../postgres/database.ts';
import { addCall, addError, addRun, addThreads, HOUR, minutesAgo, silent, tellStory } from './story.ts';

const { db, url, empty } = await testDatabase();
const readings = openReadings(url, SCHEMA, 5000);
const app = buildApp({ readings, log: silent, syncInterval: HOUR });
afterAll(async () => {
  await app.close();
  await readings.close();
});
beforeEach(empty);

const get = (path: string, accept = '*/*') => app.inject({ url: path, headers: { accept } });

describe('the page', () => {
  test('says what the database says: verdict, runs, ledger, errors, calls', async () => {
    await tellStory(db);
    const { watermark } = await db.selectFrom('watermark').select('position as watermark').executeTakeFirstOrThrow();
    const answer = await get('/');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    const text = visible(answer.body);
    expect(text).toMatch(new RegExp(`Synced 12 minutes ago, up to (\\d+ \\w+, )?${watermark.slice(11, 16)} UTC\\.`));
    expect(text).toContain('3 new errors.');
    expect(text).toContain('by hand');
    expect(text).toContain('1,284 402 118 762 2 9');
    expect(text).toContain('LiveChat could not be reached (ETIMEDOUT)');
    expect(text).toContain('ready 2 Waits for the next run to deliver it to Marketo. 2 of them were sent before.');
    expect(text).toContain('ignored 273 Not to be delivered. no address 212 spam 61');
    expect(text).toContain('leads-lookup ok 200 4,200');
    expect(text).toContain('leads-update throttled 1 118');
    expect(text).toContain('leads-update no answer 1 118');
    expect(text).toMatch(/error Marketo refused a lead because of one of its values\. lead-refused 2/);
    expect(text).toContain('Look up the field in the error');
  });

  test('shows what comes from data as text, never as markup', async () => {
    const canary = '"><script>alert(1)</script>&amp;';
    const run = await addRun(db, { started: 5, ended: 4, outcome: 'failed', error: `error ${canary}`, name: canary });
    await addError(db, run, 'lead-refused', `message ${canary}`, `thread ${canary}`);
    await addThreads(db, 'ignored', 1, { reason: `reason ${canary}` });
    await addCall(db, `endpoint ${canary}`, {});
    const { body } = await get('/');
    expect(body).not.toContain('<script>');
    for (const word of ['error', 'message', 'thread', 'reason', 'endpoint']) {
      expect(body).toContain(`${word} &#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;amp;`);
    }
  });

  test('may run and load nothing but its own script, style and icon', async () => {
    const answer = await get('/');
    const policy = answer.headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['referrer-policy']).toBe('same-origin');
    expect(answer.body).not.toMatch(
      /<script(?! src="\/assets\/page\.js\?v=[\w-]+" defer><\/script>)|\sstyle=|\son[a-z]+=/,
    );
    const href = /rel="stylesheet" href="([^"]+)"/.exec(answer.body)?.[1] ?? '';
    const style = await get(href);
    expect(style.headers['content-type']).toBe('text/css; charset=utf-8');
    expect(style.headers['cache-control']).toContain('immutable');
    const again = await app.inject({ url: href, headers: { 'if-none-match': String(style.headers['etag']) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  test('says so where there was no run yet', async () => {
    const text = visible((await get('/')).body);
    expect(text).toContain('No run yet.');
    expect(text).toContain('No sync run has been started yet.');
    expect(text).toContain('No call in the last 24 hours.');
    expect(text).toContain('None since the last digest.');
  });

  test('shows no address, not even one that a message should not have had', async () => {
    const run = await addRun(db, {
      started: 5,
      ended: 4,
      outcome: 'failed',
      error: 'no lead for maria.canary@example.com.',
    });
    await addError(db, run, 'lead-refused', 'value maria.canary@example.com refused', 'maria.canary@example.com');
    await addThreads(db, 'ignored', 2, { reason: 'maria.canary@example.com' });
    for (const path of ['/', '/api/v1/status', '/api/v1/runs', `/api/v1/runs/${run}`, '/api/v1/errors']) {
      const { body, statusCode } = await get(path);
      expect([path, statusCode]).toEqual([path, 200]);
      expect(body).not.toContain('maria.canary');
    }
    expect((await get('/')).body).toContain('m•••@example.com');
  });
});

describe('the API', () => {
  test('tells the status as the page does', async () => {
    await tellStory(db);
    const status = Status.parse((await get('/api/v1/status')).json());
    expect(status.verdict.tone).toBe('attention');
    expect(status.verdict.text).toMatch(/^Synced 12 minutes ago, up to .* UTC\. 3 new errors\.$/);
    expect(status.ledger).toEqual({ open: 4, ready: 2, synced: 1520, ignored: 273, dead: 1 });
    expect(status.lastRun.counts).toMatchObject({ created: 402 });
    expect(status.lastRun.tookSeconds).toBeCloseTo(120, 0);
    expect(status.newErrors.map((kind) => [kind.code, kind.errors, kind.severity])).toEqual(
      expect.arrayContaining([
        ['lead-refused', 2, 'error'],
        ['lead-duplicates', 1, 'warning'],
      ]),
    );
  });

  test('pages through every run once, newest first', async () => {
    for (let run = 0; run < 7; run++) await addRun(db, { started: 60 - run, ended: 59 - run });
    const ids: number[] = [];
    let next: string | null = '/api/v1/runs?limit=3';
    while (next !== null) {
      const page: z.infer<typeof RunsPage> = RunsPage.parse((await get(next)).json());
      ids.push(...page.runs.map((run) => run.id));
      next = page.next;
    }
    expect(ids).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  test('pages through the errors of one code', async () => {
    const run = await addRun(db, { started: 5, ended: 4 });
    for (let error = 0; error < 5; error++) {
      await addError(db, run, error === 2 ? 'thread-dead' : 'lead-refused', `message ${error}`, `thread-${error}`);
    }
    const first = ErrorsPage.parse((await get('/api/v1/errors?code=lead-refused&limit=3')).json());
    expect(first.errors.map((error) => error.threadId)).toEqual(['thread-4', 'thread-3', 'thread-1']);
    expect(first.errors[0]?.todo).toContain('Look up the field');
    const second = ErrorsPage.parse((await get(first.next ?? '')).json());
    expect([second.errors.map((error) => error.threadId), second.next]).toEqual([['thread-0'], null]);
  });

  test('tells one run with its errors, and its calls by endpoint and outcome', async () => {
    const run = await addRun(db, { started: 5, ended: 4, counts: { seen: 3 } });
    await addRun(db, { started: 2, ended: 1 });
    await addError(db, run, 'lead-refused', 'message', 'thread-1');
    await addCall(db, 'leads-lookup', { records: 3, runId: run });
    await addCall(db, 'leads-lookup', { records: 2, runId: run });
    for (const outcome of ['throttled', 'failed', 'failed', 'refused', 'no-answer'] as const) {
      await addCall(db, 'leads-update', { outcome, runId: run });
    }
    const { run: told, errors, errorCount, calls } = (await get(`/api/v1/runs/${run}`)).json();
    expect(told).toMatchObject({ id: run, outcome: 'done', counts: { seen: 3 } });
    expect([errorCount, errors.length, errors[0].threadId]).toEqual([1, 1, 'thread-1']);
    expect(calls).toEqual([
      { endpoint: 'leads-lookup', outcome: 'ok', calls: 2, records: 5 },
      { endpoint: 'leads-update', outcome: 'failed', calls: 2, records: 0 },
      { endpoint: 'leads-update', outcome: 'no-answer', calls: 1, records: 0 },
      { endpoint: 'leads-update', outcome: 'refused', calls: 1, records: 0 },
      { endpoint: 'leads-update', outcome: 'throttled', calls: 1, records: 0 },
    ]);
  });

  test.each([
    '/api/v1/runs?limit=0',
    '/api/v1/runs?limit=many',
    '/api/v1/runs?limit=201',
    '/api/v1/runs?before=-1',
    '/api/v1/runs?before=99999999999999999999',
    '/api/v1/runs?limit=1&limit=2',
    '/api/v1/runs?unknown=1',
    '/api/v1/runs/first',
    '/api/v1/errors?code=%27%20or%201',
    '/api/v1/status?x=1',
  ])('refuses %s with 400 and a problem', async (path) => {
    const answer = await get(path);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: expect.stringMatching(/^(Querystring|Params).*\.$/),
    });
  });

  test('answers for what is not there with 404: a problem, and a page to a browser outside of the API', async () => {
    for (const path of ['/api/v1/runs/999', '/api/nothing', '/nothing?secret=1']) {
      const answer = await get(path);
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ]);
      expect(answer.json()).toMatchObject({ status: 404, title: 'Not Found' });
      expect(answer.body).not.toContain('secret');
    }
    const page = await get('/nothing', 'text/html,*/*;q=0.8');
    expect([page.statusCode, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.body).toContain('There is nothing here.');
    expect((await get('/api/nothing', 'text/html')).headers['content-type']).toContain('problem+json');
  });

  test('changes nothing without a token: what acts is refused, every other method is not there', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH'] as const) {
      expect((await app.inject({ method, url: '/api/v1/runs' })).statusCode).toBe(404);
    }
    for (const url of ['/api/v1/runs', '/api/v1/dead/replay', '/api/v1/dead/dismiss']) {
      expect((await app.inject({ method: 'POST', url, payload: { all: true } })).statusCode).toBe(403);
    }
  });
});

describe('the probes', () => {
  test('say ready where the schema fits', async () => {
    expect((await get('/healthz')).statusCode).toBe(200);
    expect((await get('/readyz')).statusCode).toBe(200);
  });

  test('say not ready, and page and metrics say why, where the tables are missing, and ready once they are there', async () => {
    const bare = await emptyDatabase();
    const bareReadings = openReadings(bare.url, SCHEMA, 5000);
    const bareApp = buildApp({ readings: bareReadings, log: silent, syncInterval: HOUR });
    const ready = await bareApp.inject('/readyz');
    expect([ready.statusCode, ready.json().detail]).toEqual([503, expect.stringContaining('run migrate first')]);
    expect(visible((await bareApp.inject('/')).body)).toContain('run migrate first');
    expect((await bareApp.inject('/metrics')).body).toContain('lcm_database_up 0');
    const bareDb = await openDatabase(bare.url, SCHEMA);
    await migrate(bareDb, SCHEMA);
    expect((await bareApp.inject('/readyz')).statusCode).toBe(200);
    expect((await bareApp.inject('/metrics')).body).toContain('lcm_database_up 1');
    // From then on the page stays within reach, and says what is wrong.
    await sql`drop schema ${sql.id(SCHEMA)} cascade`.execute(bareDb);
    expect((await bareApp.inject('/readyz')).statusCode).toBe(200);
    expect(visible((await bareApp.inject('/')).body)).toContain('run migrate first');
    expect((await bareApp.inject('/metrics')).body).toContain('lcm_database_up 0');
    await bareDb.destroy();
    await bareApp.close();
    await bareReadings.close();
    await bare.drop();
  });

  test('say what is wrong with the way to the database, without its host, name or user', async () => {
    const wrong = (change: (to: URL) => void) => {
      const to = new URL(url);
      change(to);
      return to.href;
    };
    for (const [at, detail] of [
      [wrong((to) => (to.pathname = '/canary')), 'The database that DATABASE_URL names does not exist.'],
      [wrong((to) => (to.password = 'canary')), 'The database refused this service’s user or password.'],
      [wrong((to) => (to.port = '9')), 'The database cannot be reached.'],
      [
        wrong((to) => to.searchParams.set('sslmode', 'verify-full')),
        'The database cannot be read as it is configured; the service’s log says why.',
      ],
    ] as const) {
      const lost = openReadings(at, SCHEMA, 5000);
      const lostApp = buildApp({ readings: lost, log: silent, syncInterval: HOUR });
      for (const path of ['/readyz', '/api/v1/status']) {
        const answer = await lostApp.inject(path);
        expect([answer.statusCode, answer.json().detail]).toEqual([503, detail]);
      }
      expect(visible((await lostApp.inject('/')).body)).toContain(detail);
      await lostApp.close();
      await lost.close();
    }
  });

  test('say not ready where the schema is newer than this release', async () => {
    const table = sql.table(`${SCHEMA}.kysely_migration`);
    await sql`insert into ${table} values ('9999_of_the_future', '2030-01-01T00:00:00Z')`.execute(db);
    const starting = buildApp({ readings, log: silent, syncInterval: HOUR });
    const ready = await starting.inject('/readyz');
    await starting.close();
    await sql`delete from ${table} where name = '9999_of_the_future'`.execute(db);
    expect([ready.statusCode, ready.json().detail]).toEqual([503, expect.stringContaining('9999_of_the_future')]);
  });
});

test('an error nobody foresaw is a problem without a word about it, and no stack', async () => {
  const broken = buildApp({
    readings: { ...readings, read: () => Promise.reject(new Error('secret detail')) },
    log: silent,
    syncInterval: HOUR,
  });
  for (const path of ['/', '/api/v1/status', '/metrics']) {
    const answer = await broken.inject(path);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      500,
      'application/problem+json; charset=utf-8',
    ]);
    expect(answer.body).not.toMatch(/secret|at \w+.*\.ts/);
  }
  await broken.close();
});

test('a run that is at work is told, and so is one that gives no sign of life', async () => {
  await addRun(db, { started: 70, ended: 69 });
  await db
    .insertInto('watermark')
    .values({ stream: 'livechat', position: minutesAgo(80) })
    .execute();
  const id = await addRun(db, { started: 3, heartbeat: -0.5 });
  expect(visible((await get('/')).body)).toContain('A run is at work, started 3 minutes ago.');
  await db
    .updateTable('run')
    .set({ heartbeat_at: minutesAgo(2.9) })
    .where('id', '=', id)
    .execute();
  const text = visible((await get('/')).body);
  expect(text).toContain('A run that started 3 minutes ago gives no sign of life.');
  expect(text).toContain('silent');
});

/** The text of a page, as one line. */
function visible(body: string): string {
  return body
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, ' ');
}

const Status = z.object({
  verdict: z.object({ tone: z.string(), text: z.string() }),
  ledger: z.record(z.string(), z.number()),
  lastRun: z.object({ counts: z.record(z.string(), z.number()), tookSeconds: z.number() }),
  newErrors: z.array(z.object({ code: z.string(), errors: z.number(), severity: z.string() })),
});
const RunsPage = z.object({ runs: z.array(z.object({ id: z.number() })), next: z.string().nullable() });
const ErrorsPage = z.object({
  errors: z.array(z.object({ threadId: z.string(), todo: z.string() })),
  next: z.string().nullable(),
});
