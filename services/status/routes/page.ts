import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../../shared/runtime/failure.ts';
import { readOverview } from '../../shared/store/readings-overview.ts';
import type { StatusContext } from '../context.ts';
import { ASSETS } from '../page/assets.ts';
import { missingPage } from '../page/missing-page.ts';
import { statusPage, troublePage } from '../page/status-page.ts';
import { pathOf, sendProblem } from '../problem.ts';

/** The page at `/`, and its files. It still answers with 200, and says so, while the database cannot be read. */
export function pageRoutes(app: FastifyInstance, { readings, syncInterval }: StatusContext): void {
  app.get('/', async (_request, reply) => {
    try {
      const overview = await readings.read((db) => readOverview(db, RUNS_SHOWN));
      return sendPage(reply, 200, statusPage(overview, syncInterval));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return sendPage(reply, 200, troublePage(error.message));
    }
  });
  for (const { path, type, content, etag } of Object.values(ASSETS)) {
    app.get(path, async (request, reply) => {
      // The page names its files with their hash: what is behind one such address never changes.
      reply.header('cache-control', 'public, max-age=31536000, immutable').header('etag', etag);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(content);
    });
  }
}

/** Answers for a path that is nowhere: a page to a browser, a problem to everything else and below /api. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = pathOf(request);
  const wantsPage = request.headers.accept?.includes('text/html') === true && !path.startsWith('/api');
  if (wantsPage && request.method === 'GET') return sendPage(reply, 404, missingPage());
  return sendProblem(reply, 404, `There is nothing at ${request.method} ${path}.`);
}

/** Ten hours of an hourly sync: a working day, and a table that is still read at a glance. */
const RUNS_SHOWN = 10;

function sendPage(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page);
}
