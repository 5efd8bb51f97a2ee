import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { type Alert, alertFile, grafanaAlerts } from '../../scripts/grafana-alerts.ts';
import { CHART, canRender, given, one, podsOf, render, CASES as VALUES } from './render.ts';

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
const OUR_CRONJOBS = {
  'lcm_cronjob_info{cronjob="lcm-sync"}': '1x1500',
  'lcm_cronjob_info{cronjob="lcm-digest"}': '1x1500',
};
/** A sync that succeeded at 0:01, and one that failed at 0:10. */
const FAILED = {
  lcm_sync_last_success_timestamp_seconds: '60x1600',
  lcm_sync_last_run_timestamp_seconds: '60x9 600x1600',
};
/** Installed at 0:01, with errors and no digest ever. */
const UNTOLD = {
  lcm_errors_undigested: '3x1700',
  lcm_digest_last_success_timestamp_seconds: '0x1700',
  lcm_installed_timestamp_seconds: '60x1700',
};

/** Two counters of one vendor's calls, of which one moves. */
function callsOf(vendor: 'marketo' | 'livechat', values: string): Series {
  return {
    [`${vendor}_requests_total{call="one", outcome="ok"}`]: values,
    [`${vendor}_requests_total{call="other", outcome="ok"}`]: '3x800',
  };
}

function suspended(cronjob: string, values: string, namespace = 'x'): Series {
  return { [`kube_cronjob_spec_suspend{cronjob="${cronjob}", namespace="${namespace}", service="ksm"}`]: values };
}

