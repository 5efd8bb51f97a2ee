import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import axios, { type AxiosResponse, isAxiosError } from 'axios';
import axiosRetry from 'axios-retry';
import { z } from 'zod';
import { marketoAuth } from './auth.ts';
import { type Budget, type BudgetOptions, createBudget, type Usage } from './budget.ts';
import { type CodeClass, classOf, MarketoError, wasNeverSent } from './errors.ts';
import type { Slot, Slots } from './slots.ts';
import {
  describeAnswer,
  type Field,
  fieldsOf,
  type Lead,
  type LeadValues,
  leadRow,
  leadsOf,
  usageRow,
  type WriteResult,
  writeResults,
  writeRow,
} from './types.ts';

export type MarketoOptions = {
  /** Scheme and host, e.g. https://123-ABC-456.mktorest.com */
  endpoint: string;
  clientId: string;
  clientSecret: string;
  /** Every attempt takes one; calls to the identity service take none. */
  slots: Slots;
  /** The length of Marketo's window in milliseconds: waits after a throttled call follow it. */
  windowMs: number;
  /** How long answers are waited for, in milliseconds. Marketo itself works on look-ups for 60 s, on writes for 90 s. */
  readTimeoutMs: number;
  writeTimeoutMs: number;
  budget: Omit<BudgetOptions, 'readUsage'>;
  /** Ends waiting and calling when it is aborted; a call that is in flight is still waited for. */
  signal: AbortSignal;
  /** Told of every attempt after its end. */
  onCall: (call: Call) => Promise<void>;
};

export type Endpoint = 'identity' | 'usage' | 'describe' | 'leads-lookup' | 'leads-create' | 'leads-update';
export type Outcome = 'ok' | 'refused' | 'throttled' | 'failed' | 'no-answer';

/** One attempt, for the request log: no bodies, no addresses. */
export type Call = {
  endpoint: Endpoint;
  outcome: Outcome;
  /** Milliseconds since 1970. */
  sentAt: number;
  answeredAt: number | undefined;
  httpStatus: number | undefined;
  /** Marketo's code, where it refused. */
  code: string | undefined;
  /** `<random>#<time>`: Adobe's support asks for it. */
  requestId: string | undefined;
  /** How many leads were asked for or sent. */
  records: number;
  waitedMs: number;
  /** The instance's day that it counts for; undefined before the first reading of the usage, and for identity. */
  day: string | undefined;
};

export type Marketo = ReturnType<typeof createMarketo>;

/**
 * The one way to Marketo. It holds the limits (a slot for every attempt), speaks in typed results, and throws nothing
 * but MarketoError: HTTP 200 with `success:false` is one, and so is a body that is not the documented envelope.
 */
