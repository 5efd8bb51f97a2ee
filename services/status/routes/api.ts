import etag from '@fastify/etag';
import swagger, { type FastifyDynamicSwaggerOptions as SwaggerOptions } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { catalogueEntry } from '../../shared/runtime/catalogue.ts';
import { instantOf, millisecondsOf } from '../../shared/runtime/instant.ts';
import { listCalls } from '../../shared/store/readings-calls.ts';
import { type ErrorReading, listErrors, listRuns, type RunReading, readRun } from '../../shared/store/readings-runs.ts';
import { listDead, type ThreadReading } from '../../shared/store/readings-threads.ts';
import { readThreadStory } from '../../shared/store/story.ts';
import { bearerOf, type Viewer } from '../access.ts';
import { newRequest } from '../cluster/watch.ts';
import { conceal } from '../conceal.ts';
import type { StatusContext } from '../context.ts';
import { fieldChanges, type Written } from '../page/changes-table.ts';
import { address, value } from '../page/parts.ts';
import { sendProblem } from '../problem.ts';
import { verdict } from '../verdict.ts';
import { version } from '../version.ts';
import { actOnDead } from './actions.ts';
import {
  callsAnswer,
  changedAnswer,
  clusterAnswer,
  deadAnswer,
  errorsAnswer,
  type RunJson,
  runAnswer,
  runsAnswer,
  startedAnswer,
  statusAnswer,
  threadAnswer,
} from './answers.ts';
import {
  callsQuery,
  deadQuery,
  errorsQuery,
  noQuery,
  runParameters,
  runsQuery,
  startedJob,
  threadParameters,
  whichDead,
} from './parameters.ts';

/**
 * `/api/v1`: what the pages show, as JSON, and what they do. Lists come newest first; `next` leads to the older entries.
 * Actions take the token as Bearer and nothing else: a cookie would be sent by other sites' scripts too.
 */
export function api(context: StatusContext) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setSerializerCompiler(serializerCompiler);
    await app.register(etag);
    await app.register(swagger, { openapi: DOCUMENT, transform: jsonSchemaTransform });
    // Not earlier: guesses must count against the rate limit, whose hook is onRequest.
    app.addHook('preValidation', async (request, reply) => {
      const bearer = bearerOf(request);
      if (bearer !== undefined && !context.access.isToken(bearer)) {
        context.log.warn({ address: request.ip }, 'somebody gave a token that is not this service’s');
        reply.header('www-authenticate', 'Bearer');
        return sendProblem(
          reply,
          401,
          'The token is not this service’s: give STATUS_TOKEN’s value, or none to read only.',
        );
      }
      // The answer is for this caller, and may be kept only if it is asked for again each time (by its ETag).
      reply.header('cache-control', 'private, no-cache').header('vary', 'authorization, cookie');
    });
    await app.register(swaggerUi, {
      routePrefix: '/api/docs',
      staticCSP: DOCS_POLICY,
      uiConfig: { tryItOutEnabled: true },
    });
    app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger());
    readRoutes(app, context);
    actRoutes(app, context);
  };
}

/** For each route, and by address. */
const RATE_LIMIT = { rateLimit: { max: 300, timeWindow: '1 minute' } };

