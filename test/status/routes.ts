import type { FastifyInstance } from 'fastify';

export type Route = { method: 'GET' | 'POST'; path: string };

/** Every route that a service has, as its router lists them, with parameters as `:id`; what is added later is in it. */
export function routesOf(app: FastifyInstance): Route[] {
  const above: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^(.*?)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line);
      if (!match) return [];
      const [, indent = '', part = '', methods = ''] = match;
      const depth = indent.length / 4;
      above.length = depth;
      const path = [...above, part].join('').replaceAll('//', '/');
      above.push(part);
      return (['GET', 'POST'] as const)
        .filter((method) => methods.split(', ').includes(method))
        .map((method) => ({ method, path }));
    });
}
