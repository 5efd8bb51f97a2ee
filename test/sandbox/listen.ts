import type { FastifyInstance } from 'fastify';

/**
 * Has a server listen.
 *
 * @param host an address of this machine; `::` is all of them, of IPv4 as well
 * @param port 0 is any free port
 * @returns where a program on this machine reaches it, as http://127.0.0.1:7401
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  const url = await app.listen({ host: bound(host), port });
  return url.replace('//[::]:', '//localhost:');
}

/**
 * What Node is to be told where a server should listen on `host`: nothing for `::`. It then takes 0.0.0.0 where the machine
 * has no IPv6 (https://nodejs.org/api/net.html#serverlistenport-host-backlog-callback); told `::`, it would fail there.
 */
export function bound(host: string): string {
  return host === '::' ? '' : host;
}
