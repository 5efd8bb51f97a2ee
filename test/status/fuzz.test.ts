import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { routesOf } from './routes.ts';
import { HOUR, silent, tellStory, tellThread } from './story.ts';

const TOKEN = 'a-token-of-the-tests-0123456789';
const { db, url } = await testDatabase();
await tellStory(db);
await tellThread(db, '"><script>');
const readings = openReadings(url, SCHEMA, 5000);
const app = buildApp({ readings, log: silent, syncInterval: HOUR, token: TOKEN });
await app.ready();
afterAll(async () => {
  await app.close();
  await readings.close();
});

const ROUTES = routesOf(app);

const NAMES = [
  'before',
  'limit',
  'code',
  'run',
  'state',
  'job',
  'endpoint',
  'outcome',
  'text',
  'replayed',
  'dismissed',
  'id',
  '__proto__',
];

const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1',
    '9007199254740991',
    '9007199254740992',
    '1e3',
    '0x10',
    'NaN',
    '\0',
    'a\0b',
    "' or 1=1 --",
  ),
  fc.constantFrom(
    'new',
    'sync',
    'ok',
    'lead-refused',
    'leads-lookup',
    '2026-11-24T14:07:11.000000Z~x',
    '2026-99-24T14:07:11.000000Z~x',
  ),
  fc.constantFrom('../../etc/passwd', '%00', '%', '%ff', 'x'.repeat(5000), '💥', '\ud800'),
  fc.integer().map(String),
);

/** A path's or query's part as a client might send it: escaped as it should be, or not at all. */
const part = fc.tuple(anything, fc.boolean()).map(([text, raw]) => {
  if (raw) return text.replace(/[^\x21-\x7e]|[ ?#/]/g, '');
  return encodeURIComponent(text.toWellFormed());
});

const request = fc.record({
  route: fc.constantFrom(...ROUTES),
  parts: fc.array(part, { minLength: 3, maxLength: 3 }),
  query: fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), part), part), { maxLength: 4 }),
  body: fc.oneof(
    fc.dictionary(
      fc.constantFrom('code', 'threadIds', 'all', 'job', 'formKey', 'thread', 'token', 'request'),
      fc.jsonValue(),
    ),
    fc.jsonValue(),
  ),
  asForm: fc.boolean(),
  accept: fc.constantFrom('text/html', '*/*', 'application/json'),
  bearer: fc.constantFrom(undefined, TOKEN, 'wrong'),
  cookie: fc.oneof(fc.constant(undefined), fc.string({ unit: 'grapheme-ascii', maxLength: 30 })),
});

test('whatever a request holds, on every route, it is answered, and never with 500', async () => {
  expect(ROUTES.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/api/v1/threads/:id', '/runs/:id', '/dead/replay']),
  );
  const answered = new Map<string, number>();
  let caller = 0;
  await fc.assert(
    fc.asyncProperty(request, async ({ route, parts, query, body, asForm, accept, bearer, cookie }) => {
      const rest = [...parts];
      const path = route.path.replace(/:\w+|\*/g, () => rest.pop() || 'x');
      const search = query.map(([name, value]) => `${name}=${value}`).join('&');
      const withBody = route.method === 'POST';
      const type = asForm ? 'application/x-www-form-urlencoded' : 'application/json';
      const answer = await app.inject({
        method: route.method,
        url: search === '' ? path : `${path}?${search}`,
        remoteAddress: `10.${(caller >> 16) & 255}.${(caller >> 8) & 255}.${caller++ & 255}`,
        headers: {
          accept,
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(cookie === undefined ? {} : { cookie: `lcm_session=${cookie}` }),
          ...(withBody ? { 'content-type': type } : {}),
        },
        ...(withBody ? { payload: asForm ? formOf(body) : JSON.stringify(body) } : {}),
      });
      expect(answer.statusCode).toBeLessThan(500);
      if (answer.statusCode === 200) answered.set(route.path, (answered.get(route.path) ?? 0) + 1);
      expect(answer.body).not.toMatch(/\n\s+at \S+ \(|node_modules\/|select "/);
    }),
    { numRuns: 1500 },
  );
  // Else it would have looked at refusals alone.
  for (const path of ['/', '/runs', '/errors', '/calls', '/dead', '/api/v1/runs', '/api/v1/errors', '/api/v1/dead']) {
    expect([path, answered.get(path) ?? 0]).toEqual([path, expect.toSatisfy((count: number) => count > 0)]);
  }
}, 60_000);

function formOf(body: unknown): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(typeof body === 'object' && body !== null ? body : { token: body })) {
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return form.toString();
}
