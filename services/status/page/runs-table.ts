import type { Instant } from '../../shared/runtime/instant.ts';
import type { RunReading } from '../../shared/store/readings-runs.ts';
import { conceal } from '../conceal.ts';
import { grouped, shortClock, took } from '../wording.ts';
import { type Html, html } from './html.ts';
import { outcomeOf, time } from './parts.ts';

/**
 * A table of runs. On narrow screens the style makes a card of each row, which would take the table's meaning from some
 * screen readers: the roles say it again.
 *
 * @param showsJob whether the runs are of several jobs.
 */
export function runsTable(runs: readonly RunReading[], caption: Html, now: Instant, showsJob = false): Html {
  return html`<div class="caption" id="runs-table-1">${caption}</div>
<table class="runs cards" role="table" aria-labelledby="runs-table-1">
<thead role="rowgroup">
<tr role="row">
<th role="columnheader" scope="col">Run</th>
${showsJob && html`<th role="columnheader" scope="col">Job</th>`}
<th role="columnheader" scope="col">Started</th>
<th role="columnheader" scope="col">Outcome</th>
<th role="columnheader" scope="col" class="number">Took</th>
<th role="columnheader" scope="col">Trigger</th>
<th role="columnheader" scope="col">Window read</th>
${COUNTS.map(([title]) => html`<th role="columnheader" scope="col" class="number">${title}</th>`)}
</tr>
</thead>
${runs.map((run) => runRows(run, now, showsJob))}
</table>`;
}

const COUNTS: readonly [title: string, count: (run: RunReading) => number | undefined][] = [
  ['Seen', (run) => run.counts['seen']],
  ['Created', (run) => run.counts['created']],
  ['Updated', (run) => run.counts['updated']],
  ['Unchanged', (run) => run.counts['unchanged']],
  ['Refused', (run) => run.counts['refused']],
  ['Calls', callsOf],
];

function runRows(run: RunReading, now: Instant, showsJob: boolean): Html {
  const { word, tone } = outcomeOf(run, now);
  return html`<tbody role="rowgroup">
<tr role="row">
<th role="rowheader" scope="row"><a href="/runs/${run.id}">#${run.id}</a></th>
${showsJob && html`<td role="cell" class="job">${run.job}</td>`}
<td role="cell" class="started">${time(run.startedAt, now)}</td>
<td role="cell" class="outcome"><span class="badge ${tone}">${word}</span></td>
<td role="cell" class="took number${run.finishedAt === null && ' unfinished'}">${took(run.startedAt, run.finishedAt ?? now)}</td>
<td role="cell" class="trigger">${run.trigger === 'schedule' ? 'schedule' : 'by hand'}</td>
<td role="cell" class="window">${windowOf(run, now)}</td>
${COUNTS.map(([title, count]) => countCell(title, count(run)))}
</tr>
${
  run.error &&
  html`<tr role="row" class="sentence"><td role="cell" colspan="${(showsJob ? 7 : 6) + COUNTS.length}">${conceal(run.error)}</td></tr>`
}
</tbody>
`;
}

function countCell(title: string, count: number | undefined): Html {
  const tone = count === undefined ? 'absent' : count === 0 ? 'nothing' : title === 'Refused' ? 'notable' : '';
  return html`<td role="cell" class="count number ${tone}" data-label="${labelOf(title, count)}">${count === undefined ? '–' : grouped(count)}</td>`;
}

/** How a card names a count behind its number; all but the calls are the same for one and for many. */
function labelOf(title: string, count: number | undefined): string {
  return title === 'Calls' && count === 1 ? 'call' : title.toLowerCase();
}

function callsOf({ counts }: RunReading): number | undefined {
  const { lookupCalls, writeCalls } = counts;
  return lookupCalls === undefined && writeCalls === undefined ? undefined : (lookupCalls ?? 0) + (writeCalls ?? 0);
}

/** The part of LiveChat's past that a run read. */
export function windowOf({ windowFrom, windowTo }: RunReading, now: Instant): Html | string {
  if (!windowFrom || !windowTo) return '–';
  return html`<time datetime="${windowFrom}">${shortClock(windowFrom, now)}</time> – <time datetime="${windowTo}">${shortClock(windowTo, now)}</time>`;
}
