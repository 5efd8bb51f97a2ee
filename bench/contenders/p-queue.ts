import PQueue from 'p-queue';
import type { Contender } from '../job.ts';
import { throughLimiter, withRetries } from './thin-client.ts';

/** p-queue in its strict mode, which its README names for APIs with strict limits, with Marketo's own numbers. */
export const contender: Contender = async (work) => {
  const queue = new PQueue({ intervalCap: 100, interval: 20_000, strict: true, concurrency: 10 });
  return throughLimiter(
    work,
    withRetries((call) => queue.add(call)),
  );
};
