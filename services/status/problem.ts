import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../shared/runtime/failure.ts';
import { missingPage, problemPage } from './page/problem-page.ts';

/** Answers with a problem (RFC 9457): what went wrong, in one sentence for the caller. */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }));
}

/** Answers with a page; no copy of it is kept anywhere. */
export function sendPage(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page);
}

/** The same as a page to a browser outside of the API, else as a problem. */
export function refuse(request: FastifyRequest, reply: FastifyReply, status: number, detail: string): FastifyReply {
  return wantsPage(request) ? sendPage(reply, status, problemPage(detail)) : sendProblem(reply, status, detail);
}

/**
 * Turns what a route threw into an answer: a database that cannot be read is 503 with its sentence, a request that
 * does not hold is 4xx with what is wrong with it, everything else 500 and nothing about it but in the log.
 */
export function answerError(error: FastifyError | Failure, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Failure) return refuse(request, reply, 503, error.message);
  const status = error.statusCode ?? 500;
  if (status === 429) return refuse(request, reply, 429, 'Too many requests: try again in a minute.');
  if (status >= 400 && status < 500) return refuse(request, reply, status, sentence(error.message));
  request.log.error(
    { err: error, method: request.method, path: pathOf(request) },
    'a request failed for no known reason',
  );
  return refuse(request, reply, 500, 'Something went wrong here; the service’s log says what.');
}

/** Answers for a path that is nowhere: a page to a browser, a problem to everything else and below /api. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (wantsPage(request) && request.method === 'GET') return sendPage(reply, 404, missingPage());
  return sendProblem(reply, 404, `There is nothing at ${request.method} ${pathOf(request)}.`);
}

/** The path of a request without its query, which is the caller's and has no place in a log or an answer. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}

function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') === true && !pathOf(request).startsWith('/api');
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return start.endsWith('.') ? start : `${start}.`;
}
