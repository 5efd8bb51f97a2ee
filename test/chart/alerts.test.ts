import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Alert, alertFile, grafanaAlerts } from '../../scripts/grafana-alerts.ts';
import { CHART, canRender, given, one, render } from './render.ts';

const FILE = `${CHART}/files/prometheus/alerts.yaml`;
const text = readFileSync(FILE, 'utf8');
const alerts = alertFile.parse(parse(text)).groups.flatMap(({ rules }) => rules);
/** As they stand in the file, unparsed. */
const rules: { alert: string }[] = parse(text).groups.flatMap((group: { rules: { alert: string }[] }) => group.rules);

const promtool = '/usr/bin/promtool';
const hasPromtool = existsSync(promtool);
if (!hasPromtool) process.stderr.write('SKIPPED: promtool is not installed, the alerts were not tested\n');

/** Series that a status service of the release has; `values` in promtool's notation, one a minute. */
type Series = Record<string, string>;
type Case = {
  fires: { series: Series; at: string; summary: string; labels?: Record<string, string> }[];
  silent: { series: Series; at: string; why: string }[];
};

/** A status service's series gets the labels of its scrape. */
const AT = 'namespace="x", service="lcm"';
const OURS = { namespace: 'x', service: 'lcm' };
const HOURLY = { lcm_sync_interval_seconds: '3600x2000' };

/**
 * For each alert when it fires, and when it does not. Time begins at 0, so that a timestamp in the past is a small number;
 * one of 0 says that there is none.
 */
