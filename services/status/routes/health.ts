import type { FastifyInstance } from 'fastify';
import type { StatusContext } from '../context.ts';

/**
 * The probes. `/healthz`: this process answers, whatever the database does; a restart would not mend a database.
 * `/readyz`: the database has answered once, and its schema fitted; until then 503 with the sentence. From then on it stays
 * ready: while the database is away the page, which says so, must be within reach, and no other pod could say more. A new
 * pod whose schema does not fit yet is no reason to take the page away from those who look at the old one's.
 */
export function healthRoutes(app: FastifyInstance, { readings }: StatusContext): void {
  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'alive' }));
  let hasBeenReady = false;
  app.get('/readyz', async (_request, reply) => {
    if (!hasBeenReady) await readings.check();
    hasBeenReady = true;
    return reply.header('cache-control', 'no-store').send({ status: 'ready' });
  });
}
