import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from '../shared/runtime/log.ts';
import type { Readings } from '../shared/store/readings.ts';
import { readMetrics } from '../shared/store/readings-metrics.ts';
import { readOverview } from '../shared/store/readings-overview.ts';
import { bearerOf, createAccess } from './access.ts';
import { type Cluster, NO_CLUSTER } from './cluster/watch.ts';
import type { DigestSchedule, StatusContext } from './context.ts';
import { watched } from './database.ts';
import { COUNTERS } from './metrics.ts';
import { answerError, answerNotFound, pathOf } from './problem.ts';
import { recent } from './recent.ts';
import { actionRoutes } from './routes/actions.ts';
import { api } from './routes/api.ts';
import { assetRoutes } from './routes/assets.ts';
import { healthRoutes } from './routes/health.ts';
import { loginRoutes } from './routes/login.ts';
import { metricsRoute } from './routes/metrics.ts';
import { pageRoutes } from './routes/pages.ts';

export type StatusOptions = {
  readings: Readings;
  log: Logger;
  /** Milliseconds between two scheduled sync runs (SYNC_INTERVAL). */
  syncInterval: number;
  /** Calls to Marketo in a day (MARKETO_DAILY_CALLS). */
  dailyCalls?: number;
  /** When the digest is run (DIGEST_SCHEDULE, DIGEST_TIME_ZONE); where left out, none is ever late. */
  digestSchedule?: DigestSchedule | undefined;
  /** The names of this release's CronJobs (KUBERNETES_CRONJOBS); none where left out. */
  cronJobs?: readonly string[] | undefined;
  /** Who has it sees addresses and may act (STATUS_TOKEN); nobody where left out. */
  token?: string | undefined;
  /** Where browsers reach this service (STATUS_URL). */
  publicUrl?: string | undefined;
  cluster?: Cluster;
  /** Milliseconds for which the first screen and a scrape are kept for others who ask; none where left out. */
  keepFor?: number;
};

/**
 * Builds the status service: pages, API, metrics and probes. It does not listen yet.
 *
 * @param options the readings and the cluster stay the caller's: closing the app does not close them.
 */
export function buildApp(options: StatusOptions): FastifyInstance {
  const { log, syncInterval, dailyCalls = 20_000, digestSchedule, cronJobs = [], token, publicUrl } = options;
  const { cluster = NO_CLUSTER, keepFor = 0 } = options;
  const logger: FastifyBaseLogger = log;
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    // Probes and scrapes would fill the log with a line every few seconds that says nothing; what is done is logged.
    logController: new LogController({ disableRequestLogging: true }),
    // A client must send its request within 10 s, its headers within 5 s, or loses its connection: slow senders must
    // not use up the sockets. Idle connections stay longer than the 60 s for which proxies keep theirs, or a proxy
    // would send a request into one that is just being closed.
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 75_000,
    http: { headersTimeout: 5_000 },
    forceCloseConnections: 'idle',
    bodyLimit: 65_536,
    routerOptions: { maxParamLength: 1000 },
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  closeConnectionsAtTheEnd(app);

  const readings = watched(options.readings, log);
  const names = COUNTERS.map((metric) => metric.name);
  const context: StatusContext = {
    readings,
    overview: recent(() => readings.read((db) => readOverview(db, RUNS_READ)), keepFor),
    metrics: recent(() => readings.read((db) => readMetrics(db, names)), keepFor),
    cluster,
    access: createAccess(token, publicUrl),
    log,
    syncInterval,
    dailyCalls,
    digestSchedule,
    cronJobs,
  };
  app.register(helmet, HEADERS);
  app.register(cookie);
  app.register(formbody);
  // Against a client gone wild, by address; behind a proxy all share the proxy's, so it is generous. What Kubernetes,
  // Prometheus and a screen on the wall ask for costs next to nothing and is never refused; but whoever brings a token
  // may be guessing it.
  app.register(rateLimit, {
    max: 1200,
    timeWindow: '1 minute',
    allowList: (request) => isAlwaysFree(request) && bearerOf(request) === undefined,
  });
  app.register(async (scope) => {
    scope.setValidatorCompiler(validatorCompiler);
    healthRoutes(scope, context);
    metricsRoute(scope, context);
    assetRoutes(scope);
    pageRoutes(scope, context);
    loginRoutes(scope, context);
    actionRoutes(scope, context);
    scope.register(api(context));
  });
  return app;
}

/** Two days of an hourly sync. */
const RUNS_READ = 48;

const FREE = ['/', '/healthz', '/readyz', '/metrics'];

function isAlwaysFree(request: FastifyRequest): boolean {
  const path = pathOf(request);
  return FREE.includes(path) || path.startsWith('/assets/');
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

/**
 * Pages run and load nothing but this service's own files. The referrer stays within this service: without any, a
 * browser would send `Origin: null` with our own forms, and they could not be told from others'.
 */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'"],
      'connect-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  referrerPolicy: { policy: 'same-origin' },
  // Whether a domain is to be reached by https alone is for its owner to say, where TLS ends.
  strictTransportSecurity: false,
} as const;
