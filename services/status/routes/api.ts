import type { FastifyInstance } from 'fastify';
import { catalogueEntry } from '../../shared/runtime/catalogue.ts';
import { millisecondsOf } from '../../shared/runtime/instant.ts';
import { readOverview } from '../../shared/store/readings-overview.ts';
import { type ErrorReading, listErrors, listRuns, type RunReading, readRun } from '../../shared/store/readings-runs.ts';
import { conceal } from '../conceal.ts';
import type { StatusContext } from '../context.ts';
import { sendProblem } from '../problem.ts';
import { verdict } from '../verdict.ts';

/** `/api/v1`: what the page shows, as JSON. Lists come newest first; `next` leads to the older entries. */
export function apiRoutes(app: FastifyInstance, { readings, syncInterval }: StatusContext): void {
  app.get('/api/v1/status', { schema: { querystring: NO_PARAMETERS } }, async (_request, reply) => {
    const overview = await readings.read((db) => readOverview(db, 1));
    const { tone, headline, details } = verdict(overview, syncInterval);
    return reply.header('cache-control', 'no-store').send({
      at: overview.now,
      verdict: { tone, text: [headline, ...details].join(' ') },
      syncIntervalSeconds: syncInterval / 1000,
      watermark: overview.watermark,
      lastSuccess: overview.lastSuccess && runJson(overview.lastSuccess),
      lastRun: overview.lastEnded && runJson(overview.lastEnded),
      working: overview.working && runJson(overview.working),
      lastDigestAt: overview.lastDigestAt,
      ledger: overview.ledger,
      newErrors: overview.newErrors.map((kind) => ({
        ...kind,
        ...explanation(kind.code),
        message: conceal(kind.message),
        threadId: kind.threadId && conceal(kind.threadId),
      })),
      callsOf24Hours: overview.calls,
    });
  });

  app.get<{ Querystring: PageQuery }>(
    '/api/v1/runs',
    { schema: { querystring: pageQuery({}) } },
    async ({ query }, reply) => {
      const page = await readings.read((db) => listRuns(db, query.before, query.limit));
      const next = page.next === null ? null : `/api/v1/runs?before=${page.next}&limit=${query.limit}`;
      return reply.header('cache-control', 'no-store').send({ runs: page.entries.map(runJson), next });
    },
  );

  app.get<{ Params: { id: number } }>(
    '/api/v1/runs/:id',
    { schema: { params: RUN_PARAMETERS, querystring: NO_PARAMETERS } },
    async ({ params }, reply) => {
      const found = await readings.read((db) => readRun(db, params.id));
      if (!found) return sendProblem(reply, 404, `There is no run ${params.id}.`);
      return reply.header('cache-control', 'no-store').send({
        run: runJson(found.run),
        errorCount: found.errorCount,
        errors: found.errors.map(errorJson),
        calls: found.calls,
      });
    },
  );

  app.get<{ Querystring: PageQuery & { code?: string } }>(
    '/api/v1/errors',
    { schema: { querystring: pageQuery({ code: { type: 'string', pattern: '^[a-z0-9-]{1,64}$' } }) } },
    async ({ query }, reply) => {
      const page = await readings.read((db) => listErrors(db, query.before, query.limit, query.code));
      const code = query.code === undefined ? '' : `&code=${query.code}`;
      const next = page.next === null ? null : `/api/v1/errors?before=${page.next}&limit=${query.limit}${code}`;
      return reply.header('cache-control', 'no-store').send({ errors: page.entries.map(errorJson), next });
    },
  );
}

type PageQuery = { before?: number; limit: number };

const ID = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const NO_PARAMETERS = { type: 'object', additionalProperties: false, properties: {} };
const RUN_PARAMETERS = { type: 'object', additionalProperties: false, required: ['id'], properties: { id: ID } };

function pageQuery(more: Record<string, object>) {
  return {
    type: 'object',
    additionalProperties: false,
    properties: { before: ID, limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 }, ...more },
  };
}

function runJson(run: RunReading) {
  const { startedAt, finishedAt, windowFrom, windowTo, error, ...rest } = run;
  return {
    ...rest,
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

/** What the catalogue says of a code; nothing where another release wrote it. */
function explanation(code: string) {
  const entry = catalogueEntry(code);
  return entry ? { severity: entry.severity, says: entry.says, todo: entry.todo } : {};
}