const CASES: Record<string, Case> = {
  LcmSyncNotSucceeding: {
    fires: [
      {
        series: { ...HOURLY, lcm_sync_last_success_timestamp_seconds: '60x300' },
        at: '2h41m',
        summary: 'No sync has succeeded for 2h 40m 0s',
      },
      {
        series: { lcm_sync_interval_seconds: '900x300', lcm_sync_last_success_timestamp_seconds: '60x300' },
        at: '46m',
        summary: 'No sync has succeeded for 45m 0s',
      },
    ],
    silent: [
      { series: { ...HOURLY, lcm_sync_last_success_timestamp_seconds: '60x300' }, at: '2h20m', why: 'two runs late' },
      {
        series: { ...HOURLY, lcm_sync_last_success_timestamp_seconds: '0x300' },
        at: '4h',
        why: 'never is another alert',
      },
      { series: { ...HOURLY, lcm_sync_last_success_timestamp_seconds: '60+60x600' }, at: '9h', why: 'all is well' },
    ],
  },
  LcmSyncNeverSucceeded: {
    fires: [
      {
        series: {
          ...HOURLY,
          lcm_installed_timestamp_seconds: '0x300',
          lcm_sync_last_success_timestamp_seconds: '0x300',
        },
        at: '3h',
        summary: 'No sync has ever succeeded, 3h 0m 0s after the installation',
      },
    ],
    silent: [
      {
        series: {
          ...HOURLY,
          lcm_installed_timestamp_seconds: '0x300',
          lcm_sync_last_success_timestamp_seconds: '0x300',
        },
        at: '2h',
        why: 'it is new',
      },
      {
        series: {
          ...HOURLY,
          lcm_installed_timestamp_seconds: '0x300',
          lcm_sync_last_success_timestamp_seconds: '60x300',
        },
        at: '4h',
        why: 'once is enough',
      },
    ],
  },
  LcmMetricsMissing: {
    fires: [
      {
        series: {},
        at: '20m',
        summary: 'Prometheus gets no metrics of the status service; the other alerts are blind',
        labels: {},
      },
    ],
    silent: [{ series: HOURLY, at: '20m', why: 'they are there' }],
  },
  LcmDatabaseDown: {
    fires: [
      {
        series: { lcm_database_up: '0x60' },
        at: '11m',
        summary: 'The status service cannot read the database; syncs most likely cannot either',
      },
    ],
    silent: [
      { series: { lcm_database_up: '1 1 0 0 0 1x60' }, at: '11m', why: 'it was away for three minutes' },
      {
        series: { lcm_database_up: '0x60', 'lcm_database_up{pod="b"}': '1x60' },
        at: '30m',
        why: 'one of two pods reads it',
      },
    ],
  },
  LcmBacklogOld: {
    fires: [
      {
        series: { lcm_ledger_oldest_ready_timestamp_seconds: '60x600', 'lcm_ledger_threads{state="ready"}': '301x600' },
        at: '6h31m',
        summary: 'More than 300 threads wait for Marketo, the oldest for 6h 30m 0s',
      },
    ],
    silent: [
      {
        series: { lcm_ledger_oldest_ready_timestamp_seconds: '60x600', 'lcm_ledger_threads{state="ready"}': '3x600' },
        at: '8h',
        why: 'three refused leads wait by design',
      },
      {
        series: { lcm_ledger_oldest_ready_timestamp_seconds: '0x600', 'lcm_ledger_threads{state="ready"}': '0x600' },
        at: '8h',
        why: 'nothing waits',
      },
      {
        series: {
          lcm_ledger_oldest_ready_timestamp_seconds: '60x600',
          'lcm_ledger_threads{state="synced"}': '900x600',
        },
        at: '8h',
        why: 'what is synced does not wait',
      },
    ],
  },
  LcmThreadsDead: {
    fires: [
      {
        series: { 'lcm_ledger_threads{state="dead"}': '2x120', 'lcm_ledger_threads{state="dead", pod="b"}': '2x120' },
        at: '70m',
        summary: '2 threads were given up and wait for a person',
      },
    ],
    silent: [{ series: { 'lcm_ledger_threads{state="dead"}': '0x120' }, at: '70m', why: 'none is' }],
  },
  LcmLeadsRefused: {
    fires: [
      {
        series: {
          'lcm_leads_total{action="refused", pod="a"}': '0+1x430',
          'lcm_leads_total{action="refused", pod="b"}': '0+1x430',
          'lcm_leads_total{action="created", pod="a"}': '0+9x430',
          'lcm_leads_total{action="created", pod="b"}': '0+9x430',
        },
        at: '7h',
        summary: 'Marketo refused 10% of the leads of the last six hours',
      },
    ],
    silent: [
      {
        series: { 'lcm_leads_total{action="refused"}': '0 1x429', 'lcm_leads_total{action="created"}': '0 2x429' },
        at: '6h',
        why: 'one of three',
      },
      {
        series: { 'lcm_leads_total{action="refused"}': '0+1x430', 'lcm_leads_total{action="created"}': '0+99x430' },
        at: '7h',
        why: 'one of a hundred',
      },
    ],
  },
  LcmCredentialsRefused: {
    fires: ['marketo', 'livechat'].map((vendor) => ({
      series: { [`lcm_errors_total{code="${vendor}-credentials"}`]: '0x10 1x60' },
      at: '30m',
      summary: 'Marketo or LiveChat refused the credentials; no run is tried again by itself',
    })),
    silent: [
      { series: { 'lcm_errors_total{code="marketo-credentials"}': '1x300' }, at: '4h', why: 'it was long ago' },
      { series: { 'lcm_errors_total{code="lead-refused"}': '0+1x300' }, at: '1h', why: 'another error' },
    ],
  },
  LcmConfigurationWrong: {
    fires: ['marketo-configuration', 'lead-field-gone'].map((code) => ({
      series: { [`lcm_errors_total{code="${code}"}`]: '0x10 1x60' },
      at: '30m',
      summary: 'The rules or the endpoint no longer fit Marketo',
    })),
    silent: [
      { series: { 'lcm_errors_total{code="marketo-configuration"}': '3x300' }, at: '4h', why: 'it was long ago' },
    ],
  },
  LcmChatsIncomplete: {
    fires: ['livechat-missed', 'livechat-found-short', 'livechat-scope', 'livechat-history-cut'].map((code) => ({
      series: { [`lcm_errors_total{code="${code}"}`]: '0x10 1x60' },
      at: '30m',
      summary: 'LiveChat did not show all chats that there are',
    })),
    silent: [
      { series: { 'lcm_errors_total{code="livechat-lag"}': '0+1x60' }, at: '30m', why: 'late is not incomplete' },
    ],
  },
  LcmMarketoThrottled: {
    fires: [
      {
        series: { 'marketo_throttled_total{code="606"}': '0+1x300' },
        at: '3h',
        summary: 'Marketo throttled 60 calls in an hour: others use the shared limit',
      },
    ],
    silent: [
      {
        series: { 'marketo_throttled_total{code="606"}': '0x60 40x240' },
        at: '1h30m',
        why: 'once is nobody’s trouble',
      },
      {
        series: { 'marketo_throttled_total{code="607"}': '0+1x300' },
        at: '3h',
        why: 'the day’s quota is another alert',
      },
    ],
  },
  LcmMarketoQuota: {
    fires: [
      {
        series: { 'lcm_errors_total{code="marketo-quota"}': '0x10 1x300' },
        at: '1h',
        summary: 'The day’s calls to Marketo are used up; the first run after midnight US Central goes on',
      },
    ],
    silent: [{ series: { 'lcm_errors_total{code="marketo-quota"}': '1x900' }, at: '12h', why: 'it was yesterday' }],
  },
  LcmLeaseStuck: {
    fires: [
      {
        series: { 'lcm_lease_held{name="sync"}': '1x200' },
        at: '2h5m',
        summary: 'One sync has been at work for two hours; scheduled ones leave their work to it',
      },
    ],
    silent: [
      {
        series: { 'lcm_lease_held{name="sync"}': '1x49 0x10 1x49 0x10 1x49' },
        at: '2h20m',
        why: 'several runs, one after the other',
      },
      { series: { 'lcm_lease_held{name="digest"}': '1x200' }, at: '2h5m', why: 'the digest’s is another' },
    ],
  },
  LcmDigestNotSent: {
    fires: [
      {
        series: { lcm_digest_last_success_timestamp_seconds: '60x1700' },
        at: '26h31m',
        summary: 'The digest has not run for 1d 2h 30m 0s',
      },
    ],
    silent: [
      { series: { lcm_digest_last_success_timestamp_seconds: '60x1700' }, at: '25h', why: 'it runs once a day' },
      { series: { lcm_digest_last_success_timestamp_seconds: '0x1700' }, at: '27h', why: 'there is none' },
    ],
  },
  LcmErrorsUntold: {
    fires: [
      {
        series: { lcm_errors_undigested: '3x1700', lcm_digest_last_success_timestamp_seconds: '0x1700' },
        at: '26h30m',
        summary: '3 errors have been logged for a day, and no digest has ever run',
      },
    ],
    silent: [
      {
        series: { lcm_errors_undigested: '3x1700', lcm_digest_last_success_timestamp_seconds: '60x1700' },
        at: '26h30m',
        why: 'a digest that is late is another alert',
      },
      {
        series: { lcm_errors_undigested: '0x1700', lcm_digest_last_success_timestamp_seconds: '0x1700' },
        at: '26h30m',
        why: 'there is nothing to tell',
      },
    ],
  },
  LcmSuspended: {
    fires: [
      {
        series: { ...HOURLY, 'kube_cronjob_spec_suspend{cronjob="lcm-sync", service="ksm"}': '1x1500' },
        at: '24h10m',
        summary: 'The CronJob lcm-sync has been suspended for a day',
        labels: { namespace: 'x', cronjob: 'lcm-sync' },
      },
    ],
    silent: [
      {
        series: { ...HOURLY, 'kube_cronjob_spec_suspend{cronjob="lcm-sync", service="ksm"}': '1x700 0x10 1x900' },
        at: '24h10m',
        why: 'it ran in between',
      },
      {
        series: { ...HOURLY, 'kube_cronjob_spec_suspend{cronjob="lcm-sync", namespace="y", service="ksm"}': '1x1500' },
        at: '24h10m',
        why: 'somebody else’s, in another namespace',
      },
    ],
  },
  LcmJobFailed: {
    fires: [
      {
        series: {
          ...HOURLY,
          'kube_job_failed{job_name="sync-now", condition="true", service="ksm"}': '1x60',
          'kube_job_owner{job_name="sync-now", owner_kind="CronJob", owner_name="lcm-sync", service="ksm"}': '1x60',
        },
        at: '10m',
        summary: 'The Job sync-now failed',
        labels: { namespace: 'x', job_name: 'sync-now', owner_name: 'lcm-sync' },
      },
    ],
    silent: [
      {
        series: {
          ...HOURLY,
          'kube_job_failed{job_name="backup-1", condition="true", service="ksm"}': '1x60',
          'kube_job_owner{job_name="backup-1", owner_kind="CronJob", owner_name="backup", service="ksm"}': '1x60',
        },
        at: '10m',
        why: 'somebody else’s',
      },
      {
        series: {
          ...HOURLY,
          'kube_job_failed{job_name="sync-now", condition="false", service="ksm"}': '1x60',
          'kube_job_owner{job_name="sync-now", owner_kind="CronJob", owner_name="lcm-sync", service="ksm"}': '1x60',
        },
        at: '10m',
        why: 'it did not fail',
      },
    ],
  },
};

