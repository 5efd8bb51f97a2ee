import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { MetricsReading } from '../shared/store/readings-metrics.ts';
import { COUNTERS, DATABASE_GAUGES, type Metric, type Sample, SERVICE_GAUGES, type ServiceFacts } from './metrics.ts';

/**
 * What /metrics answers, in Prometheus' text format.
 *
 * The registry is new for each scrape: what is in it was read for this scrape and nothing is left from an earlier one,
 * also when two scrapes overlap (Prometheus, "Writing exporters").
 *
 * @param reading undefined while the database cannot be read; then only what the service itself knows is told.
 * @param ownProcess the registry of `processMetrics`.
 */
export async function exposition(
  facts: Omit<ServiceFacts, 'databaseUp'>,
  reading: MetricsReading | undefined,
  ownProcess: Registry,
): Promise<string> {
  const registry = new Registry();
  for (const gauge of SERVICE_GAUGES) {
    setGauge(registry, gauge, gauge.read({ ...facts, databaseUp: reading !== undefined }));
  }
  if (reading) {
    for (const gauge of DATABASE_GAUGES) setGauge(registry, gauge, gauge.read(reading));
    for (const metric of COUNTERS) setCounter(registry, metric, reading);
  }
  return `${await registry.metrics()}${await ownProcess.metrics()}`;
}

/** The metrics of this process: memory, CPU, event loop. Once for a process, because each one adds an observer to it. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

/** Their names end like another type's, which promtool refuses; what they say is also said by their namesakes. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
];

function setGauge(registry: Registry, metric: Metric, read: number | readonly Sample[]): void {
  const gauge = new Gauge({ ...headOf(metric), registers: [registry] });
  for (const { labels, value } of typeof read === 'number' ? [{ labels: {}, value: read }] : read) {
    gauge.set(labels, value);
  }
}

function setCounter(registry: Registry, metric: Metric, reading: MetricsReading): void {
  const counter = new Counter({ ...headOf(metric), registers: [registry] });
  for (const labels of combinations(metric.labels ?? {})) counter.inc(labels, 0);
  const names = JSON.stringify(Object.keys(metric.labels ?? {}).sort());
  for (const row of reading.counters) {
    // A value that another release knew is still a true count; other label names would make it another metric.
    if (row.name === metric.name && JSON.stringify(Object.keys(row.labels).sort()) === names) {
      counter.inc(row.labels, row.value);
    }
  }
}

function headOf(metric: Metric): { name: string; help: string; labelNames: string[] } {
  return { name: metric.name, help: metric.help, labelNames: Object.keys(metric.labels ?? {}) };
}

function combinations(labels: Readonly<Record<string, readonly string[]>>): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (sofar, [name, values]) => sofar.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value }))),
    [{}],
  );
}
