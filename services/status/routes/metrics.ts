import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { Failure } from '../../shared/runtime/failure.ts';
import { readMetrics } from '../../shared/store/readings-metrics.ts';
import type { StatusContext } from '../context.ts';
import { exposition, processMetrics } from '../exposition.ts';
import { COUNTERS } from '../metrics.ts';

/** `/metrics`, read from the database at each scrape; still 200, with `lcm_database_up 0`, while that cannot be read. */
export function metricsRoute(app: FastifyInstance, { readings, syncInterval }: StatusContext): void {
  const ownProcess = processMetrics();
  const names = COUNTERS.map((metric) => metric.name);
  app.get('/metrics', async (_request, reply) => {
    const reading = await readings
      .read((db) => readMetrics(db, names))
      .catch((error: unknown) => {
        if (error instanceof Failure) return undefined;
        throw error;
      });
    const text = await exposition({ syncInterval: syncInterval / 1000 }, reading, ownProcess);
    return reply.header('cache-control', 'no-store').type(Registry.PROMETHEUS_CONTENT_TYPE).send(text);
  });
}
