import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from '../shared/runtime/log.ts';
import type { Readings } from '../shared/store/readings.ts';
import { watched } from './database.ts';
import { answerError } from './problem.ts';
import { apiRoutes } from './routes/api.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { answerNotFound, pageRoutes } from './routes/page.ts';

export type StatusOptions = {
  readings: Readings;
  log: Logger;
  /** Milliseconds between two scheduled sync runs (SYNC_INTERVAL). */
  syncInterval: number;
};

/**
 * Builds the status service: page, API, metrics and probes. It only reads, and it does not listen yet.
 *
 * @param options the readings stay the caller's: closing the app does not close them.
 */
export function buildApp({ readings, log, syncInterval }: StatusOptions): FastifyInstance {
  const logger: FastifyBaseLogger = log;
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    // Probes and scrapes would fill the log with a line every few seconds that says nothing.
    logController: new LogController({ disableRequestLogging: true }),
    // A client must send its request within 10 s, its headers within 5 s, or loses its connection: slow senders must
    // not use up the sockets. Idle connections stay longer than the 60 s for which proxies keep theirs, or a proxy
    // would send a request into one that is just being closed.
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 75_000,
    http: { headersTimeout: 5_000 },
    forceCloseConnections: 'idle',
    ajv: { customOptions: { removeAdditional: false } },
  });

  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
  });
  closeConnectionsAtTheEnd(app);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);

  const context = { readings: watched(readings, log), syncInterval };
  healthRoutes(app, context);
  metricsRoute(app, context);
  apiRoutes(app, context);
  pageRoutes(app, context);
  return app;
}

/**
 * A request that is answered while the service stops must not leave its connection open: the server ends only when the
 * last one is closed, and a kept-alive one would hold it for longer than Kubernetes waits.
 */
function closeConnectionsAtTheEnd(app: FastifyInstance): void {
  let stopping = false;
  app.addHook('preClose', async () => {
    stopping = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close');
  });
}

/** The page has no script, no frame, no form, and no style but its own file. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
