import { type Call, createMarketo, type Marketo, type MarketoOptions } from '../../services/shared/marketo/client.ts';
import { createSlots, type Fate, type Slots } from '../../services/shared/marketo/slots.ts';
import type { Database } from '../../services/shared/store/database.ts';
import { slotStore } from '../../services/shared/store/slots.ts';

/** A short window, because the client's waits after a refusal follow it. */
export const WINDOW_MS = 40;

export type Connection = {
  marketo: Marketo;
  /** Every attempt as the client reported it, in order. */
  attempts: Call[];
  /** What became of each slot that was taken, in the order in which they were given back. */
  fates: Fate[];
  /** How often a slot was taken. */
  taken(): number;
  /** How often the slots were told that Marketo throttled a call. */
  throttled(): number;
};

/** The real client with the real slots in Postgres, both watched. */
export async function connect(
  db: Database,
  address: { url: string; clientId?: string; clientSecret?: string },
  options: Partial<Pick<MarketoOptions, 'budget' | 'signal' | 'readTimeoutMs' | 'writeTimeoutMs' | 'onCall'>> = {},
): Promise<Connection> {
  const attempts: Call[] = [];
  const fates: Fate[] = [];
  let taken = 0;
  let throttled = 0;
  const slots = await createSlots(
    slotStore(db, {
      instance: new URL(address.url).host,
      callsPerWindow: 100,
      windowMs: WINDOW_MS,
      concurrency: 10,
      leaseMs: 100,
      marginMs: 0,
    }),
  );
  const watched: Slots = {
    async take(signal) {
      const slot = await slots.take(signal);
      taken += 1;
      return {
        ...slot,
        async giveBack(fate) {
          fates.push(fate);
          await slot.giveBack(fate);
        },
      };
    },
    async throttled() {
      throttled += 1;
      await slots.throttled();
    },
  };
  const marketo = createMarketo({
    endpoint: address.url,
    clientId: address.clientId ?? 'client-id',
    clientSecret: address.clientSecret ?? 'client-secret',
    slots: watched,
    windowMs: WINDOW_MS,
    readTimeoutMs: 5000,
    writeTimeoutMs: 5000,
    budget: { dailyCalls: 10_000, dailyQuota: 50_000, ownCalls: async () => 0 },
    signal: new AbortController().signal,
    ...options,
    onCall: async (call) => {
      attempts.push(call);
      await options.onCall?.(call);
    },
  });
  return { marketo, attempts, fates, taken: () => taken, throttled: () => throttled };
}

/** The three ways in which leads are asked for and written, with what each needs. */
export const WAYS = {
  lookup: (marketo: Marketo) => marketo.findLeadsByEmail(['ann@example.com'], ['lastName']),
  create: (marketo: Marketo) => marketo.createLeads([{ email: 'ann@example.com', lastName: 'Lee' }]),
  update: (marketo: Marketo) => marketo.updateLeads([{ id: 7001, lastName: 'Lee' }]),
} as const;

export type Way = keyof typeof WAYS;
export const EVERY_WAY = ['lookup', 'create', 'update'] as const satisfies readonly Way[];
export const ENDPOINT = {
  lookup: 'leads-lookup',
  create: 'leads-create',
  update: 'leads-update',
} as const satisfies Record<Way, Call['endpoint']>;
