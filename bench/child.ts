import { type Contender, type ContenderName, jobSchema, orderSchema, type Word } from './job.ts';

/**
 * A process of its own for a contender, so that neither its garbage nor its CPU time is the referee's. Started by
 * launch.ts with the job as JSON; says `ready`, waits for `go`, and ends when it is done or told to stop.
 */
const CONTENDERS: Record<ContenderName, () => Promise<{ contender: Contender }>> = {
  ours: () => import('./contenders/ours.ts'),
  'hand-script': () => import('./contenders/hand-script.ts'),
  'node-marketo-rest': () => import('./contenders/node-marketo-rest.ts'),
  'p-queue': () => import('./contenders/p-queue.ts'),
  'p-queue-divided': () => import('./contenders/p-queue-divided.ts'),
  bottleneck: () => import('./contenders/bottleneck.ts'),
  'rate-limiter-flexible': () => import('./contenders/rate-limiter-flexible.ts'),
};

const job = jobSchema.parse(JSON.parse(process.argv[2] ?? ''));
const stop = new AbortController();
const failures: Record<string, number> = {};
let given = 0;

// The bench has gone: nobody measures any more.
process.once('disconnect', () => process.exit(1));

const { contender } = await CONTENDERS[job.contender]();
const run = await contender({
  job,
  next() {
    if (stop.signal.aborted || (job.scenario === 'visitors' && given >= job.visitors)) return undefined;
    given += 1;
    return `visitor-${given}@process-${job.process}.example`;
  },
  failed(error) {
    if (stop.signal.aborted) return;
    const name = error instanceof Error ? error.message : String(error);
    failures[name] = (failures[name] ?? 0) + 1;
  },
  signal: stop.signal,
});
const started = process.cpuUsage();
process.on('message', async (message) => {
  if (orderSchema.parse(message) === 'stop') {
    stop.abort();
    end();
    return;
  }
  await run();
  end();
});
say({ say: 'ready' });

function end(): void {
  const { user, system } = process.cpuUsage(started);
  // Whatever a library has left behind (timers, connections) must not keep the process.
  say({ say: 'end', failures, cpuMs: (user + system) / 1000 }, () => process.exit(0));
}

function say(word: Word, then = () => {}): void {
  process.send?.(word, then);
}
