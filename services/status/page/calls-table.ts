import type { CallsReading } from '../../shared/store/readings-runs.ts';
import { conceal } from '../conceal.ts';
import { grouped } from '../wording.ts';
import { type Html, html } from './html.ts';
import { badge, CALL_OUTCOMES } from './parts.ts';

/** Calls to Marketo by endpoint and outcome. */
export function callsTable(calls: readonly CallsReading[], caption: Html, none: string): Html {
  if (calls.length === 0) return html`<section class="panel">${caption}<p class="empty">${none}</p></section>`;
  const total = (of: 'calls' | 'records') => calls.reduce((sum, row) => sum + row[of], 0);
  return html`<section class="panel">
<table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Endpoint</th><th scope="col">Outcome</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Leads</th></tr></thead>
<tbody>
${calls.map(
  (row) => html`<tr>
<th scope="row">${conceal(row.endpoint)}</th>
<td>${badge(CALL_OUTCOMES[row.outcome].word, CALL_OUTCOMES[row.outcome].tone)}</td>
<td class="number">${grouped(row.calls)}</td>
<td class="number ${row.records === 0 && 'nothing'}">${grouped(row.records)}</td>
</tr>
`,
)}
</tbody>
<tfoot><tr><th scope="row" colspan="2">All</th><td class="number">${grouped(total('calls'))}</td><td class="number">${grouped(total('records'))}</td></tr></tfoot>
</table>
</section>`;
}