export function createMarketo(options: MarketoOptions) {
  const auth = marketoAuth({
    ...options,
    onAttempt: (outcome) =>
      options.onCall({ ...NOTHING, endpoint: 'identity', outcome, sentAt: Date.now(), day: undefined }),
  });
  const agents = { httpAgent: new HttpAgent({ keepAlive: true }), httpsAgent: new HttpsAgent({ keepAlive: true }) };

  const budget = createBudget({ ...options.budget, readUsage });

  async function readUsage(): Promise<Usage> {
    const request = { endpoint: 'usage', path: 'stats/usage.json', records: 0, writes: false } as const;
    const [today] = (await call(request, usageRow)).result;
    // Before the first call of a day there may be no line for it yet.
    return today ? { day: today.date, total: today.total } : { day: undefined, total: 0 };
  }

  async function call<T extends z.ZodType>(request: Request, row: T): Promise<Answer<z.infer<T>>> {
    const http = attempts(request, options, auth, budget, agents);
    let response: AxiosResponse;
    try {
      response = await http.request({
        url: `${options.endpoint}/rest/v1/${request.path}`,
        method: request.body === undefined ? 'GET' : 'POST',
        ...(request.body === undefined
          ? {}
          : { data: request.body.text, headers: { 'Content-Type': request.body.type } }),
      });
    } catch (error) {
      throw explained(error, request);
    }
    const parsed = envelope(row).safeParse(verdict(response).body);
    if (parsed.success) return parsed.data;
    throw new MarketoError(
      request.writes ? 'unknown-fate' : 'undocumented',
      request.endpoint,
      'not the documented shape',
    );
  }

  async function write(action: 'createOnly' | 'updateOnly', leads: readonly LeadValues[]): Promise<WriteResult[]> {
    const creates = action === 'createOnly';
    const endpoint = creates ? 'leads-create' : 'leads-update';
    const text = JSON.stringify({ action, lookupField: creates ? 'email' : 'id', input: leads });
    const answer = await call(
      { endpoint, path: 'leads.json', body: { type: 'application/json', text }, records: leads.length, writes: true },
      writeRow,
    );
    // Results have no key but their place. If there are not as many as leads were sent, no place can be trusted.
    if (answer.result.length !== leads.length) throw new MarketoError('unknown-fate', endpoint, 'results are missing');
    return writeResults(answer.result, leads);
  }

  return {
    /** The calls of the instance's day so far, of all its users. */
    usage: readUsage,

    /**
     * The fields of leads that REST knows, by their REST names (which are case-sensitive).
     *
     * @throws MarketoError where id or email is not among them: every Marketo has both, so that such an answer tells
     *   nothing of the other fields, and whoever believed it would take them all for deleted.
     */
    async describe(): Promise<Map<string, Field>> {
      const answer = await call(
        { endpoint: 'describe', path: 'leads/describe.json', records: 0, writes: false },
        describeAnswer,
      );
      const fields = fieldsOf(answer.result);
      if (!fields.has('id') || !fields.has('email'))
        throw new MarketoError('undocumented', 'describe', 'fields without id or email');
      return fields;
    },

    /**
     * The leads with these addresses, every page of them: one address may have several leads, so 300 addresses may
     * well have more than 300.
     *
     * @param emails at most 300, without commas.
     * @param fields the fields wanted besides id, email and updatedAt; an unknown name fails the whole call (1006).
     * @returns leads by lower-cased address; an address that no lead has is absent.
     */
    async findLeadsByEmail(emails: readonly string[], fields: readonly string[]): Promise<Map<string, Lead[]>> {
      const wanted = [...new Set(['id', 'email', 'updatedAt', ...fields])];
      const query = new URLSearchParams({
        filterType: 'email',
        filterValues: emails.join(','),
        fields: wanted.join(','),
        batchSize: '300',
      });
      const found: z.infer<typeof leadRow>[] = [];
      for (const seen = new Set<string>(); ; ) {
        // Always a POST: 300 addresses as a URL are longer than the 8 KB that Marketo takes, and a lost `_method`
        // would turn the question into a write, so it stands in the URL, as documented.
        const answer = await call(
          {
            endpoint: 'leads-lookup',
            path: 'leads.json?_method=GET',
            body: { type: 'application/x-www-form-urlencoded', text: query.toString() },
            records: emails.length,
            writes: false,
          },
          leadRow,
        );
        found.push(...answer.result);
        const next = answer.nextPageToken;
        // Lead look-ups page without `moreResult`: only an explicit false ends them early.
        if (!next || answer.moreResult === false) return leadsOf(found);
        if (seen.has(next)) throw new MarketoError('unavailable', 'leads-lookup', 'the same page twice');
        seen.add(next);
        if (seen.size > MOST_PAGES) throw new MarketoError('unavailable', 'leads-lookup', 'pages without end');
        query.set('nextPageToken', next);
      }
    },

    /** Creates leads by address; one that exists is refused (1005), not changed. Results are in the leads' order. */
    createLeads: (leads: readonly LeadValues[]) => write('createOnly', leads),

    /** Updates leads by id; one that is gone is refused (1004), not created. Results are in the leads' order. */
    updateLeads: (leads: readonly LeadValues[]) => write('updateOnly', leads),

    close(): void {
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

/** Marketo refuses a look-up with more than 1,000 matches, which are four pages of 300; more leaves room for short pages. */
const MOST_PAGES = 20;

type Request = {
  endpoint: Exclude<Endpoint, 'identity'>;
  path: string;
  body?: { type: string; text: string };
  records: number;
  writes: boolean;
};

const NOTHING = {
  answeredAt: undefined,
  httpStatus: undefined,
  code: undefined,
  requestId: undefined,
  records: 0,
  waitedMs: 0,
} as const;

/** An HTTP client for one call and its retries: each attempt takes its own slot and leaves its own line in the log. */
function attempts(
  request: Request,
  options: MarketoOptions,
  auth: ReturnType<typeof marketoAuth>,
  budget: Budget,
  agents: { httpAgent: HttpAgent; httpsAgent: HttpsAgent },
) {
  const http = axios.create({
    ...agents,
    timeout: request.writes ? options.writeTimeoutMs : options.readTimeoutMs,
    maxRedirects: 0,
    maxContentLength: 50_000_000,
    proxy: false,
    responseType: 'text',
    transformResponse: (body: unknown) => body,
    transformRequest: (body: unknown) => body,
    headers: { Accept: 'application/json' },
  });
  let slot: Slot | undefined;
  let token = '';
  let sentAt = 0;
  let reauthenticated = false;
  let waitMs = 0;

  // Re-entered by every retry: this is what makes it one slot an attempt.
  http.interceptors.request.use(async (config) => {
    // Here and not in axios-retry, whose wait nothing can end early.
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: options.signal });
    if (request.endpoint !== 'usage') await budget.spend(request.endpoint);
    for (;;) {
      // The token first: the identity service may take its time, and a slot must be sent with while it is fresh.
      token = await auth.token();
      slot = await options.slots.take(options.signal);
      if (slot.isFresh()) break;
      await slot.giveBack('unsent');
      slot = undefined;
    }
    sentAt = Date.now();
    // axios' own timeout counts silence: an answer that trickles would outlast the slot's lease.
    config.signal = AbortSignal.timeout(config.timeout ?? options.writeTimeoutMs);
    config.headers.set('Authorization', `Bearer ${token}`);
    return config;
  });

  // Before axios-retry's own interceptor, so that the slot is given back before a retry asks for another.
  http.interceptors.response.use(undefined, async (error: unknown) => {
    const response = isAxiosError(error) ? error.response : undefined;
    const unsent = isAxiosError(error) && wasNeverSent(error.code);
    const taken = slot;
    slot = undefined;
    if (taken) {
      await taken.giveBack(response ? 'answered' : unsent ? 'unsent' : 'unknown');
      const line = { ...lineOf(request, response, sentAt, taken.waitedMs), day: budget.day() };
      if (unsent) line.code = error.code;
      if (line.outcome === 'throttled' && response && verdict(response).class === 'throttled')
        await options.slots.throttled();
      await options.onCall(line);
    }
    throw error;
  });

  axiosRetry(http, {
    retries: 6,
    shouldResetTimeout: true,
    // With this, axios hands every response to the error path, good ones too; nothing else is ever resolved.
    validateResponse: (response) => verdict(response).body !== undefined,
    retryCondition: (error) => {
      if (options.signal.aborted) return false;
      // No answer: a read is asked again; a write may have been done.
      if (!error.response) return !request.writes || wasNeverSent(error.code);
      const { class: kind } = verdict(error.response);
      if (kind === 'reauthenticate') {
        if (reauthenticated) return false;
        reauthenticated = true;
        auth.forget(token);
        return true;
      }
      const perhapsDone = kind === 'unknown-fate' || kind === 'undocumented';
      return kind === 'throttled' || kind === 'transient' || (perhapsDone && !request.writes);
    },
    retryDelay: (count, error) => {
      waitMs = delayBefore(count, error.response && verdict(error.response).class, options.windowMs);
      return 0;
    },
  });
  return http;
}

/** Milliseconds. After 606 only time helps, and only the window's own; after 615 a short while; else full jitter. */
function delayBefore(count: number, kind: CodeClass | undefined, windowMs: number): number {
  if (kind === 'reauthenticate') return 0;
  if (kind === 'throttled') return windowMs * (0.25 + 0.75 * Math.random());
  return Math.random() * Math.min(windowMs, 0.05 * windowMs * 2 ** count);
}

type Verdict = { body?: unknown; class?: CodeClass; code: string; requestId?: string | undefined };

/** An answer is asked about by each step that handles it, and read once: a look-up's is large. */
const verdicts = new WeakMap<AxiosResponse, Verdict>();

function verdict(response: AxiosResponse): Verdict {
  const known = verdicts.get(response) ?? readVerdict(response);
  verdicts.set(response, known);
  return known;
}

/** Tells a good answer from the many other things that come with HTTP 200. */
function readVerdict(response: AxiosResponse): Verdict {
  let body: unknown;
  try {
    body = JSON.parse(String(response.data));
  } catch {
    return { class: classOf(undefined, response.status), code: `HTTP ${response.status}, not JSON` };
  }
  const refused = refusal.safeParse(body);
  if (refused.success) {
    const [first] = refused.data.errors;
    return { class: classOf(first.code, response.status), code: first.code, requestId: refused.data.requestId };
  }
  const accepted = success.safeParse(body);
  if (accepted.success && response.status === 200) return { body, code: 'ok', requestId: accepted.data.requestId };
  return { class: classOf(undefined, response.status), code: `HTTP ${response.status}, not Marketo's envelope` };
}

/** Codes are strings in Marketo's answers; a number is taken too. */
const code = z.union([z.string().max(12), z.number().transform(String)]);
/** Only for the log: an odd one must not hide the code beside it. */
const requestId = z.string().optional().catch(undefined);
const refusal = z.object({
  success: z.literal(false),
  requestId,
  errors: z.tuple([z.object({ code })], z.unknown()),
});
const success = z.object({ success: z.literal(true), requestId });

function envelope<T extends z.ZodType>(row: T) {
  return z.object({
    result: z.array(row),
    nextPageToken: z.string().optional(),
    moreResult: z.boolean().optional(),
  });
}

type Answer<Row> = { result: Row[]; nextPageToken?: string | undefined; moreResult?: boolean | undefined };

function lineOf(
  request: Request,
  response: AxiosResponse | undefined,
  sentAt: number,
  waitedMs: number,
): Omit<Call, 'day'> {
  const said = response && verdict(response);
  return {
    endpoint: request.endpoint,
    outcome: !said ? 'no-answer' : said.body !== undefined ? 'ok' : outcomeOf(said.class),
    sentAt,
    answeredAt: response ? Date.now() : undefined,
    httpStatus: response?.status,
    code: said && said.body === undefined ? said.code : undefined,
    requestId: said?.requestId,
    records: request.records,
    waitedMs,
  };
}

function outcomeOf(kind: CodeClass | undefined): Outcome {
  if (kind === 'throttled' || kind === 'quota') return 'throttled';
  return kind === 'transient' || kind === 'unknown-fate' || kind === 'undocumented' ? 'failed' : 'refused';
}

function explained(error: unknown, request: Request): unknown {
  if (!isAxiosError(error)) return error;
  if (!error.response) {
    // Nothing but the time-out of an attempt cancels one.
    const why = error.code === 'ERR_CANCELED' ? 'ETIMEDOUT' : error.code;
    const perhapsDone = request.writes && !wasNeverSent(error.code);
    return new MarketoError(perhapsDone ? 'unknown-fate' : 'unavailable', request.endpoint, why ?? 'no answer');
  }
  const said = verdict(error.response);
  // A new token was refused too: only a person can mend that.
  if (error.response.status === 401 && said.class === 'reauthenticate') {
    return new MarketoError('credentials', request.endpoint, said.code);
  }
  switch (said.class) {
    case 'throttled':
    case 'quota':
    case 'credentials':
    case 'configuration':
    case 'undocumented':
      return new MarketoError(said.class, request.endpoint, said.code);
    case 'unknown-fate':
      return new MarketoError(request.writes ? 'unknown-fate' : 'unavailable', request.endpoint, said.code);
    default:
      return new MarketoError('unavailable', request.endpoint, said.code);
  }
}
