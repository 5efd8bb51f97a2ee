import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { routesOf } from './routes.ts';
import { HOUR, silent, tellStory, tellThread } from './story.ts';

const { db, url } = await testDatabase();
const readings = openReadings(url, SCHEMA, 5000);
const TOKEN = 'a-token-of-the-tests-0123456789';
const app = buildApp({ readings, log: silent, syncInterval: HOUR, token: TOKEN });
afterAll(async () => {
  await app.close();
  await readings.close();
});

const Document = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        summary: z.string().min(5),
        responses: z.record(
          z.string(),
          z.object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })).optional() }),
        ),
        parameters: z.array(z.object({ name: z.string(), in: z.string(), schema: z.looseObject({}) })).optional(),
        requestBody: z.looseObject({}).optional(),
        security: z.array(z.looseObject({})).optional(),
      }),
    ),
  ),
});

async function document(): Promise<z.infer<typeof Document>> {
  return Document.parse((await app.inject('/api/openapi.json')).json());
}

test('the document has every route of the API, and nothing else', async () => {
  const { paths } = await document();
  const told = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(told.sort()).toEqual([
    'GET /api/v1/calls',
    'GET /api/v1/cluster',
    'GET /api/v1/dead',
    'GET /api/v1/errors',
    'GET /api/v1/runs',
    'GET /api/v1/runs/{id}',
    'GET /api/v1/status',
    'GET /api/v1/threads/{id}',
    'POST /api/v1/dead/dismiss',
    'POST /api/v1/dead/replay',
    'POST /api/v1/runs',
  ]);
  const routes = routesOf(app).filter(({ path }) => path.startsWith('/api/v1/'));
  expect(routes.map(({ method, path }) => `${method} ${path.replace(':id', '{id}')}`).sort()).toEqual(told);
  for (const methods of Object.values(paths))
    expect(methods['post']?.security ?? [{ token: [] }]).toEqual([{ token: [] }]);
});

test('every answer holds against the schema that the document gives for it', async () => {
  await tellStory(db);
  const { synced, dead, run } = await tellThread(db);
  const { paths } = await document();
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const [path, at] of [
    ['/api/v1/status', '/api/v1/status'],
    ['/api/v1/cluster', '/api/v1/cluster'],
    ['/api/v1/runs', '/api/v1/runs?limit=3'],
    ['/api/v1/runs/{id}', `/api/v1/runs/${run}`],
    ['/api/v1/errors', '/api/v1/errors?state=new&limit=2'],
    ['/api/v1/calls', '/api/v1/calls?outcome=throttled'],
    ['/api/v1/dead', '/api/v1/dead?limit=1'],
    ['/api/v1/threads/{id}', `/api/v1/threads/${synced}`],
    ['/api/v1/threads/{id}', `/api/v1/threads/${dead}`],
  ] as const) {
    const schema = paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema;
    if (!schema) throw new Error(`${path} has no schema`);
    const validate = ajv.compile(schema);
    for (const authorization of [undefined, `Bearer ${TOKEN}`]) {
      const answer = await app.inject({ url: at, headers: authorization === undefined ? {} : { authorization } });
      expect([path, answer.statusCode]).toEqual([path, 200]);
      expect([path, validate(answer.json()), validate.errors]).toEqual([path, true, null]);
    }
  }
});

test('pages through dead threads and calls once each, newest first, and keeps to the filter', async () => {
  const Dead = z.object({ threads: z.array(z.object({ threadId: z.string() })), next: z.string().nullable() });
  const seen: string[] = [];
  for (let next: string | null = '/api/v1/dead?limit=1'; next !== null; ) {
    const page: z.infer<typeof Dead> = Dead.parse((await app.inject(next)).json());
    seen.push(...page.threads.map(({ threadId }) => threadId));
    next = page.next;
  }
  expect(seen).toEqual(['dead-refused-8-0', 'DEAD000001']);
  const Calls = z.object({
    calls: z.array(z.object({ id: z.number(), endpoint: z.string() })),
    next: z.string().nullable(),
  });
  const calls: z.infer<typeof Calls>['calls'] = [];
  for (let next: string | null = '/api/v1/calls?endpoint=leads-create&limit=4'; next !== null; ) {
    const page: z.infer<typeof Calls> = Calls.parse((await app.inject(next)).json());
    calls.push(...page.calls);
    next = page.next;
  }
  const rows = await db
    .selectFrom('marketo_call')
    .select('id')
    .where('endpoint', '=', 'leads-create')
    .orderBy('id', 'desc')
    .execute();
  expect(calls.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
});

test('an API client gone wild is told to wait, and what Kubernetes and Prometheus ask for is not', async () => {
  const from = '10.7.7.7';
  const statuses = new Set<number>();
  for (let count = 0; count < 301; count++) {
    const { statusCode } = await app.inject({ url: '/api/v1/cluster', remoteAddress: from });
    statuses.add(statusCode);
  }
  expect([...statuses]).toEqual([200, 429]);
  const refused = await app.inject({ url: '/api/v1/cluster', remoteAddress: from });
  expect([refused.statusCode, refused.headers['content-type']]).toEqual([
    429,
    'application/problem+json; charset=utf-8',
  ]);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect((await app.inject({ url: '/healthz', remoteAddress: from })).statusCode).toBe(200);
  expect((await app.inject({ url: '/api/v1/cluster', remoteAddress: '10.7.7.8' })).statusCode).toBe(200);
});
