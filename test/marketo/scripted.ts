import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a call asked for, by its URL and body. */
export type Asked = 'identity' | 'usage' | 'describe' | 'lookup' | 'create' | 'update';

/** A body with HTTP 200 as JSON where nothing else is said, or how the connection ends. */
export type Scripted =
  | { status?: number; type?: string; body: string; headers?: Record<string, string> }
  | 'reset'
  | 'cut in the body';

export type Received = {
  asked: Asked;
  /** The request line: method and URL. */
  line: string;
  headers: IncomingMessage['headers'];
  body: string;
};

/** The answer to the n-th call of this kind, counted from 1. */
export type Script = Partial<Record<Asked, (received: Received, count: number) => Scripted | Promise<Scripted>>>;

/**
 * A Marketo that answers what a test writes down, for answers that the sandbox does not give. What the script leaves
 * out is answered as by a healthy instance that has no leads.
 */
export async function scriptedMarketo(script: Script = {}) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const one: Received = {
      asked: kindOf(request.url ?? '', body),
      line: `${request.method} ${request.url}`,
      headers: request.headers,
      body,
    };
    received.push(one);
    const count = received.filter(({ asked }) => asked === one.asked).length;
    const answer = await (script[one.asked] ?? HEALTHY[one.asked])(one, count);
    if (answer === 'reset') return void request.socket.destroy();
    if (answer === 'cut in the body') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"requestId":"1#2","success":tr', () => request.socket.destroy());
      return;
    }
    response.writeHead(answer.status ?? 200, {
      'content-type': answer.type ?? 'application/json;charset=UTF-8',
      ...answer.headers,
    });
    response.end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens, but not on a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    count: (asked: Asked) => received.filter((one) => one.asked === asked).length,
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Marketo's body of a call that worked. */
export function good(result: unknown, more: object = {}): Scripted {
  return { body: JSON.stringify({ requestId: '6227#17d4f044661', result, success: true, ...more }) };
}

/** Marketo's body of a call that failed as a whole. */
export function bad(code: string | number, message = 'No.'): Scripted {
  return { body: JSON.stringify({ requestId: '6227#17d4f044661', success: false, errors: [{ code, message }] }) };
}

/** The identity service's answer. */
export function token(value: string, seconds = 3599): Scripted {
  return {
    body: JSON.stringify({ access_token: value, token_type: 'bearer', expires_in: seconds, scope: 'api@example.com' }),
  };
}

const HEALTHY: Required<Script> = {
  identity: () => token('token-of-the-script'),
  usage: () => good([{ date: '2026-11-23', total: 7, users: [] }]),
  describe: () =>
    good([
      { dataType: 'integer', rest: { name: 'id', readOnly: true } },
      { dataType: 'email', rest: { name: 'email', readOnly: false } },
    ]),
  lookup: () => good([]),
  create: ({ body }) => good(inputOf(body).map((_, index) => ({ id: index + 1, status: 'created' }))),
  update: ({ body }) => good(inputOf(body).map((_, index) => ({ id: index + 1, status: 'updated' }))),
};

function inputOf(body: string): unknown[] {
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === 'object' && parsed !== null && 'input' in parsed && Array.isArray(parsed.input)
    ? parsed.input
    : [];
}

function kindOf(url: string, body: string): Asked {
  if (url.startsWith('/identity/')) return 'identity';
  if (url.includes('/stats/')) return 'usage';
  if (url.includes('/describe')) return 'describe';
  if (url.includes('_method=GET')) return 'lookup';
  return body.includes('"action":"createOnly"') ? 'create' : 'update';
}
