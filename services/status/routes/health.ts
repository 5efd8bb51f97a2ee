import type { FastifyInstance } from 'fastify';
import type { StatusContext } from '../context.ts';

/**
 * The probes. `/healthz`: this process answers, whatever the database does; a restart would not mend a database.
 * `/readyz`: the database answers and its schema fits, else 503 with the sentence.
 */
export function healthRoutes(app: FastifyInstance, { readings }: StatusContext): void {
  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    await readings.check();
    return reply.header('cache-control', 'no-store').send({ status: 'ready' });
  });
}
