import Bottleneck from 'bottleneck';
import type { Contender } from '../job.ts';
import { isThrottled, RETRIES, retryDelay, throughLimiter } from './thin-client.ts';

/**
 * Bottleneck with a reservoir and maxConcurrent, and with its own retries (its README, "Retries"). Several processes share
 * a limiter over Redis only, so each has its own.
 */
export const contender: Contender = async (work) => {
  const limiter = new Bottleneck({
    reservoir: 100,
    reservoirRefreshAmount: 100,
    reservoirRefreshInterval: 20_000,
    maxConcurrent: 10,
  });
  limiter.on('failed', async (error, { retryCount }) =>
    isThrottled(error) && retryCount < RETRIES ? retryDelay(retryCount) : undefined,
  );
  return throughLimiter(work, (call) => limiter.schedule(call));
};
