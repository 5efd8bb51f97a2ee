import { writeFileSync } from 'node:fs';
import { COUNTERS, DATABASE_GAUGES, type Metric, SERVICE_GAUGES } from '../services/status/metrics.ts';

if (import.meta.main) {
  writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsDocument());
  process.stdout.write('docs/metrics.md is written\n');
}

/** The text of docs/metrics.md, from the metrics' definitions. */
export function metricsDocument(): string {
  return `# Metrics

<!-- Written by \`npm run docs\` from services/status/metrics.ts: change that, not this. -->

The status service answers \`/metrics\` in Prometheus' text format. A scrape reads the database, within two
seconds, so jobs that live for seconds leave true numbers behind. Where many ask at once, what one of them read is given to
all for two seconds, and for up to six while it is read anew. Several status pods all tell the same: take \`max by (…)\`
over pods before anything else.

Every series below exists from the first scrape on, at 0 where nothing has happened; only \`lcm_cronjob_info\` is nowhere
but in a cluster. Times are seconds since 1970, for alerts like
\`time() - lcm_sync_last_success_timestamp_seconds\`; 0 says that there is none yet.

While the database cannot be read, \`/metrics\` still answers 200: with \`lcm_database_up 0\`, the other metrics of the
service itself, and none of those from the database. The usual \`process_…\` and \`nodejs_…\` metrics of the status
service's own process are there as well.

## Counters

The jobs keep them in the database; they only ever grow.

${table(COUNTERS)}

## Gauges from the database

${table(DATABASE_GAUGES)}

## Gauges of the service

${table(SERVICE_GAUGES)}
`;
}

function table(metrics: readonly Metric[]): string {
  const rows = metrics.map((metric) => `| \`${metric.name}\` | ${labels(metric)} | ${metric.help} |`);
  return ['| Name | Labels | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/**
 * The build's own versions are not written down: the document would be another one after each upgrade. Nor are values
 * that only an installation knows.
 */
function labels(metric: Metric): string {
  const names = Object.entries(metric.labels ?? {});
  if (names.length === 0) return '';
  return names
    .map(([name, values]) =>
      metric.name === 'lcm_build_info' || values.length === 0
        ? `\`${name}\``
        : `\`${name}\`: ${values.map((value) => `\`${value}\``).join(' ')}`,
    )
    .join('<br>');
}