function jobOf(name: string, owner: string, failed: string, namespace = 'x'): Series {
  const at = `namespace="${namespace}", service="ksm"`;
  return {
    [`kube_job_failed{job_name="${name}", condition="true", ${at}}`]: failed,
    [`kube_job_owner{job_name="${name}", owner_kind="CronJob", owner_name="${owner}", ${at}}`]: '1x60',
  };
}

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
      ...['1h21m', '24h', '72h50m'].map((at) => ({
        // One of two, and later a third without anything to do with it.
        series: {
          'lcm_sync_interval_seconds{service="a"}': '3600x60',
          'lcm_sync_interval_seconds{service="b"}': '3600x5000',
          'lcm_sync_interval_seconds{service="a", namespace="y"}': '_x100 3600x4900',
        },
        at,
        summary: 'Prometheus gets no metrics of the status service; the other alerts are blind',
        labels: { namespace: 'x', service: 'a' },
      })),
      {
        series: { lcm_sync_interval_seconds: '3600x60' },
        at: '2h',
        summary: 'Prometheus gets no metrics of the status service; the other alerts are blind',
      },
      {
        // Nobody has uninstalled the rule: what it watches is still missed, though no longer by name.
        series: { lcm_sync_interval_seconds: '3600x60' },
        at: '73h30m',
        summary: 'Prometheus gets no metrics of the status service; the other alerts are blind',
        labels: {},
      },
    ],
    silent: [
      { series: HOURLY, at: '20m', why: 'they are there' },
      { series: { lcm_sync_interval_seconds: '3600x60 _x12 3600x100' }, at: '75m', why: 'Prometheus was away' },
      {
        series: {
          'lcm_sync_interval_seconds{service="a"}': '3600x60',
          'lcm_sync_interval_seconds{service="b"}': '3600x5000',
        },
        at: '73h10m',
        why: 'one of two was uninstalled three days ago',
      },
      {
        series: {
          'lcm_sync_interval_seconds{pod="a"}': '3600x60',
          'lcm_sync_interval_seconds{pod="b"}': '_x60 3600x5000',
        },
        at: '5h',
        why: 'another pod has taken over',
      },
    ],
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
      // The schedule's next run is six hours away.
      series: { ...FAILED, [`lcm_errors_total{code="${vendor}-credentials"}`]: '0x10 1x400' },
      at: '6h',
      summary: 'Marketo or LiveChat refused the credentials; no run is tried again by itself',
    })),
    silent: [
      {
        series: { ...FAILED, 'lcm_errors_total{code="marketo-credentials"}': '0x10 1x1600' },
        at: '25h',
        why: 'it was yesterday',
      },
      {
        series: {
          ...FAILED,
          lcm_sync_last_success_timestamp_seconds: '60x29 1800x100',
          lcm_sync_last_run_timestamp_seconds: '60x9 600x19 1800x100',
          'lcm_errors_total{code="marketo-credentials"}': '0x10 1x120',
        },
        at: '31m',
        why: 'a run has succeeded since',
      },
      { series: { ...FAILED, 'lcm_errors_total{code="lead-refused"}': '0+1x300' }, at: '1h', why: 'another error' },
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
        // It hangs after ten minutes.
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync"}': '60x200',
          ...callsOf('marketo', '0+1x10 10x190'),
          ...callsOf('livechat', '0+1x5 5x195'),
        },
        at: '40m',
        summary: 'A sync has been at work for 39m 0s and makes no calls; scheduled ones leave their work to it',
      },
      {
        // Another installation makes calls.
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync"}': '60x200',
          ...callsOf('marketo', '7x200'),
          ...callsOf('livechat', '7x200'),
          'marketo_requests_total{call="leads-lookup", outcome="ok", service="other"}': '0+9x200',
        },
        at: '27m',
        summary: 'A sync has been at work for 26m 0s and makes no calls; scheduled ones leave their work to it',
      },
    ],
    silent: [
      {
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync"}': '60x800',
          ...callsOf('marketo', '0+1x800'),
          ...callsOf('livechat', '5x800'),
        },
        at: '12h',
        why: 'a backfill of half a day delivers what it has read',
      },
      {
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync"}': '60x800',
          ...callsOf('marketo', '5x800'),
          ...callsOf('livechat', '0x4 1x4 2x4 3x4 4x4 5x4 6x4 7x4 8x4 9x4 10x4 11x4 12x4 13x800'),
        },
        at: '1h',
        why: 'it is told to come back in five minutes, again and again',
      },
      {
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync"}': '60x13 960x14 1860x14 2760x14 3660x14',
          ...callsOf('marketo', '5x80'),
          ...callsOf('livechat', '5x80'),
        },
        at: '70m',
        why: 'several runs, one after the other',
      },
      {
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync"}': '0x200',
          'lcm_lease_acquired_timestamp_seconds{name="digest"}': '60x200',
          ...callsOf('marketo', '5x200'),
          ...callsOf('livechat', '5x200'),
        },
        at: '2h5m',
        why: 'the digest’s is another',
      },
      {
        series: {
          'lcm_lease_acquired_timestamp_seconds{name="sync", pod="a"}': '60x100',
          'lcm_lease_acquired_timestamp_seconds{name="sync", pod="b"}': '_x100 60x100',
          'marketo_requests_total{call="leads-lookup", outcome="ok", pod="a"}': '0+1x100',
          'marketo_requests_total{call="leads-lookup", outcome="ok", pod="b"}': '_x100 101+1x100',
        },
        at: '1h50m',
        why: 'the status service’s pod is another by now',
      },
    ],
  },
  LcmDigestNotSent: {
    fires: [
      {
        // Daily, due at 0:00 and at 24:00.
        series: {
          lcm_digest_due_timestamp_seconds: '0x1439 86400x300',
          lcm_digest_last_success_timestamp_seconds: '60x1800',
        },
        at: '26h10m',
        summary: 'The digest was due, and has not run for 1d 2h 9m 0s',
      },
      {
        // Every second minute, and none has succeeded since 1:00.
        series: {
          lcm_digest_due_timestamp_seconds: '0+60x300',
          lcm_digest_last_success_timestamp_seconds: '0+60x60 3600x300',
        },
        at: '3h10m',
        summary: 'The digest was due, and has not run for 2h 10m 0s',
      },
      {
        // Two releases, of which one has run.
        series: {
          'lcm_digest_due_timestamp_seconds{service="a"}': '3600x300',
          'lcm_digest_last_success_timestamp_seconds{service="a"}': '60x300',
          'lcm_digest_due_timestamp_seconds{service="b"}': '3600x300',
          'lcm_digest_last_success_timestamp_seconds{service="b"}': '3610x300',
        },
        at: '3h',
        summary: 'The digest was due, and has not run for 2h 59m 0s',
        labels: { namespace: 'x', service: 'a' },
      },
    ],
    silent: [
      {
        series: {
          lcm_digest_due_timestamp_seconds: '0x1439 86400x300',
          lcm_digest_last_success_timestamp_seconds: '60x1540 92520x200',
        },
        at: '28h',
        why: 'it ran an hour and three quarters late',
      },
      {
        series: {
          lcm_digest_due_timestamp_seconds: '0x11000',
          lcm_digest_last_success_timestamp_seconds: '60x11000',
        },
        at: '167h',
        why: 'it runs once a week',
      },
      {
        series: {
          lcm_digest_due_timestamp_seconds: '0+120x900',
          lcm_digest_last_success_timestamp_seconds: '0 5+120x900',
        },
        at: '14h',
        why: 'it runs every second minute, and does',
      },
      {
        series: {
          lcm_digest_due_timestamp_seconds: '86400x1900',
          lcm_digest_last_success_timestamp_seconds: '86280x1900',
        },
        at: '27h',
        why: 'the database’s clock is two minutes behind',
      },
      {
        series: {
          lcm_digest_due_timestamp_seconds: '0x5000',
          lcm_digest_last_success_timestamp_seconds: '60x5000',
        },
        at: '80h',
        why: 'the digest was switched off',
      },
      {
        series: {
          lcm_digest_due_timestamp_seconds: '86400x1900',
          lcm_digest_last_success_timestamp_seconds: '0x1900',
        },
        at: '27h',
        why: 'never is another alert',
      },
    ],
  },
  LcmErrorsUntold: {
    fires: [
      {
        series: { ...UNTOLD, lcm_digest_due_timestamp_seconds: '0x60 3660x300' },
        at: '3h5m',
        summary: '3 errors are logged, the digest was due, and none has ever run',
      },
    ],
    silent: [
      {
        series: { ...UNTOLD, lcm_digest_due_timestamp_seconds: '30x1700' },
        at: '26h30m',
        why: 'it was due before the installation, and not since',
      },
      { series: { ...UNTOLD, lcm_digest_due_timestamp_seconds: '0x1700' }, at: '26h30m', why: 'it is switched off' },
      {
        series: {
          ...UNTOLD,
          lcm_digest_due_timestamp_seconds: '3660x300',
          lcm_digest_last_success_timestamp_seconds: '60x300',
        },
        at: '4h',
        why: 'a digest that is late is another alert',
      },
      {
        series: { ...UNTOLD, lcm_digest_due_timestamp_seconds: '3660x300', lcm_errors_undigested: '0x300' },
        at: '4h',
        why: 'there is nothing to tell',
      },
    ],
  },
  LcmSuspended: {
    fires: [
      {
        series: { ...OUR_CRONJOBS, ...suspended('lcm-sync', '1x1500') },
        at: '24h10m',
        summary: 'The CronJob lcm-sync has been suspended for a day',
        labels: { ...OURS, cronjob: 'lcm-sync' },
      },
      {
        // Two releases in one namespace, two pods of one of them, two of kube-state-metrics.
        series: {
          ...OUR_CRONJOBS,
          'lcm_cronjob_info{cronjob="lcm-sync", pod="b"}': '1x1500',
          'lcm_cronjob_info{cronjob="other-sync", service="other"}': '1x1500',
          'lcm_cronjob_info{cronjob="other-digest", service="other"}': '1x1500',
          ...suspended('lcm-sync', '0x1500'),
          ...suspended('other-digest', '1x1500'),
          'kube_cronjob_spec_suspend{cronjob="other-digest", service="ksm", pod="2"}': '1x1500',
        },
        at: '24h10m',
        summary: 'The CronJob other-digest has been suspended for a day',
        labels: { namespace: 'x', service: 'other', cronjob: 'other-digest' },
      },
    ],
    silent: [
      {
        series: { ...OUR_CRONJOBS, ...suspended('lcm-sync', '1x700 0x10 1x900') },
        at: '24h10m',
        why: 'it ran in between',
      },
      {
        series: { ...OUR_CRONJOBS, ...suspended('lcm-sync', '1x1500', 'y') },
        at: '24h10m',
        why: 'somebody else’s of the same name, in another namespace',
      },
      {
        series: { ...HOURLY, ...OUR_CRONJOBS, ...suspended('foo-sync', '1x1500') },
        at: '24h10m',
        why: 'somebody else’s, beside ours',
      },
      {
        series: { ...HOURLY, ...suspended('lcm-digest', '1x1500') },
        at: '24h10m',
        why: 'nobody says that it is ours',
      },
    ],
  },
  LcmJobFailed: {
    fires: [
      {
        series: { ...OUR_CRONJOBS, ...jobOf('sync-now', 'lcm-sync', '1x60') },
        at: '10m',
        summary: 'The Job sync-now failed',
        labels: { namespace: 'x', job_name: 'sync-now', owner_name: 'lcm-sync' },
      },
      {
        // Two pods, as two kinds of scrape see them; two of kube-state-metrics; and one that did not fail.
        series: {
          ...OUR_CRONJOBS,
          'lcm_cronjob_info{cronjob="lcm-digest", pod="b"}': '1x60',
          'lcm_cronjob_info{cronjob="lcm-digest", service="again"}': '1x60',
          ...jobOf('lcm-sync-29401234', 'lcm-sync', '0x60'),
          ...jobOf('lcm-digest-29401234', 'lcm-digest', '1x60'),
          'kube_job_failed{job_name="lcm-digest-29401234", condition="true", service="ksm", pod="2"}': '1x60',
          'kube_job_owner{job_name="lcm-digest-29401234", owner_kind="CronJob", owner_name="lcm-digest", service="ksm", pod="2"}':
            '1x60',
        },
        at: '10m',
        summary: 'The Job lcm-digest-29401234 failed',
        labels: { namespace: 'x', job_name: 'lcm-digest-29401234', owner_name: 'lcm-digest' },
      },
    ],
    silent: [
      { series: { ...OUR_CRONJOBS, ...jobOf('foo-sync-1', 'foo-sync', '1x60') }, at: '10m', why: 'somebody else’s' },
      {
        series: { ...OUR_CRONJOBS, ...jobOf('sync-now', 'lcm-sync', '1x60', 'y') },
        at: '10m',
        why: 'somebody else’s of the same name, in another namespace',
      },
      {
        series: {
          ...OUR_CRONJOBS,
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
});

test('each of Grafana’s alerts fires where Prometheus’ has a result, 0 among them, as late as it, and says when it cannot be asked', () => {
  const { groups } = parse(grafanaAlerts(text));
  expect(groups).toHaveLength(1);
  expect(groups[0].rules).toHaveLength(alerts.length);
  for (const [index, { alert, expr, labels, annotations, ...rest }] of alerts.entries()) {
    expect(groups[0].rules[index]).toMatchObject({
      title: alert,
      condition: 'B',
      data: [
        { refId: 'A', model: { expr, instant: true, range: false } },
        { refId: 'B', datasourceUid: '__expr__', model: { type: 'math', expression: 'is_number($A)' } },
      ],
      noDataState: 'OK',
      execErrState: 'Error',
      for: rest.for,
      labels,
      annotations: { runbook_url: annotations.runbook_url },
    });
    // Grafana's $value is a text about all queries.
    expect(groups[0].rules[index].annotations.summary).not.toMatch(/\$value\b(?!s)/);
  }
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

  test.each([
    ...VALUES.filter((file) => file !== 'minimal-values.yaml').map((file) => [file, {}] as const),
    ['production-values.yaml', { 'digest.enabled': false }] as const,
    ['try-out-values.yaml', { fullnameOverride: 'chats', 'status.cluster.enabled': false }] as const,
  ])('%s with %j: the status service knows the CronJobs that there are, and when the digest is due', (file, set) => {
    const objects = render(given(file, set));
    const schedules = new Map(
      objects
        .filter(({ kind }) => kind === 'CronJob')
        .map((object) => [
          object.metadata.name,
          z.object({ schedule: z.string(), timeZone: z.string() }).parse(object['spec']),
        ]),
    );
    const pod = podsOf(objects).find(({ owner }) => owner.metadata.name.endsWith('-status'));
    const env = new Map(pod?.spec.containers[0]?.env.map(({ name, value }) => [name, value]));
    const digest = [...schedules].find(([name]) => name.endsWith('-digest'))?.[1];
    expect(env.get('KUBERNETES_CRONJOBS')?.split(',').sort()).toEqual([...schedules.keys()].sort());
    expect([env.get('DIGEST_SCHEDULE'), env.get('DIGEST_TIME_ZONE')]).toEqual([digest?.schedule, digest?.timeZone]);
    if ('digest.enabled' in set) expect(digest).toBeUndefined();
  });

  test('what the runbook’s commands about alerts name is there', () => {
    const part = /^## Alerts\n([\s\S]*?)^## /m.exec(readFileSync('docs/runbook.md', 'utf8'))?.[1] ?? '';
    const named = [...part.matchAll(/\b(cronjob|servicemonitor|services)[ /](lcm-[a-z-]+)/g)].map(
      ([, kind = '', name = '']) => `${kind.replace(/s$/, '')} ${name}`,
    );
    const labelled = [...part.matchAll(/-l app\.kubernetes\.io\/component=(\S+)/g)].map(([, component]) => component);
    const objects = render(given('production-values.yaml'));
    const there = objects.map(({ kind, metadata }) => `${kind.toLowerCase()} ${metadata.name}`);
    const components = podsOf(objects).map(({ labels }) => labels['app.kubernetes.io/component']);
    expect(named.filter((one) => !there.includes(one))).toEqual([]);
    expect(labelled.filter((one) => !components.includes(one))).toEqual([]);
    expect(Math.min(named.length, labelled.length)).toBeGreaterThan(3);
  });

  test('Grafana’s provisioning names the data source and the folder', () => {
    const [, provisioned] = grafanaFile({});
    expect(provisioned.groups[0]).toMatchObject({ folder: 'Marketing: chats', orgId: 1 });
    expect(JSON.stringify(provisioned)).not.toMatch(/DATASOURCE_UID|FOLDER|SUFFIX/);
    expect(provisioned.groups[0].rules[0].data[0]).toMatchObject({
      datasourceUid: 'prometheus',
      model: { expr: alerts[0]?.expr },
    });
    for (const { annotations } of provisioned.groups[0].rules)
      expect(annotations.runbook_url).toMatch(/^https:\/\/wiki\.example\.com\/chats#lcm/);
  });

  test('two releases of one Grafana bring the same file; for another data source or folder, another with other uids', () => {
    const uidsOf = ([, provisioned]: ReturnType<typeof grafanaFile>) => {
      const uids: string[] = provisioned.groups[0].rules.map(({ uid }: { uid: string }) => uid);
      expect(new Set(uids).size).toBe(alerts.length);
      for (const uid of uids) expect(uid).toMatch(/^[a-z0-9-]{1,40}$/);
      return uids;
    };
    const first = grafanaFile({});
    expect(grafanaFile({ fullnameOverride: 'other' }, 'other')).toEqual(first);
    const others = [
      grafanaFile({ 'grafana.alerts.datasourceUid': 'mimir' }),
      grafanaFile({ 'grafana.alerts.folder': 'Web' }),
    ];
    expect(new Set([first, ...others].map(([file]) => file)).size).toBe(3);
    expect(new Set([first, ...others].flatMap(uidsOf)).size).toBe(3 * alerts.length);
  });
});

/** The file that the sidecar writes into Grafana's provisioning, by name, parsed. */
function grafanaFile(set: Record<string, unknown>, release?: string) {
  const map = one(render(given('everything-values.yaml', set), release), 'ConfigMap', '-alerts');
  const { data }: { data: Record<string, string> } = JSON.parse(JSON.stringify(map));
  const [[file, content] = ['', ''], ...more] = Object.entries(data);
  expect(more).toEqual([]);
  return [file, parse(content)] as const;
}

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
