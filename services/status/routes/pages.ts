import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Failure } from '../../shared/runtime/failure.ts';
import { listCalls } from '../../shared/store/readings-calls.ts';
import { databaseNow, listErrors, listRuns, readRun } from '../../shared/store/readings-runs.ts';
import { listDead } from '../../shared/store/readings-threads.ts';
import { readThreadStory } from '../../shared/store/story.ts';
import type { StatusContext } from '../context.ts';
import { callsPage } from '../page/calls-page.ts';
import { deadPage } from '../page/dead-page.ts';
import { errorsPage } from '../page/errors-page.ts';
import { runPage } from '../page/run-page.ts';
import { runsPage } from '../page/runs-page.ts';
import { statusPage, troublePage } from '../page/status-page.ts';
import { findPage, threadPage } from '../page/thread-page.ts';
import { refuse, sendPage } from '../problem.ts';
import {
  callsQuery,
  deadQuery,
  errorsQuery,
  findQuery,
  noQuery,
  runParameters,
  runsQuery,
  threadParameters,
} from './parameters.ts';

/** The pages. The first still answers with 200, and says so, while the database cannot be read; the others with 503. */
export function pageRoutes(app: FastifyInstance, context: StatusContext): void {
  const { readings, overview, cluster, access, syncInterval, dailyCalls } = context;
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.get('/', async (request, reply) => {
    const viewer = access.viewer(request);
    try {
      return sendPage(
        reply,
        200,
        statusPage(await overview.get(), cluster.view(), { interval: syncInterval, dailyCalls }, viewer),
      );
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return sendPage(reply, 200, troublePage(error.message, viewer));
    }
  });

  typed.get('/runs', { schema: { querystring: runsQuery } }, async (request, reply) => {
    const { before, limit, ...which } = request.query;
    const [now, page] = await readings.read((db) => Promise.all([databaseNow(db), listRuns(db, before, limit, which)]));
    return sendPage(reply, 200, runsPage(page, which, now, access.viewer(request)));
  });

  typed.get('/runs/:id', { schema: { params: runParameters, querystring: noQuery } }, async (request, reply) => {
    const { id } = request.params;
    const [now, found] = await readings.read((db) => Promise.all([databaseNow(db), readRun(db, id)]));
    if (!found) return refuse(request, reply, 404, `There is no run ${id}.`);
    return sendPage(reply, 200, runPage(found, now, access.viewer(request)));
  });

  typed.get('/errors', { schema: { querystring: errorsQuery } }, async (request, reply) => {
    const { before, limit, ...which } = request.query;
    const [now, page] = await readings.read((db) =>
      Promise.all([databaseNow(db), listErrors(db, before, limit, which)]),
    );
    return sendPage(reply, 200, errorsPage(page, which, now, access.viewer(request)));
  });

  typed.get('/calls', { schema: { querystring: callsQuery } }, async (request, reply) => {
    const { before, limit, ...which } = request.query;
    const [now, page] = await readings.read((db) =>
      Promise.all([databaseNow(db), listCalls(db, before, limit, which)]),
    );
    return sendPage(reply, 200, callsPage(page, which, now, access.viewer(request)));
  });

  const done = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();
  const deadPageQuery = deadQuery.extend({ replayed: done, dismissed: done });
  typed.get('/dead', { schema: { querystring: deadPageQuery } }, async (request, reply) => {
    const { before, limit, code, replayed, dismissed } = request.query;
    const [now, dead] = await readings.read((db) => Promise.all([databaseNow(db), listDead(db, before, limit, code)]));
    return sendPage(reply, 200, deadPage(dead, { code, replayed, dismissed }, now, access.viewer(request)));
  });

  typed.get('/threads', { schema: { querystring: findQuery } }, async (request, reply) => {
    const text = request.query.text?.trim();
    const viewer = access.viewer(request);
    if (text === undefined || text.includes('@')) {
      return sendPage(reply, 200, findPage(viewer, text !== undefined));
    }
    return toThread(reply, text);
  });

  typed.get('/threads/:id', { schema: { params: threadParameters, querystring: noQuery } }, async (request, reply) => {
    const { id } = request.params;
    const [now, story] = await readings.read((db) => Promise.all([databaseNow(db), readThreadStory(db, id)]));
    if (!story) {
      return refuse(
        request,
        reply,
        404,
        'The ledger has no such thread: check its id, or backfill the time it is from.',
      );
    }
    return sendPage(reply, 200, threadPage(story, now, access.viewer(request)));
  });
}

function toThread(reply: FastifyReply, id: string): FastifyReply {
  return reply.header('cache-control', 'no-store').redirect(`/threads/${encodeURIComponent(id)}`, 303);
}
