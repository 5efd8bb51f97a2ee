import { setTimeout as sleep } from 'node:timers/promises';
import { queue } from 'async';
import type { Contender, Work } from '../job.ts';
import { connectThinClient, syncVisitor, type ThinClient } from './thin-client.ts';

/** Seven visitors every 750 ms, from a spreadsheet's arithmetic: nobody looks whether answers have come. */
const VISITORS_AT_ONCE = 7;
const PAUSE_MS = 750;

/** A script as such integrations begin: async.queue, axios, a pause that seemed to be enough, and no retry. */
export const contender: Contender = async (work) => {
  const client = await connectThinClient(work.job.marketo);
  return () => run(work, client);
};

async function run(work: Work, client: ThinClient): Promise<void> {
  const underWay: Promise<void>[] = [];
  const steps = queue<Step>(async ({ visitors }: Step) => {
    for (const email of visitors) underWay.push(syncVisitor(client, email, (call) => call()).catch(work.failed));
    await sleep(PAUSE_MS);
  }, 1);
  for (let visitors = take(work.next); visitors.length > 0; visitors = take(work.next)) {
    await steps.pushAsync({ visitors });
  }
  await Promise.all(underWay);
}

type Step = { visitors: string[] };

function take(next: () => string | undefined): string[] {
  const taken: string[] = [];
  while (taken.length < VISITORS_AT_ONCE) {
    const email = next();
    if (email === undefined) break;
    taken.push(email);
  }
  return taken;
}
