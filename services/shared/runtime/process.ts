import { EXIT, type ExitCode, Failure } from './failure.ts';
import type { Logger } from './log.ts';

/**
 * Runs the body of a process and turns how it ends into an exit code: a Failure into its sentence and code, anything
 * else that is thrown into 1 with its stack (it is a bug).
 *
 * The caller sets `process.exitCode` and lets Node end by itself: `process.exit` would cut off what is still written.
 *
 * @param log where the one line about the end goes.
 * @param body gets a signal that is aborted on SIGTERM and SIGINT; it should then save what is done and return.
 * @returns the exit code; 143 or 130 when a signal ended the body early, so that a stopped Job never counts as
 *   complete (Kubernetes records exit 0 after SIGTERM as success).
 */
export async function runProcess(log: Logger, body: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  const controller = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const stop = (name: NodeJS.Signals) => {
    stoppedBy = name;
    controller.abort();
  };
  // Whoever reads the output may have seen enough (`| head`): then there is nobody to tell more.
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    const code = await body(controller.signal);
    return stoppedBy ? signalled(stoppedBy) : code;
  } catch (error) {
    if (stoppedBy) {
      log.warn({ err: error }, `stopped by ${stoppedBy}; what was done is saved, the next run goes on from there`);
      return signalled(stoppedBy);
    }
    if (error instanceof Failure) {
      log.fatal({ exitCode: error.exitCode, ...(error.code ? { code: error.code } : {}) }, error.message);
      return error.exitCode;
    }
    log.fatal(
      { err: error, exitCode: EXIT.unexpected },
      'ended by an error nobody foresaw: please report it with this line',
    );
    return EXIT.unexpected;
  } finally {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  }
}

function signalled(signal: NodeJS.Signals): ExitCode {
  return signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
}
