import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { z } from 'zod';

const FOLDER = new URL('../charts/livechat-marketo-sync/files/', import.meta.url);

/** The alerts as Prometheus has them. */
export const alertFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          for: z.string().default('0s'),
          labels: z.record(z.string(), z.string()),
          annotations: z.object({ summary: z.string(), runbook_url: z.string() }),
        }),
      ),
    }),
  ),
});

export type Alert = z.infer<typeof alertFile>['groups'][number]['rules'][number];

/**
 * The same alerts for Grafana's own alerting, in the format of its file provisioning: the same expressions, so that the
 * two cannot come to say different things. DATASOURCE_UID and FOLDER are filled in by the chart, and SUFFIX, which it makes
 * of both: a uid is unique in a Grafana, and the same rules on another data source, or in another folder, are other rules.
 * Releases that agree on both make the same file: it watches over all of them, whichever has brought it.
 *
 * Grafana takes an alert to fire where its condition is a number other than 0, whereas a Prometheus expression that has
 * any result fires, 0 among them (`lcm_database_up == 0`): so the condition is whether there is a number.
 *
 * @param text files/prometheus/alerts.yaml.
 * @see https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/
 */
export function grafanaAlerts(text: string): string {
  const groups = alertFile.parse(parse(text)).groups.map(({ name, rules }) => ({
    orgId: 1,
    name,
    folder: 'FOLDER',
    interval: '1m',
    rules: rules.map(grafanaRule),
  }));
  const head = '# Written by `npm run docs` from files/prometheus/alerts.yaml: change that, not this.\n';
  return `${head}${stringify({ apiVersion: 1, groups }, { lineWidth: 0 })}`;
}

function grafanaRule({ alert, expr, for: pending, labels, annotations }: Alert) {
  return {
    uid: `${alert.replace(/[A-Z]/g, (letter, at: number) => `${at > 0 ? '-' : ''}${letter.toLowerCase()}`)}-SUFFIX`,
    title: alert,
    condition: 'B',
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from: 600, to: 0 },
        datasourceUid: 'DATASOURCE_UID',
        model: { refId: 'A', expr, instant: true, range: false },
      },
      {
        refId: 'B',
        datasourceUid: '__expr__',
        model: { refId: 'B', type: 'math', expression: 'is_number($A)' },
      },
    ],
    // No result is what a Prometheus alert that does not fire has, also one on absence: `absent` has one while it fires.
    noDataState: 'OK',
    // A rule that cannot be asked is no rule that is silent: Grafana says so, as DatasourceError with the rule's labels.
    execErrState: 'Error',
    for: pending,
    labels,
    annotations: { ...annotations, summary: annotations.summary.replaceAll('$value', '$values.A.Value') },
  };
}

if (import.meta.main) {
  const text = readFileSync(new URL('prometheus/alerts.yaml', FOLDER), 'utf8');
  writeFileSync(new URL('grafana/alerts.yaml', FOLDER), grafanaAlerts(text));
}
