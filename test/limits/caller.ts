import { createMarketo } from '../../services/shared/marketo/client.ts';
import { createSlots } from '../../services/shared/marketo/slots.ts';
import { openDatabase } from '../../services/shared/store/database.ts';
import { slotStore } from '../../services/shared/store/slots.ts';
import { SCHEMA } from '../postgres/schema-name.ts';

/**
 * A process that calls Marketo as fast as its slots let it, for processes.test.ts. Its one argument is JSON: where the
 * database and Marketo are, the rule, how many lanes, and for how long (milliseconds).
 */
const { databaseUrl, marketo: address, rule, lanes, forMs } = JSON.parse(process.argv[2] ?? '{}');
const db = await openDatabase(databaseUrl, SCHEMA);
const stop = AbortSignal.timeout(forMs);
const marketo = createMarketo({
  endpoint: address.url,
  clientId: address.clientId,
  clientSecret: address.clientSecret,
  slots: await createSlots(slotStore(db, rule)),
  windowMs: rule.windowMs,
  readTimeoutMs: 10_000,
  writeTimeoutMs: 10_000,
  budget: { dailyCalls: 1_000_000, dailyQuota: 2_000_000, ownCalls: async () => 0 },
  signal: stop,
  onCall: async () => {},
});
await Promise.all(Array.from({ length: lanes }, lane));
marketo.close();
await db.destroy();

async function lane(): Promise<void> {
  while (!stop.aborted) {
    try {
      await marketo.findLeadsByEmail(['nobody@example.com'], ['country']);
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }
}