function readRoutes(app: FastifyInstance, context: StatusContext): void {
  const { readings, overview, cluster, access, syncInterval, dailyCalls } = context;
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.get(
    '/api/v1/status',
    {
      schema: { summary: 'How things stand', tags: ['reading'], querystring: noQuery, response: { 200: statusAnswer } },
      config: RATE_LIMIT,
    },
    async () => {
      const now = await overview.get();
      const { tone, headline, details } = verdict(now, syncInterval, cluster.view());
      return {
        at: now.now,
        verdict: { tone, text: [headline, ...details].join(' ') },
        syncIntervalSeconds: syncInterval / 1000,
        watermark: now.watermark,
        lastSuccess: now.lastSuccess && runJson(now.lastSuccess),
        lastRun: now.lastEnded && runJson(now.lastEnded),
        working: now.working && runJson(now.working),
        lastDigestAt: now.lastDigestAt,
        ledger: now.ledger,
        newErrors: now.newErrors.map((kind) => ({
          ...kind,
          ...explanation(kind.code),
          message: conceal(kind.message),
          threadId: kind.threadId && conceal(kind.threadId),
        })),
        callsOf24Hours: now.calls,
        limits: now.limits && {
          instance: now.limits.instance,
          windowSeconds: now.limits.windowSeconds,
          windowCalls: { held: now.limits.rateHeld, cap: now.limits.cap, configured: now.limits.configured },
          inFlight: { held: now.limits.inFlightHeld, cap: now.limits.concurrency },
          dayCalls: { made: now.limits.dayCalls ?? 0, cap: dailyCalls },
        },
      };
    },
  );

  typed.get(
    '/api/v1/cluster',
    {
      schema: {
        summary: 'Schedules and jobs of this release',
        tags: ['reading'],
        querystring: noQuery,
        response: { 200: clusterAnswer },
      },
      config: RATE_LIMIT,
    },
    async () => {
      const view = cluster.view();
      return view.state === 'unknown' ? view : { ...view, at: instantOf(view.at) };
    },
  );

  typed.get(
    '/api/v1/runs',
    {
      schema: {
        summary: 'Runs, newest first',
        tags: ['reading'],
        querystring: runsQuery,
        response: { 200: runsAnswer },
      },
      config: RATE_LIMIT,
    },
    async ({ query: { before, limit, ...which } }) => {
      const page = await readings.read((db) => listRuns(db, before, limit, which));
      return { runs: page.entries.map(runJson), next: nextOf('/api/v1/runs', page.next, { limit, ...which }) };
    },
  );

  typed.get(
    '/api/v1/runs/:id',
    {
      schema: {
        summary: 'One run: what it did, wrote, and what went wrong',
        tags: ['reading'],
        params: runParameters,
        querystring: noQuery,
        response: { 200: runAnswer },
      },
      config: RATE_LIMIT,
    },
    async (request, reply) => {
      const { id } = request.params;
      const viewer = access.viewer(request);
      const found = await readings.read((db) => readRun(db, id));
      if (!found) return sendProblem(reply, 404, `There is no run ${id}.`);
      return reply.send({
        run: runJson(found.run),
        errorCount: found.errorCount,
        errors: found.errors.map(errorJson),
        changeCount: found.changeCount,
        changes: found.changes.map((write) => writeJson(write, id, write.threadId, viewer)),
        calls: found.calls,
      });
    },
  );

  typed.get(
    '/api/v1/errors',
    {
      schema: {
        summary: 'Errors, newest first',
        tags: ['reading'],
        querystring: errorsQuery,
        response: { 200: errorsAnswer },
      },
      config: RATE_LIMIT,
    },
    async ({ query: { before, limit, ...which } }) => {
      const page = await readings.read((db) => listErrors(db, before, limit, which));
      return { errors: page.entries.map(errorJson), next: nextOf('/api/v1/errors', page.next, { limit, ...which }) };
    },
  );

  typed.get(
    '/api/v1/calls',
    {
      schema: {
        summary: 'Calls to Marketo, newest first',
        tags: ['reading'],
        querystring: callsQuery,
        response: { 200: callsAnswer },
      },
      config: RATE_LIMIT,
    },
    async ({ query: { before, limit, ...which } }) => {
      const page = await readings.read((db) => listCalls(db, before, limit, which));
      return { calls: page.entries, next: nextOf('/api/v1/calls', page.next, { limit, ...which }) };
    },
  );

  typed.get(
    '/api/v1/dead',
    {
      schema: {
        summary: 'Dead threads, the last to die first',
        tags: ['reading'],
        querystring: deadQuery,
        response: { 200: deadAnswer },
      },
      config: RATE_LIMIT,
    },
    async (request) => {
      const { before, limit, code } = request.query;
      const viewer = access.viewer(request);
      const dead = await readings.read((db) => listDead(db, before, limit, code));
      return {
        codes: dead.codes.map(({ code: each, threads }) => ({ code: conceal(each), threads })),
        threads: dead.entries.map((thread) => threadJson(thread, viewer)),
        next: nextOf('/api/v1/dead', dead.next, { limit, code }),
      };
    },
  );

  typed.get(
    '/api/v1/threads/:id',
    {
      schema: {
        summary: 'One thread’s whole story',
        tags: ['reading'],
        params: threadParameters,
        querystring: noQuery,
        response: { 200: threadAnswer },
      },
      config: RATE_LIMIT,
    },
    async (request, reply) => {
      const viewer = access.viewer(request);
      const story = await readings.read((db) => readThreadStory(db, request.params.id));
      if (!story) return sendProblem(reply, 404, 'The ledger has no such thread.');
      const { thread, changes, errors } = story;
      const { visit, email, ...rest } = thread;
      return reply.send({
        thread: {
          ...rest,
          ...threadJson({ ...thread, email }, viewer),
          chatId: conceal(thread.chatId),
          visit: viewer.unlocked ? visit : null,
        },
        written: changes.map((write) => writeJson(write, write.runId, thread.threadId, viewer)),
        errors: errors.map((error) => ({ ...error, message: conceal(error.message), ...explanation(error.code) })),
      });
    },
  );
}

