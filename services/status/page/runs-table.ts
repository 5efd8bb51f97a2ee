import type { Instant } from '../../shared/runtime/instant.ts';
import type { Overview } from '../../shared/store/readings-overview.ts';
import type { RunReading } from '../../shared/store/readings-runs.ts';
import { conceal } from '../conceal.ts';
import { isSilent } from '../verdict.ts';
import { grouped, shortClock, took } from '../wording.ts';
import { type Html, html } from './html.ts';

/**
 * The newest sync runs. On narrow screens the style makes a card of each row, which would take the table's meaning
 * from some screen readers: the roles say it again.
 */
export function runsTable({ syncRuns, now }: Overview): Html {
  if (syncRuns.length === 0) {
    return html`<section class="panel"><h2>Last runs</h2><p class="empty">No sync run has been started yet.</p></section>`;
  }
  return html`<section class="panel">
<table class="runs cards" role="table">
<caption><h2>Last runs</h2> <span class="hint">of the sync, newest first; times are UTC</span></caption>
<thead role="rowgroup">
<tr role="row">
<th role="columnheader" scope="col">Run</th>
<th role="columnheader" scope="col">Started</th>
<th role="columnheader" scope="col">Outcome</th>
<th role="columnheader" scope="col" class="number">Took</th>
<th role="columnheader" scope="col">Trigger</th>
<th role="columnheader" scope="col">Window read</th>
${COUNTS.map(([title]) => html`<th role="columnheader" scope="col" class="number">${title}</th>`)}
</tr>
</thead>
${syncRuns.map((run) => runRows(run, now))}
</table>
</section>`;
}

const COUNTS: readonly [title: string, count: (run: RunReading) => number | undefined][] = [
  ['Seen', (run) => run.counts['seen']],
  ['Created', (run) => run.counts['created']],
  ['Updated', (run) => run.counts['updated']],
  ['Unchanged', (run) => run.counts['unchanged']],
  ['Refused', (run) => run.counts['refused']],
  ['Calls', callsOf],
];

function runRows(run: RunReading, now: Instant): Html {
  const { word, tone } = outcomeOf(run, now);
  return html`<tbody role="rowgroup">
<tr role="row">
<th role="rowheader" scope="row"><a href="/api/v1/runs/${run.id}">#${run.id}</a></th>
<td role="cell" class="started"><time datetime="${run.startedAt}">${shortClock(run.startedAt, now)}</time></td>
<td role="cell" class="outcome"><span class="badge ${tone}">${word}</span></td>
<td role="cell" class="took number${run.finishedAt === null && ' unfinished'}">${took(run.startedAt, run.finishedAt ?? now)}</td>
<td role="cell" class="trigger">${run.trigger === 'schedule' ? 'schedule' : 'by hand'}</td>
<td role="cell" class="window">${windowOf(run, now)}</td>
${COUNTS.map(([title, count]) => countCell(title, count(run)))}
</tr>
${
  run.error &&
  html`<tr role="row" class="sentence"><td role="cell" colspan="${6 + COUNTS.length}">${conceal(run.error)}</td></tr>`
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

function outcomeOf(run: RunReading, now: Instant): { word: string; tone: string } {
  switch (run.outcome) {
    case 'done':
      return { word: 'done', tone: 'good' };
    case 'failed':
      return { word: 'failed', tone: 'bad' };
    case 'lost':
      return { word: 'lost', tone: 'bad' };
    case 'stopped':
      return { word: 'stopped early', tone: 'attention' };
    case 'skipped':
      return { word: 'skipped', tone: 'waiting' };
    case null:
      return isSilent(run, now) ? { word: 'silent', tone: 'bad' } : { word: 'at work', tone: 'busy' };
  }
}

function callsOf({ counts }: RunReading): number | undefined {
  const { lookupCalls, writeCalls } = counts;
  return lookupCalls === undefined && writeCalls === undefined ? undefined : (lookupCalls ?? 0) + (writeCalls ?? 0);
}

function windowOf({ windowFrom, windowTo }: RunReading, now: Instant): Html | string {
  if (!windowFrom || !windowTo) return '–';
  return html`<time datetime="${windowFrom}">${shortClock(windowFrom, now)}</time> – <time datetime="${windowTo}">${shortClock(windowTo, now)}</time>`;
}
