import axios from 'axios';
import { VISITOR, type Work } from '../job.ts';

/** Marketo refused a call, with this code. */
export class Refused extends Error {
  override name = 'Refused' as const;
  readonly code: string;

  constructor(code: string) {
    super(`Marketo refused with ${code}`);
    this.code = code;
  }
}

/** Sends one call, as a limiter lets it through; what the limiter is, is the contender's business. */
export type Limited = <T>(call: () => Promise<T>) => Promise<T>;

export type ThinClient = Awaited<ReturnType<typeof connectThinClient>>;

/**
 * The few lines around axios that every hand-written integration has: a token, a look-up and an upsert, and a look at
 * `success`, because Marketo refuses with HTTP 200.
 *
 * The token is there before the first call: waiting for it inside a limiter would make calls arrive later than they were
 * counted, which would be this client's fault and not the limiter's.
 */
export async function connectThinClient({ url, clientId, clientSecret }: Work['job']['marketo']) {
  const credentials = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const identity = await axios.get<{ access_token: string }>(`${url}/identity/oauth/token`, { params: credentials });
  const headers = { Authorization: `Bearer ${identity.data.access_token}` };

  async function call(method: 'GET' | 'POST', params: object, data?: object): Promise<Row[]> {
    const response = await axios.request<Answer>({ method, url: `${url}/rest/v1/leads.json`, params, data, headers });
    if (!response.data.success) throw new Refused(response.data.errors[0]?.code ?? 'no code');
    return response.data.result;
  }

  return {
    /** The lead with this address, if there is one. */
    async lookUp(email: string): Promise<Row | undefined> {
      const fields = ['id', 'email', ...Object.keys(VISITOR)].join(',');
      return (await call('GET', { filterType: 'email', filterValues: email, fields }))[0];
    },

    /** Creates or updates the lead with this address. */
    async upsert(lead: Record<string, unknown>): Promise<void> {
      const [result] = await call('POST', {}, { action: 'createOrUpdate', lookupField: 'email', input: [lead] });
      if (result?.['status'] === 'skipped') throw new Error('Marketo skipped the lead');
    },
  };
}

type Row = Record<string, unknown>;
type Answer = { success: true; result: Row[] } | { success: false; errors: { code: string }[] };

/** One visitor: look the lead up, and write what it does not have. */
export async function syncVisitor(client: ThinClient, email: string, limited: Limited): Promise<void> {
  const lead = await limited(() => client.lookUp(email));
  const missing = Object.fromEntries(Object.entries(VISITOR).filter(([name]) => !lead?.[name]));
  if (Object.keys(missing).length > 0) await limited(() => client.upsert({ email, ...missing }));
}

/** Whether Marketo throttled the call: 606 calls per 20 s, 615 calls at once. */
export function isThrottled(error: unknown): boolean {
  return error instanceof Refused && (error.code === '606' || error.code === '615');
}

/** A throttled call is tried again so often. */
export const RETRIES = 5;

/** Milliseconds before the next try: 1 s, doubled each time, and up to as much again by chance. */
export function retryDelay(retriesSoFar: number): number {
  return 1000 * 2 ** retriesSoFar * (1 + Math.random());
}

/**
 * Sends a call through a limiter, and through it again where Marketo throttled it.
 *
 * @throws the call's error after the last retry, or where it is another one.
 */
export function withRetries(limited: Limited): Limited {
  return async (call) => {
    for (let retries = 0; ; retries += 1) {
      try {
        return await limited(call);
      } catch (error) {
        if (!isThrottled(error) || retries === RETRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryDelay(retries)));
      }
    }
  };
}

/** Visitors under way at once where a limiter decides how many calls are: enough that it always has some waiting. */
const LANES = 100;

/**
 * Gets ready to take visitors until there are no more, many under way at once; one that fails is noted and left behind.
 *
 * @returns the run.
 */
export async function throughLimiter(work: Work, limited: Limited): Promise<() => Promise<void>> {
  const client = await connectThinClient(work.job.marketo);
  const lane = async () => {
    for (let email = work.next(); email !== undefined; email = work.next()) {
      await syncVisitor(client, email, limited).catch(work.failed);
    }
  };
  return async () => {
    await Promise.all(Array.from({ length: LANES }, lane));
  };
}
