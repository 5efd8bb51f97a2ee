import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Clock, createClock } from '../clock.ts';
import { createFaults, type Faults } from '../faults.ts';
import { createRandom } from '../random.ts';
import { type MarketoOptions, type MarketoServer, startMarketo } from './server.ts';

const envelope = z.looseObject({
  requestId: z.string().regex(/^[0-9a-f]+#[0-9a-f]+$/),
  success: z.boolean(),
  result: z.array(z.record(z.string(), z.unknown())).optional(),
  errors: z.array(z.object({ code: z.string(), message: z.string() })).optional(),
  nextPageToken: z.string().optional(),
});
export type Envelope = z.infer<typeof envelope>;

const tokenBody = z.object({
  access_token: z.string(),
  expires_in: z.number(),
  token_type: z.string(),
  scope: z.string(),
});

export type Instance = {
  server: MarketoServer;
  clock: Clock;
  faults: Faults;
  /** An identity call, parsed. */
  token(): Promise<z.infer<typeof tokenBody>>;
  /** A call with the current token; the raw response. */
  raw(path: string, init?: RequestInit): Promise<Response>;
  /** The same, as the documented envelope; fails for any other body or status. */
  call(path: string, init?: RequestInit): Promise<Envelope>;
  sync(body: unknown): Promise<Envelope>;
  /** A lookup as POST with _method=GET in the URL and everything else in the form. */
  lookup(params: Record<string, string>): Promise<Envelope>;
};

/** Starts an instance for one test and talks to it over HTTP; it is closed when the test ends. */
export async function startInstance(options: Partial<MarketoOptions> = {}): Promise<Instance> {
  const clock = options.clock ?? createClock(new Date('2026-11-23T12:00:00Z'));
  const faults = options.faults ?? createFaults(createRandom(1));
  const server = await startMarketo({ random: createRandom(2), ...options, clock, faults });
  onTestFinished(() => server.close());
  const [client] = server.clients;

  async function token() {
    const response = await fetch(`${server.url}/identity/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client.clientId,
        client_secret: client.clientSecret,
      }),
    });
    return tokenBody.parse(await response.json());
  }

  async function raw(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${(await token()).access_token}`);
    return fetch(`${server.url}${path}`, { ...init, headers });
  }

  async function call(path: string, init?: RequestInit): Promise<Envelope> {
    const response = await raw(path, init);
    if (response.status !== 200) throw new Error(`${path} answered HTTP ${response.status}`);
    return envelope.parse(await response.json());
  }

  return {
    server,
    clock,
    faults,
    token,
    raw,
    call,
    sync: (body) => call('/rest/v1/leads.json', json(body)),
    lookup: (params) => call('/rest/v1/leads.json?_method=GET', form(params)),
  };
}

/** A POST with a JSON body. */
export function json(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** A POST with a form body. */
export function form(params: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(params) };
}

/** The code of the first error of a failed call. */
export function codeOf(answer: Envelope): string | undefined {
  return answer.errors?.[0]?.code;
}

/** status, or status and the first reason's code, of each record: short enough to compare at a glance. */
export function outcomes(answer: Envelope): string[] {
  const entry = z.looseObject({ status: z.string(), reasons: z.array(z.object({ code: z.string() })).optional() });
  return (answer.result ?? []).map((item) => {
    const { status, reasons } = entry.parse(item);
    return reasons === undefined ? status : `${status} ${reasons[0]?.code}`;
  });
}
