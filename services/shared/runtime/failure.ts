import type { ErrorCode } from './catalogue.ts';

/**
 * What a process tells its caller by its exit code: sysexits, and 128 + signal.
 * Kubernetes' podFailurePolicy reads them: 64, 69, 77 and 78 are never retried, 75 and 1 are.
 */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 64,
  schemaNewerThanCode: 69,
  tryLater: 75,
  credentialsRefused: 77,
  configuration: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * An end of the process that its user can do something about: the message is one sentence for that person, with what
 * happened, to what, and what to do; no secret and nobody's data is in it. Everything else that is thrown is a bug.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  /** The code under which it is logged, where the catalogue knows this trouble. */
  readonly code: ErrorCode | undefined;

  constructor(exitCode: ExitCode, message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.code = options.code;
  }
}
