import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import { Failure } from './failure.ts';

export type { Logger } from 'pino';

/**
 * The process' log: JSON lines on standard output, readable lines where that is a terminal. Where the output is what the
 * process was started for, the log goes to standard error instead.
 *
 * Nothing but what the caller names goes into a line, and of an error only what `describeError` lets through: the
 * HTTP library's errors carry the whole request, with its token and the visitors in its body.
 *
 * @param service sync, digest, status or migrate.
 * @param level pino's level, from LOG_LEVEL.
 */
export function createLog(service: string, level: string, stream: 'stdout' | 'stderr' = 'stdout'): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  };
  // A stream in this process, not a worker: the last lines before an exit must come out.
  const destination = stream === 'stdout' ? 1 : 2;
  if (process[stream].isTTY) {
    const ignore = 'pid,hostname,service';
    return pino(options, pretty({ sync: true, singleLine: true, ignore, colorize: true, destination }));
  }
  return pino(options, pino.destination({ fd: destination, sync: true }));
}

/**
 * What of an unknown error may be logged: its kind, message, system code and place; never its other members.
 * A Failure needs no stack: its sentence is for people.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: 'something that is not an Error was thrown', kind: typeof error };
  const described: Record<string, unknown> = { kind: error.name, message: error.message };
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number'))
    described['code'] = error.code;
  if (!(error instanceof Failure)) described['stack'] = error.stack;
  if (error.cause instanceof Error) described['cause'] = causeOf(error.cause);
  return described;
}

function causeOf(cause: Error): Record<string, unknown> {
  const { stack: _stack, ...rest } = describeError(cause);
  return rest;
}
