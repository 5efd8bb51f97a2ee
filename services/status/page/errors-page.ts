import { CATALOGUE } from '../../shared/runtime/catalogue.ts';
import type { Instant } from '../../shared/runtime/instant.ts';
import type { ErrorReading, Page, WhichErrors } from '../../shared/store/readings-runs.ts';
import type { Viewer } from '../access.ts';
import { conceal } from '../conceal.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { badge, choice, errorKind, pager, runLink, threadLink, time, whatToDo } from './parts.ts';

/** All errors, in parts, the newest first; by code, run and whether a digest has told them. */
export function errorsPage(
  { entries, next }: Page<ErrorReading>,
  which: WhichErrors,
  now: Instant,
  viewer: Viewer,
): string {
  return layout(
    { title: 'Errors', here: '/errors', viewer },
    html`<h1>Errors</h1>
<form class="filters" method="get" action="/errors">
${choice('code', 'Code', which.code, Object.keys(CATALOGUE))}
${choice('state', 'State', which.state, ['new', 'told'])}
<label>Run <input name="run" inputmode="numeric" pattern="[1-9][0-9]{0,14}" size="8" value="${which.run ?? ''}"></label>
<button>Show</button>
</form>
${which.code !== undefined && html`<p class="todo-box"><strong>What to do.</strong> ${whatToDo(which.code)}</p>`}
<section class="panel">
${
  entries.length === 0
    ? html`<p class="empty">There is none.</p>`
    : errorList(entries, html`<h2>Errors</h2> <span class="hint">newest first; times are UTC</span>`, now)
}
</section>
${pager('/errors', which, next)}`,
  );
}

/** A table of single errors. */
export function errorList(errors: readonly ErrorReading[], caption: Html, now: Instant): Html {
  return html`<div class="caption" id="errors-page-1">${caption}</div>
<table class="cards list" role="table" aria-labelledby="errors-page-1">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">What happened</th>
<th role="columnheader" scope="col">At</th>
<th role="columnheader" scope="col">Run</th>
<th role="columnheader" scope="col">Thread</th>
<th role="columnheader" scope="col">In words</th>
<th role="columnheader" scope="col">State</th>
</tr></thead>
<tbody role="rowgroup">
${errors.map(
  (error) => html`<tr role="row">
<th role="rowheader" scope="row" class="kind">${errorKind(error.code)}</th>
<td role="cell" data-label="At">${time(error.at, now)}</td>
<td role="cell" data-label="Run">${runLink(error.runId)}</td>
<td role="cell" data-label="Thread">${threadLink(error.threadId)}</td>
<td role="cell" class="words" data-label="In words">${conceal(error.message)}</td>
<td role="cell" data-label="State">${error.digestId === null ? badge('new', 'attention') : badge('told', 'waiting')}</td>
</tr>
`,
)}
</tbody>
</table>`;
}
