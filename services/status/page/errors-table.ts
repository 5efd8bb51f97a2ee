import { catalogueEntry } from '../../shared/runtime/catalogue.ts';
import type { Instant } from '../../shared/runtime/instant.ts';
import type { NewErrors, Overview } from '../../shared/store/readings-overview.ts';
import { conceal } from '../conceal.ts';
import { ago, grouped } from '../wording.ts';
import { type Html, html } from './html.ts';

/** The errors that no digest has carried yet, by kind, each with what its reader should do. */
export function errorsTable({ newErrors, now }: Overview): Html {
  if (newErrors.length === 0) {
    return html`<section class="panel"><h2>New errors</h2><p class="empty">None since the last digest.</p></section>`;
  }
  return html`<section class="panel" id="errors">
<table class="errors cards" role="table">
<caption><h2>New errors</h2> <span class="hint">that no digest has carried yet, by kind</span></caption>
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
</section>`;
}

function row(kind: NewErrors, now: Instant): Html {
  const entry = catalogueEntry(kind.code);
  const tone = entry?.severity === 'warning' ? 'attention' : 'bad';
  return html`<tr role="row">
<th role="rowheader" scope="row"><span class="badge ${tone}">${entry?.severity ?? 'unknown'}</span>
<span class="says">${entry?.says ?? 'An error that this release does not know.'}</span>
<a class="code" href="/api/v1/errors?code=${kind.code}">${kind.code}</a></th>
<td role="cell" class="number" data-label="Count">${grouped(kind.errors)}</td>
<td role="cell" class="last" data-label="Last"><time datetime="${kind.lastAt}">${ago(kind.lastAt, now)}</time></td>
<td role="cell" class="example" data-label="Newest of them">${conceal(kind.message)}${
    kind.threadId !== null && html` <span class="thread">Thread <code>${conceal(kind.threadId)}</code></span>`
  }</td>
<td role="cell" class="todo" data-label="What to do">${entry?.todo ?? 'See the run’s log, and upgrade this service to the release of the sync.'}</td>
</tr>
`;
}