test('every alert has cases, some in which it fires and some in which it does not', () => {
  expect(Object.keys(CASES).sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  for (const { fires, silent } of Object.values(CASES))
    expect(Math.min(fires.length, silent.length)).toBeGreaterThan(0);
});

describe.skipIf(!hasPromtool)('promtool (skipped where it is not installed)', () => {
  test('finds nothing to blame in the file', () => {
    const { status, stderr } = spawnSync(promtool, ['check', 'rules', '--lint-fatal', FILE], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('every alert fires when it should, and is silent when it should', () => {
    expect(promtoolTests(alerts.map((alert) => ({ alert, cases: CASES[alert.alert] })))).toEqual([0, '']);
  });

  test('an alert that does not do so would be found', () => {
    const [alert] = alerts;
    const series = { ...HOURLY, lcm_sync_last_success_timestamp_seconds: '60+60x600' };
    const cases = { fires: [{ series, at: '9h', summary: 'x' }], silent: [] };
    const [status, said] = promtoolTests(alert ? [{ alert, cases }] : []);
    expect(status).not.toBe(0);
    expect(said).toContain('LcmSyncNotSucceeding');
  });
});

test('Grafana’s alerts are made from the same file (else: npm run docs)', () => {
  expect(readFileSync(`${CHART}/files/grafana/alerts.yaml`, 'utf8')).toBe(grafanaAlerts(text));
  const uids = [...grafanaAlerts(text).matchAll(/uid: (lcm-\S+)/g)].map(([, uid]) => uid ?? '');
  expect(uids).toHaveLength(alerts.length);
  for (const uid of uids) expect(uid.length).toBeLessThanOrEqual(40);
});

test('every alert links to its heading in the runbook, and every heading there is an alert', () => {
  const runbook = readFileSync('docs/runbook.md', 'utf8');
  const part = /^## Alerts\n([\s\S]*?)^## /m.exec(runbook)?.[1] ?? '';
  const headings = [...part.matchAll(/^### (\S+)$/gm)].map(([, heading]) => heading ?? '');
  expect(headings.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  for (const { alert, annotations, labels } of alerts) {
    expect(annotations.runbook_url).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    expect(part).toMatch(new RegExp(`^### ${alert}\n\n\\*\\(${labels['severity']}\\)\\*`, 'm'));
  }
});

describe.skipIf(!canRender)('in the chart (skipped where there is no helm)', () => {
  test('the PrometheusRule is the file, with links to where the runbook is', () => {
    const rule = one(render(given('production-values.yaml')), 'PrometheusRule');
    expect(rule['spec']).toEqual(parse(text.replaceAll('docs/runbook.md', 'https://docs.example.com/runbook')));
    const other = one(render(given('everything-values.yaml')), 'PrometheusRule');
    expect(other['spec']).toEqual(parse(text.replaceAll('docs/runbook.md', 'https://wiki.example.com/chats')));
  });

  test('Grafana’s provisioning names the data source and the folder', () => {
    const map = one(render(given('everything-values.yaml')), 'ConfigMap', '-alerts');
    const { data }: { data: Record<string, string> } = JSON.parse(JSON.stringify(map));
    const provisioned = parse(data['livechat-marketo-sync.yaml'] ?? '');
    expect(provisioned.groups[0]).toMatchObject({ folder: 'Marketing: chats', orgId: 1 });
    expect(JSON.stringify(provisioned)).not.toMatch(/DATASOURCE_UID|FOLDER/);
    expect(provisioned.groups[0].rules[0].data[0]).toMatchObject({
      datasourceUid: 'prometheus',
      model: { expr: alerts[0]?.expr },
    });
  });
});

function testsOf({ alert, labels, annotations }: Alert, cases: Case | undefined): object[] {
  const input = (series: Series) => Object.entries(series).map(([name, values]) => ({ series: scraped(name), values }));
  const fires = (cases?.fires ?? []).map(({ series, at, summary, labels: others }, index) => ({
    name: `${alert} fires (${index})`,
    interval: '1m',
    input_series: input(series),
    alert_rule_test: [
      {
        eval_time: at,
        alertname: alert,
        exp_alerts: [
          {
            exp_labels: { ...labels, ...(others ?? OURS) },
            exp_annotations: { summary, runbook_url: annotations.runbook_url },
          },
        ],
      },
    ],
  }));
  const silent = (cases?.silent ?? []).map(({ series, at, why }) => ({
    name: `${alert} is silent: ${why}`,
    interval: '1m',
    input_series: input(series),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: [] }],
  }));
  return [...fires, ...silent];
}

/** The series as Prometheus has it, with the labels of its scrape unless it says others. */
function scraped(name: string): string {
  const [, metric = '', own = ''] = /^([a-z_]+)(?:\{(.*)\})?$/.exec(name) ?? [];
  const added = AT.split(', ').filter((label) => !own.includes(label.slice(0, label.indexOf('=') + 1)));
  return `${metric}{${[...added, ...(own === '' ? [] : [own])].join(', ')}}`;
}

/**
 * Each alert by itself: promtool evaluates all rules of a file for every minute of every test, and a day has many.
 *
 * @returns promtool's exit code, and what it said where it blamed something.
 */
function promtoolTests(tested: readonly { alert: Alert; cases: Case | undefined }[]): [number | null, string] {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  try {
    const files = tested.map(({ alert, cases }) => {
      const file = (name: string) => join(folder, `${alert.alert}-${name}.yaml`);
      const rule = rules.find((candidate) => candidate.alert === alert.alert);
      writeFileSync(file('rules'), stringify({ groups: [{ name: 'one', rules: [rule] }] }, { lineWidth: 0 }));
      const tests = testsOf(alert, cases);
      const content = { rule_files: [file('rules')], evaluation_interval: '1m', tests };
      writeFileSync(file('tests'), stringify(content, { lineWidth: 0 }));
      return file('tests');
    });
    const { status, stdout, stderr } = spawnSync(promtool, ['test', 'rules', ...files], { encoding: 'utf8' });
    return [status, status === 0 ? '' : `${stdout}${stderr}`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
