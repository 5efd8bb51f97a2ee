import { setTimeout as delay } from 'node:timers/promises';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { listen } from '../listen.ts';
import type { Random } from '../random.ts';
import { createAnswers } from './answers.ts';
import { type Call, createCallLog, type Report, reportOf } from './calls.ts';
import { ApiError, failureBody, successBody, UNCOUNTED_CODES } from './envelope.ts';
import { type Field, instanceFields } from './fields.ts';
import { type Client, createIdentity } from './identity.ts';
import { addLeads, createLeadStore, type MatchingOptions, presentLead } from './leads.ts';
import { createLimits, DEFAULT_LIMITS, type LimitOptions } from './limits.ts';
import { createLookup } from './lookup.ts';
import { type ApiRequest, createRoutes, FORM, type Prepared, type Route } from './routes.ts';
import type { SyncOptions } from './sync.ts';
import { createUsage } from './usage.ts';
import type { Value } from './values.ts';

/** How this instance behaves where nobody recorded what a real one does, and what its administrator has set up. */
export type Behaviour = MatchingOptions & SyncOptions;

export type MarketoOptions = {
  clock: Clock;
  faults: Faults;
  /** Makes the request ids. */
  random: Random;
  host?: string;
  /** 0, the default, takes any free port. */
  port?: number;
  /** The custom services; one with every permission where left out. */
  clients?: readonly Client[];
  limits?: Partial<LimitOptions>;
  behaviour?: Partial<Behaviour>;
  /** The customer's own fields; those of the demo where left out. */
  customFields?: readonly Field[];
  /** Leads that are there from the start, REST names and values. */
  leads?: readonly Record<string, unknown>[];
};

export type MarketoServer = {
  /** The base address, without /rest and without a slash at its end. */
  url: string;
  /** The custom services, the first of them for whoever needs just one. */
  clients: readonly [Client, ...Client[]];
  /** Takes a field away, as an administrator does; a reset does not bring it back. */
  removeField(name: string): void;
  /** All leads with all their fields, or those with this address (without case). */
  leads(email?: string): Record<string, Value>[];
  /** Adds leads behind the API's back; see addLeads in leads.ts. */
  addLeads(records: readonly Record<string, unknown>[]): number[];
  calls(): Call[];
  report(): Report;
  /** Back to the start: leads, tokens, limits, usage and log. */
  reset(): void;
  close(): Promise<void>;
};

export const DEFAULT_CLIENT: Client = {
  clientId: 'e1f6f1a6-0c1d-4c52-9b3a-5a0a5b0f7c11',
  clientSecret: 'sandboxMarketoSecret0123456789ab',
  user: 'livechat-sync@api.sandbox.example',
  permissions: ['read', 'write'],
};

/** What recordings, documentation and other integrations lean to; the types say which members are unverified. */
export const DEFAULT_BEHAVIOUR: Behaviour = {
  emailMatching: 'caseInsensitive',
  tooManyRecordsCode: '1003',
  unknownInputField: 'record',
  readOnlyField: 'refuse',
  companyField: 'refuse',
  overLength: 'refuse',
  blockedFields: [],
  refuseValues: [],
};

/**
 * Starts a Marketo instance: identity and the lead part of the REST API over real HTTP, with the limits, the error codes and
 * the traps of the real one.
 *
 * @param options what it shares with the sandbox, and how it behaves
 * @returns its address, its credentials, and what the control API needs
 * @throws Error when the port is taken or a lead to start with does not fit
 */