function actRoutes(app: FastifyInstance, context: StatusContext): void {
  const { access, cluster } = context;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  const options = {
    config: RATE_LIMIT,
    preValidation: async (request: FastifyRequest, reply: FastifyReply) => {
      if (access.isToken(bearerOf(request) ?? '')) return;
      if (!access.viewer(request).canUnlock) {
        return sendProblem(reply, 403, 'This service has no token (STATUS_TOKEN), so it changes nothing.');
      }
      reply.header('www-authenticate', 'Bearer');
      return sendProblem(reply, 401, 'This needs the token: send it as `Authorization: Bearer …`.');
    },
  };
  const security = [{ token: [] }];

  for (const action of ['replay', 'dismiss'] as const) {
    typed.post(
      `/api/v1/dead/${action}`,
      {
        ...options,
        schema: {
          summary: action === 'replay' ? 'Gives dead threads another life' : 'Lets dead threads rest',
          tags: ['acting'],
          security,
          body: whichDead,
          response: { 200: changedAnswer },
        },
      },
      async ({ body }, reply) => {
        const which = 'all' in body ? {} : body;
        const threads = await actOnDead(context, action, which);
        // After the action: threads may have died of what only another release has a name for.
        if (threads === 0 && 'code' in body && catalogueEntry(body.code) === undefined) {
          return sendProblem(reply, 400, `There is no error with the code ${body.code}: docs/runbook.md lists them.`);
        }
        return { threads };
      },
    );
  }

  typed.post(
    '/api/v1/runs',
    {
      ...options,
      schema: {
        summary: 'Starts a run now, as `kubectl create job --from` would',
        tags: ['acting'],
        security,
        body: startedJob,
        response: { 202: startedAnswer },
      },
    },
    async ({ body }, reply) => {
      const started = await cluster.runNow(body.job, newRequest());
      if (started.result === 'refused') return sendProblem(reply, 502, started.why);
      return reply.code(202).send({ job: started.job });
    },
  );
}

const DOCUMENT: NonNullable<SwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'LiveChat to Marketo: status',
    description:
      'What the sync did, what went wrong, and what became of one chat. Reading needs no token, and then shows addresses masked and no values; with the token they are shown, and dead threads and runs can be acted on. Errors are problems (RFC 9457).',
    version,
  },
  tags: [{ name: 'reading' }, { name: 'acting', description: 'Needs the token (STATUS_TOKEN).' }],
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
};

/**
 * Swagger UI's own files and nothing else; its style sheet holds its icons as data, and the hash is that of the one style
 * that it writes into the page itself.
 */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function nextOf(path: string, next: string | number | null, which: Record<string, string | number | undefined>) {
  if (next === null) return null;
  const given = Object.entries(which).flatMap(([name, each]) => (each === undefined ? [] : [[name, String(each)]]));
  return `${path}?${new URLSearchParams([['before', String(next)], ...given])}`;
}

function runJson(run: RunReading): RunJson {
  const { startedAt, finishedAt, windowFrom, windowTo, error, name, ...rest } = run;
  return {
    ...rest,
    name: name && conceal(name),
    startedAt,
    finishedAt,
    tookSeconds: finishedAt && (millisecondsOf(finishedAt) - millisecondsOf(startedAt)) / 1000,
    window: windowFrom && windowTo ? { from: windowFrom, to: windowTo } : null,
    error: error === null ? null : conceal(error),
  };
}

function errorJson(error: ErrorReading) {
  return {
    ...error,
    message: conceal(error.message),
    threadId: error.threadId && conceal(error.threadId),
    ...explanation(error.code),
  };
}

function threadJson({ email, ...thread }: ThreadReading, viewer: Viewer) {
  return {
    threadId: conceal(thread.threadId),
    address: email && address(email, viewer),
    state: thread.state,
    reason: thread.reason && conceal(thread.reason),
    attempts: thread.attempts,
    leadId: thread.leadId,
    startedAt: thread.startedAt,
    updatedAt: thread.updatedAt,
  };
}

function writeJson({ at, leadId, action, changes }: Written, runId: number, threadId: string, viewer: Viewer) {
  const shown = (of: unknown) => (viewer.unlocked ? of : value(of, viewer));
  return {
    at,
    runId,
    threadId: conceal(threadId),
    leadId,
    action,
    changes: fieldChanges(changes).map((each) => ({ ...each, from: shown(each.from), to: shown(each.to) })),
  };
}

/** What the catalogue says of a code; nothing where another release wrote it. */
function explanation(code: string) {
  const entry = catalogueEntry(code);
  return entry ? { severity: entry.severity, says: entry.says, todo: entry.todo } : {};
}
