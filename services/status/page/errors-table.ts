import type { Instant } from '../../shared/runtime/instant.ts';
import type { NewErrors, Overview } from '../../shared/store/readings-overview.ts';
import { conceal } from '../conceal.ts';
import { grouped } from '../wording.ts';
import { type Html, html } from './html.ts';
import { errorKind, threadLink, timeAgo, whatToDo } from './parts.ts';

/** The errors that no digest has carried yet, by kind, each with what its reader should do. */
export function errorsTable({ newErrors, now }: Overview): Html {
  if (newErrors.length === 0) {
    return html`<section class="panel"><h2>New errors</h2><p class="empty">None since the last digest. <a href="/errors">All errors</a></p></section>`;
  }
  return html`<section class="panel" id="errors">
<div class="caption" id="errors-table-1"><h2>New errors</h2> <span class="hint">that no digest has carried yet, by kind</span></div>
<table class="errors cards" role="table" aria-labelledby="errors-table-1">
<thead role="rowgroup">
<tr role="row">
<th role="columnheader" scope="col">What happened</th>
<th role="columnheader" scope="col" class="number">Count</th>
<th role="columnheader" scope="col">Last</th>
<th role="columnheader" scope="col">Newest of them</th>
<th role="columnheader" scope="col">What to do</th>
</tr>
</thead>
<tbody role="rowgroup">
${newErrors.map((kind) => row(kind, now))}
</tbody>
</table>
<p class="more"><a href="/errors">All errors</a></p>
</section>`;
}

function row(kind: NewErrors, now: Instant): Html {
  return html`<tr role="row">
<th role="rowheader" scope="row">${errorKind(kind.code)}</th>
<td role="cell" class="number" data-label="Count">${grouped(kind.errors)}</td>
<td role="cell" class="last" data-label="Last">${timeAgo(kind.lastAt, now)}</td>
<td role="cell" class="example" data-label="Newest of them">${conceal(kind.message)}${
    kind.threadId !== null && html` <span class="thread">Thread ${threadLink(kind.threadId)}</span>`
  }</td>
<td role="cell" class="todo" data-label="What to do">${whatToDo(kind.code)}</td>
</tr>
`;
}
