import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import type { FaultEffect, Faults } from '../faults.ts';
import { listen } from '../listen.ts';
import type { Random } from '../random.ts';
import {
  type ActionName,
  type Actions,
  type Behaviour,
  CONFIGURATION_ACTIONS,
  createActions,
  usualBehaviour,
} from './actions.ts';
import { type Archive, createArchive } from './archive.ts';
import { ApiError, envelope, statusOf } from './envelope.ts';

export type LiveChatOptions = {
  clock: Clock;
  faults: Faults;
  random: Random;
  /** 127.0.0.1 where left out. */
  host?: string;
  /** 0, any free port, where left out. */
  port?: number;
  /** The two halves of the personal access token: user name and password of Basic authentication. */
  accountId: string;
  pat: string;
  behaviour?: Partial<Behaviour>;
};

/** One call, as the server saw it. */
export type LiveChatCall = {
  /** The action, such as list_archives. */
  endpoint: string;
  method: string;
  path: string;
  /** Milliseconds of real, monotonic time: compare with other calls of the same process only. */
  arrivedAt: number;
  answeredAt: number | null;
  /** The same instants on the sandbox clock, RFC 3339. */
  arrivedOn: string;
  answeredOn: string | null;
  /** HTTP status; 0 where the connection was cut, null while the call is being worked on. */
  status: number | null;
  /** The error's type. */
  code: string | null;
  /** Chats or customers in the answer. */
  records: number;
  /** The parsed request body; undefined where it was no JSON. */
  request: unknown;
};

export type LiveChatServer = {
  /** Such as http://127.0.0.1:7401, without a slash at the end. */
  url: string;
  archive: Archive;
  /** Change it at any time; the next call obeys. */
  behaviour: Behaviour;
  calls(): LiveChatCall[];
  /** Empties the archive and the log of calls, and restores the behaviour the server was started with. */
  reset(): void;
  close(): Promise<void>;
};

/**
 * Starts a LiveChat server: `POST /v3.6/agent/action/<action>` for list_archives, list_chats, get_chat and get_customer,
 * `POST /v3.6/configuration/action/list_groups`, with the rules, gaps and traps of the Agent Chat Web API as its documentation and recorded responses show them.
 *
 * @param options the clock and faults it shares with the sandbox, its address, its one account, its behaviour
 * @returns the server, listening
 * @throws Error where the port is taken
 */
export async function startLiveChat(options: LiveChatOptions): Promise<LiveChatServer> {
  const { clock, faults, random, host = '127.0.0.1', port = 0 } = options;
  const startBehaviour: Behaviour = { ...usualBehaviour, ...options.behaviour };
  const behaviour: Behaviour = { ...startBehaviour };
  const archive = createArchive(clock, random);
  const actions = createActions(archive, clock, behaviour);
  const closing = new AbortController();
  let calls: LiveChatCall[] = [];

  const app = Fastify({ forceCloseConnections: true, bodyLimit: 10 * 1024 * 1024 });
  // Every body is taken as text and read by hand: what is wrong with it is answered in LiveChat's envelope, not Fastify's.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.post<{ Params: Target }>('/:version/:api/action/:action', (request, reply) =>
    handle(request, reply, request.params),
  );
  app.setNotFoundHandler((request, reply) => handle(request, reply, undefined));
  app.setErrorHandler((error, _request, reply) => {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE';
    const type = tooLarge ? 'entity_too_large' : 'internal';
    return reply.code(statusOf(type)).send(envelope(type, error instanceof Error ? error.message : 'Internal error'));
  });

  async function handle(
    request: FastifyRequest,
    reply: FastifyReply,
    target: Target | undefined,
  ): Promise<FastifyReply> {
    const endpoint = target?.action ?? 'unknown';
    const call = openCall(endpoint, request);
    calls.push(call);
    const fault = faults.take('livechat', endpoint);
    const workMs = faults.latencyMs('livechat');
    const inTime = await work(workMs);

    const answer = inTime
      ? answerTo(target, request)
      : refusal(new ApiError('request_timeout', 'Request timed out'), {});
    // Reading changes nothing: a fault before the effect and one after it come to the same.
    const sent = fault === undefined ? answer : spoil(answer, fault.effect);

    call.answeredAt = performance.now();
    call.answeredOn = new Date(clock.now()).toISOString();
    call.status = sent === 'reset' ? 0 : sent.status;
    call.code = sent === 'reset' ? null : (sent.code ?? null);
    call.records = sent === 'reset' ? 0 : sent.records;
    if (sent === 'reset') {
      reply.hijack();
      request.raw.socket.destroy();
      return reply;
    }
    return reply
      .code(sent.status)
      .headers({ date: new Date(clock.now()).toUTCString(), 'content-type': 'application/json', ...sent.headers })
      .send(sent.text);
  }

  function openCall(endpoint: string, request: FastifyRequest): LiveChatCall {
    return {
      endpoint,
      method: request.method,
      path: request.url,
      arrivedAt: performance.now(),
      answeredAt: null,
      arrivedOn: new Date(clock.now()).toISOString(),
      answeredOn: null,
      status: null,
      code: null,
      records: 0,
      request: json(request.body),
    };
  }

  /** Takes the time a call is worked on; false where it is longer than LiveChat works on any call. */
  async function work(ms: number): Promise<boolean> {
    if (ms <= 0) return true;
    // An abort ends the wait early, when the server is being closed under the call.
    await sleep(Math.min(ms, SERVER_TIMEOUT_MS), undefined, { signal: closing.signal }).catch(() => undefined);
    return ms < SERVER_TIMEOUT_MS;
  }

  function answerTo(target: Target | undefined, request: FastifyRequest): Sent {
    let headers: Record<string, string> = {};
    try {
      if (target === undefined) throw new ApiError('not_found', 'Unknown path: POST /v3.6/agent/action/<action>');
      headers = versionHeaders(target.version, behaviour);
      checkRegion(request, behaviour.region);
      checkToken(request, options.accountId, options.pat);
      if (!isAction(target, actions)) throw new ApiError('not_found', `Unknown action '${target.action}'`);
      const { body, records } = actions[target.action](readBody(request));
      return { status: 200, headers, text: JSON.stringify(body), records };
    } catch (error) {
      if (error instanceof ApiError) return refusal(error, headers);
      throw error;
    }
  }

  const url = await listen(app, host, port);
  return {
    url,
    archive,
    behaviour,
    calls: () => calls.map((call) => ({ ...call })),
    reset() {
      archive.clear();
      calls = [];
      Object.assign(behaviour, startBehaviour);
    },
    async close() {
      closing.abort();
      await app.close();
    },
  };
}

