/** What a run is expected to cost. */
export type Estimate = {
  livechatCalls: number;
  lookupCalls: number;
  /** At the most: a lead that needs no change costs none. */
  writeCalls: number;
  minutes: number;
};

/**
 * What reading and delivering so many threads costs: at most one visitor a thread, 100 threads a page of LiveChat's, and
 * full batches for Marketo.
 *
 * @param threads in the window, as LiveChat announces them.
 * @param readings how often LiveChat is read: what was not read for long is read twice more, by later runs.
 * @param waiting addresses with threads that are ready in the ledger.
 * @param limits Marketo's, as they are configured for this product.
 */
export function estimate(
  threads: number,
  readings: number,
  waiting: number,
  limits: { callsPerWindow: number; windowSeconds: number; concurrency: number; batchSize: number },
): Estimate {
  // The list of chats that go on, and the threads that are followed, beside the pages.
  const livechatCalls = readings * (Math.ceil(threads / 100) + 2);
  const batches = Math.ceil((threads + waiting) / limits.batchSize);
  const writeCalls = batches === 0 ? 0 : batches + 1;
  const calls = batches + writeCalls;
  const byRate = Math.floor(Math.max(0, calls - 1) / limits.callsPerWindow) * limits.windowSeconds;
  const byFlight = (calls / limits.concurrency) * SECONDS_A_MARKETO_CALL;
  const seconds = (livechatCalls / readings) * SECONDS_A_LIVECHAT_CALL + Math.max(byRate, byFlight);
  return { livechatCalls, lookupCalls: batches, writeCalls, minutes: Math.ceil(seconds / 60) };
}

/** A guess, on the slow side: neither vendor publishes how long a call takes. Integrators see seconds for 300 leads. */
const SECONDS_A_MARKETO_CALL = 4;
const SECONDS_A_LIVECHAT_CALL = 0.5;

/** LiveChat's price for 1,000 calls with a personal access token ("API pricing", April 2026), in dollars. */
export const LIVECHAT_DOLLARS_A_THOUSAND = 0.27;
