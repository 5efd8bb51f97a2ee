import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Job, type Order, type Word, wordSchema } from './job.ts';

export type Contest = {
  /** Seconds from `go` to the last process's end, or to the stop. */
  seconds: number;
  /** Whether all came to their end by themselves. */
  finished: boolean;
  /** Why visitors were given up, and how many. */
  failures: Record<string, number>;
  /** CPU time of all processes, in milliseconds. */
  cpuMs: number;
};

/**
 * Runs the processes of one measurement: all get ready, then all go at once, and those that are not done after a while
 * are stopped.
 *
 * @param jobs one for each process.
 * @param mostSeconds how long they may work.
 * @param atTheEnd called when the time is taken and before anything is stopped: the moment to read the referee's log.
 * @throws Error where a process ends by a failure of its own.
 */
export async function launch(jobs: readonly Job[], mostSeconds: number, atTheEnd: () => void): Promise<Contest> {
  const children = jobs.map(start);
  try {
    await Promise.all(children.map((child) => child.ready));
    const begun = performance.now();
    for (const child of children) child.tell('go');
    const timer = new AbortController();
    const finished = await Promise.race([
      Promise.all(children.map((child) => child.end)).then(() => true),
      after(mostSeconds * 1000, timer.signal).then(() => false),
    ]);
    timer.abort();
    const seconds = (performance.now() - begun) / 1000;
    atTheEnd();
    for (const child of children) child.tell('stop');
    // A process that is too busy to hear it is a broken contender: its end is then an error.
    setTimeout(killAll, 10_000).unref();
    const ends = await Promise.all(children.map((child) => child.end));
    const failures: Record<string, number> = {};
    for (const end of ends) {
      for (const [name, count] of Object.entries(end.failures)) failures[name] = (failures[name] ?? 0) + count;
    }
    return { seconds, finished, failures, cpuMs: ends.reduce((sum, end) => sum + end.cpuMs, 0) };
  } finally {
    killAll();
  }

  function killAll(): void {
    for (const child of children) child.kill();
  }
}

type End = Extract<Word, { say: 'end' }>;

function start(job: Job) {
  const child: ChildProcess = fork(fileURLToPath(new URL('child.ts', import.meta.url)), [JSON.stringify(job)], {
    // node-marketo-rest logs every call to stderr unless told otherwise; the bench is not about its log.
    env: { ...process.env, NODE_MARKETO_LOG_LEVEL: 'fatal' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const ready = Promise.withResolvers<void>();
  const end = Promise.withResolvers<End>();
  child.on('message', (message) => {
    const word = wordSchema.parse(message);
    if (word.say === 'ready') ready.resolve();
    else end.resolve(word);
  });
  child.once('exit', (code, signal) => {
    const error = new Error(`${job.contender} ended by itself (${signal ?? code}): ${said}`);
    ready.reject(error);
    end.reject(error);
  });
  // Both are waited for elsewhere; a rejection before that is not unhandled.
  ready.promise.catch(() => {});
  end.promise.catch(() => {});
  return {
    ready: ready.promise,
    end: end.promise,
    tell(order: Order): void {
      // One that has just ended cannot be told any more: its end is what counts.
      if (child.connected) child.send(order, () => {});
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function after(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