/** Which action of which API is called, by the path. */
type Target = { version: string; api: string; action: string };

/** "The server side timeout is 15 seconds": then request_timeout is the answer. */
const SERVER_TIMEOUT_MS = 15_000;

type Sent = { status: number; headers: Record<string, string>; text: string; records: number; code?: string };

function refusal({ type, message, data }: ApiError, headers: Record<string, string>): Sent {
  return {
    status: statusOf(type),
    headers,
    text: JSON.stringify(envelope(type, message, data)),
    records: 0,
    code: type,
  };
}

/** What the caller gets in place of the true answer. */
function spoil(answer: Sent, effect: FaultEffect): Sent | 'reset' {
  switch (effect.kind) {
    case 'error':
      return {
        ...refusal(new ApiError(effect.type, effect.message ?? effect.type, effect.data), {
          ...answer.headers,
          ...effect.headers,
        }),
        status: effect.status ?? statusOf(effect.type),
      };
    case 'code':
      // Marketo's kind of failure; the switchboard takes none of these for LiveChat.
      return answer;
    case 'html':
      return {
        status: effect.status,
        headers: { 'content-type': 'text/html' },
        text: '<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>',
        records: 0,
      };
    case 'truncated':
      return { ...answer, text: answer.text.slice(0, Math.floor(answer.text.length / 2)) };
    case 'reset':
      return 'reset';
  }
}

/**
 * v3.6 is stable. v3.5 is legacy and v3.4 deprecated, and say so in a header that dates the end of that stage (LiveChat
 * developer docs, 'API versioning'); no such date is published for either, these two are made up. Their answers have the
 * shape of v3.6 here: they are there for the headers alone.
 */
function versionHeaders(version: string, behaviour: Behaviour): Record<string, string> {
  switch (version) {
    case 'v3.6':
      return { ...behaviour.versionHeaders };
    case 'v3.5':
      return { Legacy: '2027-02-28' };
    case 'v3.4':
      return { Deprecation: '2026-12-31' };
    default:
      throw new ApiError('unsupported_version', `Unsupported API version '${version}'`);
  }
}

/** The wrong data centre does not know the account: it answers with the right one's name before it looks at the token. */
function checkRegion(request: FastifyRequest, region: string | undefined): void {
  if (region === undefined || request.headers['x-region'] === region) return;
  throw new ApiError('misdirected_request', 'Wrong region', { region });
}

/** Only Basic with the account's id and token: a PAT sent as Bearer is a wrong turn many have taken. */
function checkToken(request: FastifyRequest, accountId: string, pat: string): void {
  const expected = `Basic ${Buffer.from(`${accountId}:${pat}`).toString('base64')}`;
  if (request.headers.authorization !== expected) throw new ApiError('authentication', 'Invalid access token');
}

function readBody(request: FastifyRequest): unknown {
  const type = request.headers['content-type'] ?? '';
  if (!type.toLowerCase().startsWith('application/json')) {
    throw new ApiError('validation', 'Content-Type must be application/json');
  }
  const body = json(request.body);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new ApiError('validation', 'The request body must be a JSON object, at least {}');
}

function json(body: unknown): unknown {
  if (typeof body !== 'string') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isAction(target: Target, actions: Actions): target is Target & { action: ActionName } {
  const api = CONFIGURATION_ACTIONS.includes(target.action) ? 'configuration' : 'agent';
  return target.api === api && Object.hasOwn(actions, target.action);
}
