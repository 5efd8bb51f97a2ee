import type { FastifyReply } from 'fastify';
import type { Clock } from '../clock.ts';
import type { FaultEffect } from '../faults.ts';
import type { Random } from '../random.ts';
import type { CallEnd } from './calls.ts';
import { failureBody, htmlPage, requestId } from './envelope.ts';
import type { Usage } from './usage.ts';

/** Completes a call's line in the log. */
export type End = (end: CallEnd) => void;

export type Answers = {
  json(reply: FastifyReply, status: number, body: string): FastifyReply;
  html(reply: FastifyReply, status: number): FastifyReply;
  /** A call that failed as a whole: HTTP 200, success:false; counted among the day's errors. */
  failure(reply: FastifyReply, end: End, code: string, message: string): FastifyReply;
  /** A fault in place of the true answer, which had this body and status. */
  fault(reply: FastifyReply, end: End, effect: FaultEffect, body: string, status?: number): FastifyReply;
  newId(): string;
};

/**
 * Creates what puts answers on the wire, with the headers of recorded responses. Nothing among them tells how long to wait or
 * how much of a limit is left: the real service says neither.
 */
export function createAnswers(clock: Clock, random: Random, usage: Usage): Answers {
  const stamped = (reply: FastifyReply) =>
    reply.header('server', 'nginx').header('date', new Date(clock.now()).toUTCString());

  const answers: Answers = {
    json: (reply, status, body) =>
      stamped(reply).code(status).header('content-type', 'application/json;charset=UTF-8').send(body),
    html: (reply, status) => stamped(reply).code(status).header('content-type', 'text/html').send(htmlPage(status)),
    failure(reply, end, code, message) {
      usage.countError(code);
      end({ status: 200, code });
      return answers.json(reply, 200, failureBody(answers.newId(), code, message));
    },
    fault(reply, end, effect, body, status = 200) {
      switch (effect.kind) {
        case 'code':
          return answers.failure(
            reply,
            end,
            effect.code,
            effect.message ?? MESSAGES.get(effect.code) ?? 'System error',
          );
        case 'html':
          end({ status: effect.status });
          return answers.html(reply, effect.status);
        case 'truncated':
          end({ status });
          return answers.json(reply, status, body.slice(0, Math.floor(body.length / 2)));
        case 'reset':
          end({ status: 0 });
          reply.hijack();
          reply.raw.socket?.destroy();
          return reply;
        case 'error':
          throw new Error("The effect 'error' is LiveChat's and has no meaning for Marketo.");
      }
    },
    newId: () => requestId(random, clock.now()),
  };
  return answers;
}

/** The documented texts of the codes that a fault may name without one. */
const MESSAGES = new Map([
  ['502', 'Bad Gateway'],
  ['601', 'Access token invalid'],
  ['602', 'Access token expired'],
  ['603', 'Access denied'],
  ['604', 'Request timed out'],
  ['606', "Max rate limit '100' exceeded with in '20' secs"],
  ['607', "Daily quota '50000' reached"],
  ['608', 'API Temporarily Unavailable'],
  ['611', 'System error'],
  ['614', 'Invalid Subscription'],
  ['615', "Concurrent access limit '10' reached"],
  ['713', 'Transient Error'],
]);
