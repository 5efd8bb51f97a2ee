import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog, type Logger } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { openReadings } from '../shared/store/readings.ts';
import { buildApp } from './app.ts';
import { connectCluster } from './cluster/api.ts';
import { type Cluster, NO_CLUSTER, watchCluster } from './cluster/watch.ts';

// Above the start, because what is declared below it does not exist yet while it runs.
/** How long requests that are under way are waited for: longer than a reading of the database may take. */
const PATIENCE_MS = 10_000;

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('status', 'info');
  return runProcess(log, async (signal) => {
    if (readFlags(process.argv.slice(2), {}).help) {
      process.stdout.write('Usage: status\n\nServes the status page, the API and /metrics until it is told to stop.\n');
      return EXIT.done;
    }
    const config = readConfig(process.env, [
      'DATABASE_URL',
      'DATABASE_SCHEMA',
      'STATUS_HOST',
      'STATUS_PORT',
      'STATUS_TOKEN',
      'STATUS_URL',
      'SYNC_INTERVAL',
      'MARKETO_DAILY_CALLS',
      'DIGEST_SCHEDULE',
      'DIGEST_TIME_ZONE',
      'KUBERNETES_NAMESPACE',
      'KUBERNETES_RELEASE',
      'KUBERNETES_CRONJOBS',
      'LOG_LEVEL',
    ]);
    log.level = config.LOG_LEVEL;
    // Two seconds for one reading: well below the 10 s after which Prometheus gives a scrape up.
    const readings = openReadings(config.DATABASE_URL, config.DATABASE_SCHEMA, 2000);
    const cluster = clusterOf(config, log);
    const app = buildApp({
      readings,
      log,
      syncInterval: config.SYNC_INTERVAL,
      dailyCalls: config.MARKETO_DAILY_CALLS,
      digestSchedule:
        config.DIGEST_SCHEDULE === undefined
          ? undefined
          : { schedule: config.DIGEST_SCHEDULE, timeZone: config.DIGEST_TIME_ZONE },
      cronJobs: config.KUBERNETES_CRONJOBS,
      token: config.STATUS_TOKEN,
      publicUrl: config.STATUS_URL,
      cluster,
      // What the first screen and a scrape tell is at most six seconds old, and read at most every two.
      keepFor: 2000,
    });
    try {
      const address = await listen(app, config.STATUS_HOST, config.STATUS_PORT);
      log.info({ host: address.address, port: address.port }, `listening on ${webAddress(address)}`);
      if (!signal.aborted) await once(signal, 'abort');
      log.info('stopping: requests that are under way are answered first');
      return EXIT.done;
    } finally {
      cluster.close();
      await closeInTime(app, log);
      await readings.close();
    }
  });
}

/** The cluster, where the configuration says which part of it is ours; both settings or neither. */
function clusterOf(
  { KUBERNETES_NAMESPACE: namespace, KUBERNETES_RELEASE: release }: Partial<Record<ClusterSetting, string | undefined>>,
  log: Logger,
): Cluster {
  if (namespace !== undefined && release !== undefined) {
    return watchCluster(() => connectCluster({ namespace, release }), log);
  }
  if (namespace === undefined && release === undefined) return NO_CLUSTER;
  throw new Failure(
    EXIT.configuration,
    'KUBERNETES_NAMESPACE and KUBERNETES_RELEASE belong together: set both, or neither.',
  );
}

type ClusterSetting = 'KUBERNETES_NAMESPACE' | 'KUBERNETES_RELEASE';

async function listen(app: FastifyInstance, host: string, port: number): Promise<AddressInfo> {
  try {
    // Told no host, Node listens on `::`, and on 0.0.0.0 where the machine has no IPv6; told `::`, it would fail there.
    await app.listen({ host: host === '::' ? '' : host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Failure(
      EXIT.configuration,
      `The status service cannot listen on port ${port} of ${host} (${code}): correct STATUS_HOST or STATUS_PORT.`,
      { cause: error },
    );
  }
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens, but not on a port');
  return address;
}

/**
 * Lets what is under way be answered, then cuts what is left: a client that does not read its answer would hold the
 * process for longer than Kubernetes waits before it kills (terminationGracePeriodSeconds, 30 s).
 */
async function closeInTime(app: FastifyInstance, log: Logger): Promise<void> {
  const cut = setTimeout(() => {
    log.warn('closing the connections whose answers nobody has read');
    app.server.closeAllConnections();
  }, PATIENCE_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

/** An address that a browser on this machine can open. */
function webAddress({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}
