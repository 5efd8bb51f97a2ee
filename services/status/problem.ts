import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../shared/runtime/failure.ts';

/** Answers with a problem (RFC 9457): what went wrong, in one sentence for the caller. */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }));
}

/**
 * Turns what a route threw into a problem: a database that cannot be read is 503 with its sentence, a request that
 * does not hold is 4xx with what is wrong with it, everything else 500 and nothing about it but in the log.
 */
export function answerError(error: FastifyError | Failure, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Failure) return sendProblem(reply, 503, error.message);
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return sendProblem(reply, status, `${sentence(error.message)}`);
  request.log.error(
    { err: error, method: request.method, path: pathOf(request) },
    'a request failed for no known reason',
  );
  return sendProblem(reply, 500, 'Something went wrong here; the service’s log says what.');
}

/** The path of a request without its query, which is the caller's and has no place in a log or an answer. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return start.endsWith('.') ? start : `${start}.`;
}
