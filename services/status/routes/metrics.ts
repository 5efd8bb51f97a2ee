import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { lastDue } from '../../shared/runtime/cron.ts';
import { Failure } from '../../shared/runtime/failure.ts';
import type { StatusContext } from '../context.ts';
import { exposition, processMetrics } from '../exposition.ts';

/** `/metrics`, read from the database when it is asked for; still 200, with `lcm_database_up 0`, while that cannot be read. */
export function metricsRoute(app: FastifyInstance, context: StatusContext): void {
  const { metrics, syncInterval, dailyCalls, digestSchedule, cronJobs } = context;
  const ownProcess = processMetrics();
  app.get('/metrics', async (_request, reply) => {
    const reading = await metrics.get().catch((error: unknown) => {
      if (error instanceof Failure) return undefined;
      throw error;
    });
    const due = digestSchedule && lastDue(digestSchedule.schedule, digestSchedule.timeZone, Date.now());
    const facts = {
      syncInterval: syncInterval / 1000,
      dailyCalls,
      digestDue: due === undefined ? undefined : due / 1000,
      cronJobs,
    };
    const text = await exposition(facts, reading, ownProcess);
    return reply.header('cache-control', 'no-store').type(Registry.PROMETHEUS_CONTENT_TYPE).send(text);
  });
}
