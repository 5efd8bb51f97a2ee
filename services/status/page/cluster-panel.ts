import type { Instant } from '../../shared/runtime/instant.ts';
import type { Viewer } from '../access.ts';
import type { ClusterJob, Schedule } from '../cluster/view.ts';
import { type ClusterView, newRequest } from '../cluster/watch.ts';
import { conceal } from '../conceal.ts';
import { took } from '../wording.ts';
import { type Html, html, type Part } from './html.ts';
import { badge, time } from './parts.ts';

/** The schedules and jobs of this release in its cluster, and the buttons that start a run. */
export function clusterPanel(view: ClusterView, now: Instant, viewer: Viewer): Html {
  if (view.state === 'unknown') {
    return html`<section class="panel" id="cluster"><h2>Schedules and jobs</h2><p class="empty">${view.why}</p></section>`;
  }
  const { schedules, jobs } = view;
  return html`<section class="panel" id="cluster">
${schedules.length === 0 ? html`<h2>Schedules</h2><p class="empty">The cluster has no CronJob of this release.</p>` : schedulesTable(schedules, now, viewer)}
${jobs.length === 0 ? html`<h2>Jobs</h2><p class="empty">The cluster keeps no Job of this release.</p>` : jobsTable(jobs, now)}
</section>`;
}

function schedulesTable(schedules: readonly Schedule[], now: Instant, viewer: Viewer): Html {
  const acts = viewer.unlocked && viewer.formKey !== '';
  return html`<div class="caption" id="cluster-panel-1"><h2>Schedules</h2> <span class="hint">from the cluster; times are UTC</span></div>
<table class="cards list" role="table" aria-labelledby="cluster-panel-1">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">CronJob</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Schedule</th><th role="columnheader" scope="col">Next run</th><th role="columnheader" scope="col">Last scheduled</th><th role="columnheader" scope="col">Last success</th>${acts && html`<th role="columnheader" scope="col">Do</th>`}</tr></thead>
<tbody role="rowgroup">
${schedules.map(
  (each) => html`<tr role="row">
<th role="rowheader" scope="row">${conceal(each.name)}</th>
<td role="cell" data-label="State">${each.suspended ? badge('suspended', 'attention') : each.running > 0 ? badge('running', 'busy') : badge('waiting', 'waiting')}</td>
<td role="cell" data-label="Schedule"><code>${each.schedule}</code> ${each.timeZone ?? 'the cluster’s time zone'}</td>
<td role="cell" data-label="Next run">${each.nextRunAt ? time(each.nextRunAt, now) : each.suspended ? 'none: suspended' : 'cannot be told'}</td>
<td role="cell" data-label="Last scheduled">${each.lastScheduledAt ? time(each.lastScheduledAt, now) : '–'}</td>
<td role="cell" data-label="Last success">${each.lastSuccessAt ? time(each.lastSuccessAt, now) : '–'}</td>
${acts && html`<td role="cell" data-label="Do">${runNow(each, viewer)}</td>`}
</tr>
`,
)}
</tbody></table>`;
}

function runNow({ component }: Schedule, { formKey }: Viewer): Part {
  if (component !== 'sync' && component !== 'digest') return '–';
  return html`<form method="post" action="/run-now" class="buttons"><input type="hidden" name="formKey" value="${formKey}"><input type="hidden" name="job" value="${component}"><input type="hidden" name="request" value="${newRequest()}"><button>Run now<span class="hidden">: ${component}</span></button></form>`;
}

const STATES: Record<ClusterJob['state'], string> = {
  waiting: 'waiting',
  running: 'busy',
  complete: 'good',
  failed: 'bad',
  suspended: 'attention',
};

function jobsTable(jobs: readonly ClusterJob[], now: Instant): Html {
  return html`<div class="caption" id="cluster-panel-2"><h2>Jobs</h2> <span class="hint">that the cluster keeps, newest first</span></div>
<table class="cards list" role="table" aria-labelledby="cluster-panel-2">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Job</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Trigger</th><th role="columnheader" scope="col">Started</th><th role="columnheader" scope="col" class="number">Took</th></tr></thead>
<tbody role="rowgroup">
${jobs.map(
  (job) => html`<tr role="row">
<th role="rowheader" scope="row">${conceal(job.name)}</th>
<td role="cell" data-label="State">${badge(job.state, STATES[job.state])} ${job.reason}</td>
<td role="cell" data-label="Trigger">${job.trigger === 'manual' ? 'by hand' : 'schedule'}</td>
<td role="cell" data-label="Started">${job.startedAt ? time(job.startedAt, now) : '–'}</td>
<td role="cell" class="number" data-label="Took">${job.startedAt ? took(job.startedAt, job.finishedAt ?? now) : '–'}</td>
</tr>
`,
)}
</tbody></table>`;
}
