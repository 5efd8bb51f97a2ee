import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

/**
 * A server in front of another, which answers some requests by itself; for what the sandbox cannot be told to do.
 *
 * @param target where everything else goes.
 * @param intercept the body to answer with, HTTP 200, or undefined to let the request through.
 * @returns the proxy's address.
 */
export async function proxyTo(target: string, intercept: (request: Seen) => string | undefined): Promise<string> {
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const body = (await buffer(request)).toString();
    const own = intercept({ method, url, headers, body });
    if (own !== undefined) {
      response.setHeader('content-type', 'application/json').end(own);
      return;
    }
    const { 'content-type': type, authorization } = headers;
    const answer = await fetch(`${target}${url}`, {
      method,
      headers: { ...(type ? { 'content-type': type } : {}), ...(authorization ? { authorization } : {}) },
      ...(method === 'GET' ? {} : { body }),
    });
    response.statusCode = answer.status;
    response.setHeader('content-type', answer.headers.get('content-type') ?? 'text/plain');
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
