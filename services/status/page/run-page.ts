import type { Instant } from '../../shared/runtime/instant.ts';
import type { RunDetails } from '../../shared/store/readings-runs.ts';
import type { Viewer } from '../access.ts';
import { conceal } from '../conceal.ts';
import { clock, counted, grouped, took } from '../wording.ts';
import { callsTable } from './calls-table.ts';
import { changesTable } from './changes-table.ts';
import { errorList } from './errors-page.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { badge, facts, outcomeOf, threadLink } from './parts.ts';
import { windowOf } from './runs-table.ts';

/** One run: what it did, what it wrote, what went wrong, and its calls. */
export function runPage(details: RunDetails, now: Instant, viewer: Viewer): string {
  const { run, errors, errorCount, changes, changeCount, calls } = details;
  const { word, tone } = outcomeOf(run, now);
  const counts = Object.entries(run.counts);
  return layout(
    { title: `Run ${run.id}`, here: '/runs', viewer },
    html`<h1>Run #${run.id} <span class="hint">of the ${run.job}</span></h1>
${run.error !== null && html`<p class="sentence-box">${conceal(run.error)}</p>`}
<section class="panel">
${facts([
  ['Outcome', badge(word, tone)],
  ['Trigger', run.trigger === 'schedule' ? 'schedule' : 'by hand'],
  run.name !== null && ['Job in the cluster', html`<code>${conceal(run.name)}</code>`],
  ['Started', clock(run.startedAt, now)],
  ['Ended', run.finishedAt === null ? 'not yet' : clock(run.finishedAt, now)],
  ['Took', took(run.startedAt, run.finishedAt ?? now)],
  ['Window read', windowOf(run, now)],
])}
</section>
${counts.length > 0 && countsTable(counts)}
<section class="panel" id="changes">
${
  changes.length === 0
    ? html`<h2>Written to Marketo</h2><p class="empty">Nothing, or it is not kept any more.</p>`
    : changesTable(
        changes,
        html`<h2>Written to Marketo</h2> <span class="hint">${shown(changes.length, changeCount, 'lead')}</span>`,
        { title: 'Thread', of: ({ threadId }) => threadLink(threadId) },
        now,
        viewer,
      )
}
</section>
<section class="panel" id="errors">
${
  errors.length === 0
    ? html`<h2>Errors</h2><p class="empty">None.</p>`
    : errorList(
        errors,
        html`<h2>Errors</h2> <span class="hint">${shown(errors.length, errorCount, 'error')}</span>`,
        now,
      )
}
${errorCount > errors.length && html`<p><a href="/errors?run=${run.id}">All errors of this run</a></p>`}
</section>
${callsTable(calls, html`<h2>Marketo calls</h2> <a href="/calls?run=${run.id}">one by one</a>`, 'None, or they are not kept any more.')}`,
  );
}

function shown(number: number, of: number, noun: string): string {
  return number === of ? counted(of, noun) : `the newest ${grouped(number)} of ${counted(of, noun)}`;
}

function countsTable(counts: readonly [name: string, count: number][]): Html {
  return html`<section class="panel"><h2>Counts</h2>
<dl class="counts">${counts.map(
    ([
      name,
      count,
    ]) => html`<div><dt>${conceal(name)}</dt><dd class="${count === 0 && 'nothing'}">${grouped(count)}</dd></div>
`,
  )}</dl></section>`;
}