export async function startMarketo(options: MarketoOptions): Promise<MarketoServer> {
  const { clock, faults, random } = options;
  const limitOptions = { ...DEFAULT_LIMITS, ...options.limits };
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  const [firstClient = DEFAULT_CLIENT, ...otherClients] = options.clients ?? [];
  const clients = [firstClient, ...otherClients] as const;

  const fields = new Map(instanceFields(options.customFields));
  const store = createLeadStore(clock, behaviour);
  const lookup = createLookup(store, fields, behaviour.tooManyRecordsCode);
  const usage = createUsage(clock);
  const limits = createLimits(limitOptions, usage);
  const identity = createIdentity(clients, clock);
  const log = createCallLog(clock);
  const answers = createAnswers(clock, random, usage);
  const routes = createRoutes({ store, lookup, usage, fields, sync: behaviour });
  addLeads(store, fields, options.leads ?? []);

  const app = Fastify({
    forceCloseConnections: true,
    bodyLimit: MAX_BODY_BYTES,
    // Node would answer a long URI with its own 431; it has to get as far as the 414 below.
    http: { maxHeaderSize: 256 * 1024 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.all('/*', async (request, reply) => {
    const { path, query } = splitUrl(request);
    const body = request.body instanceof Buffer ? request.body.toString('utf8') : '';
    const contentType = mediaType(request);
    const params = new URLSearchParams(query);
    if (contentType === FORM) for (const [name, value] of new URLSearchParams(body)) params.append(name, value);

    if ((request.raw.url ?? '').length > MAX_URI_BYTES) return gatewayPage(request, reply, 414);
    if (path === '/identity/oauth/token') return handleIdentity(request, reply, params);
    if (!path.startsWith('/rest/')) return gatewayPage(request, reply, 404);

    // The documented place for _method is the URL; recordings show it inside the form body as well.
    const isPost = request.method === 'POST';
    const method = isPost ? (params.get('_method') ?? (contentType === FORM ? 'POST form' : 'POST')) : request.method;
    return handleRest(request, reply, { method, path, params, contentType, body, isPost });
  });

  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    if (error.statusCode === 413) return gatewayPage(request, reply, 413);
    if (error.statusCode === 415) {
      const end = log.begin('other', request.method, splitUrl(request).path);
      return answers.failure(reply, end, '612', 'Invalid Content Type');
    }
    return gatewayPage(request, reply, error.statusCode ?? 500);
  });

  async function handleIdentity(request: FastifyRequest, reply: FastifyReply, params: URLSearchParams) {
    const end = log.begin('identity', request.method, '/identity/oauth/token');
    if (request.method !== 'GET' && request.method !== 'POST') {
      end({ status: 405 });
      return answers.html(reply, 405);
    }
    const fault = faults.take('marketo', 'identity');
    await work();
    if (fault !== undefined && fault.when !== 'after') return answers.fault(reply, end, fault.effect, '{}');
    const answer = identity.token(params);
    if (fault !== undefined) return answers.fault(reply, end, fault.effect, answer.body, answer.status);
    end({ status: answer.status });
    return answers.json(
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache'),
      answer.status,
      answer.body,
    );
  }

  async function handleRest(request: FastifyRequest, reply: FastifyReply, call: ApiRequest) {
    const candidates = routes.filter((route) => route.path.test(call.path));
    const route = candidates.find((candidate) => candidate.method === call.method);
    const endpoint = route?.endpoint ?? 'other';
    const end = log.begin(endpoint, request.method, call.path);

    // The access_token parameter was removed from the API; a call that still carries one counts as having no token.
    const caller = identity.authenticate(request.headers.authorization);
    if ('code' in caller) return answers.failure(reply, end, caller.code, caller.message);
    if (candidates.length > 0 && route === undefined) {
      return answers.failure(reply, end, '605', `Request method '${request.method}' not supported`);
    }
    const admission = limits.admit(caller.client.user);
    if (!admission.admitted) return answers.failure(reply, end, admission.code, admission.message);

    const fault = faults.take('marketo', endpoint);
    let counts = true;
    let answered: Answered = { body: successBody(answers.newId(), []), records: 0 };
    try {
      const attempt = fault !== undefined && fault.when !== 'after' ? undefined : read(route, call, caller.client);
      await work();
      if (attempt !== undefined) answered = carryOut(attempt);
      const code = fault?.effect.kind === 'code' ? fault.effect.code : answered.code;
      counts = code === undefined || !UNCOUNTED_CODES.has(code);
    } finally {
      // A call stops being worked on just before its answer leaves, so that whoever has the answer finds the place free.
      admission.end(counts);
    }
    const { body, code, records } = answered;
    if (fault !== undefined) return answers.fault(reply, (last) => end({ ...last, records }), fault.effect, body);
    if (code !== undefined) usage.countError(code);
    end({ status: 200, records, ...(code === undefined ? {} : { code }) });
    return answers.json(reply, 200, body);
  }

  /** Reads a call as it arrives: what it means for the data is decided here, and done later. */
  function read(route: Route | undefined, call: ApiRequest, client: Client): Prepared | ApiError {
    try {
      if (route === undefined) throw new ApiError('610', 'Requested resource not found');
      if (route.permission !== undefined && !client.permissions.includes(route.permission)) {
        throw new ApiError('603', 'Access denied');
      }
      return route.prepare(call);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  function carryOut(attempt: Prepared | ApiError): Answered {
    if (attempt instanceof ApiError) {
      return { body: failureBody(answers.newId(), attempt.code, attempt.message), code: attempt.code, records: 0 };
    }
    const { result, nextPageToken } = attempt.commit();
    return { body: successBody(answers.newId(), result, nextPageToken), records: attempt.records };
  }

  /** What the gateway answers by itself: such a call never reached the API and counts nowhere. */
  function gatewayPage(request: FastifyRequest, reply: FastifyReply, status: number) {
    log.begin('other', request.method, splitUrl(request).path)({ status });
    return answers.html(reply, status);
  }

  async function work(): Promise<void> {
    const ms = faults.latencyMs('marketo');
    // Unref'ed: a call nobody waits for any more must not keep the process alive.
    if (ms > 0) await delay(ms, undefined, { ref: false });
  }

  const url = await listen(app, options.host ?? '127.0.0.1', options.port ?? 0);

  return {
    url,
    clients,
    leads: (email) =>
      store
        .all()
        .filter((lead) => email === undefined || `${lead.values.get('email')}`.toLowerCase() === email.toLowerCase())
        .map((lead) => presentLead(lead, [...fields.values()])),
    addLeads: (records) => addLeads(store, fields, records),
    removeField(name) {
      if (!fields.delete(name)) throw new Error(`There is no field ${name}.`);
    },
    calls: () => log.all(),
    report: () => reportOf(log.all(), limitOptions.windowMs),
    reset() {
      store.clear();
      lookup.clear();
      usage.clear();
      limits.clear();
      identity.clear();
      log.clear();
      addLeads(store, fields, options.leads ?? []);
    },
    close: () => app.close(),
  };
}

type Answered = { body: string; code?: string; records: number };

/** 8 KB and 1 MB (Marketo developer docs, "Error codes", the two HTTP statuses). */
const MAX_URI_BYTES = 8 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;

function splitUrl(request: FastifyRequest): { path: string; query: string } {
  const url = request.raw.url ?? '/';
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

function mediaType(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}
