import pLimit from 'p-limit';
import pg from 'pg';
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterQueue,
} from 'rate-limiter-flexible';
import type { Contender, Job } from '../job.ts';
import { throughLimiter, withRetries } from './thin-client.ts';

/**
 * rate-limiter-flexible's queue; in one process over its memory store, in several over its Postgres store, so that they
 * share the window. It does not limit calls in flight: p-limit does, with Marketo's ten divided by the processes.
 */
export const contender: Contender = async (work) => {
  const tokens = new RateLimiterQueue(await limiterFor(work.job));
  const inFlight = pLimit(Math.floor(10 / work.job.processes));
  return throughLimiter(
    work,
    withRetries((call) =>
      inFlight(async () => {
        await tokens.removeTokens(1);
        return call();
      }),
    ),
  );
};

async function limiterFor(job: Job): Promise<RateLimiterAbstract> {
  const limits = { points: 100, duration: 20 };
  if (job.processes === 1) return new RateLimiterMemory(limits);
  const storeClient = new pg.Pool({ connectionString: job.databaseUrl });
  return new Promise((resolve, reject) => {
    const limiter: RateLimiterPostgres = new RateLimiterPostgres(
      { ...limits, storeClient, keyPrefix: 'marketo', tableName: 'rate_limiter' },
      (error) => (error ? reject(error) : resolve(limiter)),
    );
  });
}
