import { queue } from 'async';
import Marketo from 'node-marketo-rest';
import { type Contender, VISITOR } from '../job.ts';

/** As many visitors at once as Marketo takes calls. */
const CONCURRENCY = 10;

/**
 * The client that npm finds first for Marketo, with its own retries as they are set from the start: after 606 a wait of
 * 20 s and its back-off, five times; after 615 none.
 */
export const contender: Contender = async (work) => {
  const { url, clientId, clientSecret } = work.job.marketo;
  const marketo = new Marketo({ endpoint: `${url}/rest`, identity: `${url}/identity`, clientId, clientSecret });

  async function syncVisitor(email: string): Promise<void> {
    const found = await marketo.lead.find('email', [email], { fields: ['id', 'email', ...Object.keys(VISITOR)] });
    const lead = found.result[0];
    const missing = Object.fromEntries(Object.entries(VISITOR).filter(([name]) => !lead?.[name]));
    if (Object.keys(missing).length === 0) return;
    await marketo.lead.createOrUpdate([{ email, ...missing }], { lookupField: 'email' });
  }

  return async () => {
    const visitors = queue<string>(async (email: string) => syncVisitor(email), CONCURRENCY);
    const lane = async () => {
      for (let email = work.next(); email !== undefined; email = work.next()) {
        await visitors.pushAsync(email).catch(work.failed);
      }
    };
    await Promise.all(Array.from({ length: 2 * CONCURRENCY }, lane));
  };
};
