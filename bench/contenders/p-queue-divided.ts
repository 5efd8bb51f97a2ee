import PQueue from 'p-queue';
import type { Contender } from '../job.ts';
import { throughLimiter, withRetries } from './thin-client.ts';

/**
 * p-queue as somebody uses it who has thought it through: Marketo counts a call later than it was sent, so as many as
 * are in flight are left free, and the rest is divided by the number of processes, which has to be known.
 */
export const contender: Contender = async (work) => {
  const { processes } = work.job;
  const concurrency = Math.floor(10 / processes);
  const intervalCap = Math.floor((100 - 10) / processes);
  const queue = new PQueue({ intervalCap, interval: 20_000, strict: true, concurrency });
  return throughLimiter(
    work,
    withRetries((call) => queue.add(call)),
  );
};
