import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A request as a proxy, a gateway or a load balancer on the way would see and log it. */
export type Seen = { line: string; headers: IncomingHttpHeaders; body: string };

export type ProxyAnswer = { status: number; type: string; body: string };

export type RecordingProxy = {
  url: string;
  seen: Seen[];
  /** The access tokens that went through in identity answers. */
  tokens: Set<string>;
  /** Answers in the server's place, for requests for which it gives something. */
  answerInstead: ((request: Seen) => ProxyAnswer | undefined) | undefined;
  close(): Promise<void>;
};

/** Stands before a server, keeps what it sees, and answers in its place where a test wants that. */
export async function recordingProxy(target: string): Promise<RecordingProxy> {
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const seen: Seen = {
      line: `${request.method} ${request.url}`,
      headers: request.headers,
      body: body.toString('utf8'),
    };
    proxy.seen.push(seen);
    const instead = proxy.answerInstead?.(seen);
    if (instead) {
      response.writeHead(instead.status, { 'content-type': instead.type }).end(instead.body);
      return;
    }
    try {
      const headers = new Headers();
      for (const name of ['authorization', 'content-type', 'accept', 'x-region']) {
        const value = request.headers[name];
        if (typeof value === 'string') headers.set(name, value);
      }
      const answer = await fetch(`${target}${request.url}`, {
        method: request.method ?? 'GET',
        headers,
        ...(body.length > 0 ? { body } : {}),
      });
      const text = await answer.text();
      const token = /"access_token":"([^"]+)"/.exec(text)?.[1];
      if (token !== undefined) proxy.tokens.add(token);
      const date = answer.headers.get('date');
      response
        .writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? 'text/plain',
          ...(date === null ? {} : { date }),
        })
        .end(text);
    } catch {
      // The server has cut its connection, so the client's is cut as well.
      request.socket.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens, but not on a port');
  const proxy: RecordingProxy = {
    url: `http://127.0.0.1:${address.port}`,
    seen: [],
    tokens: new Set(),
    answerInstead: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
