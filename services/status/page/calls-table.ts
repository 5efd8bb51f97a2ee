import type { Overview } from '../../shared/store/readings-overview.ts';
import type { CallOutcome } from '../../shared/store/schema.ts';
import { grouped } from '../wording.ts';
import { type Html, html } from './html.ts';

/** The calls to Marketo of the last 24 hours, by endpoint and outcome. */
export function callsTable({ calls }: Overview): Html {
  if (calls.length === 0) {
    return html`<section class="panel"><h2>Marketo calls</h2><p class="empty">No call in the last 24 hours.</p></section>`;
  }
  const total = (of: 'calls' | 'records') => calls.reduce((sum, row) => sum + row[of], 0);
  return html`<section class="panel">
<table>
<caption><h2>Marketo calls</h2> <span class="hint">of the last 24 hours</span></caption>
<thead><tr><th scope="col">Endpoint</th><th scope="col">Outcome</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Leads</th></tr></thead>
<tbody>
${calls.map(
  (row) => html`<tr>
<th scope="row">${row.endpoint}</th>
<td><span class="badge ${OUTCOMES[row.outcome].tone}">${OUTCOMES[row.outcome].word}</span></td>
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

const OUTCOMES: Record<CallOutcome, { word: string; tone: string }> = {
  ok: { word: 'ok', tone: 'good' },
  refused: { word: 'refused', tone: 'bad' },
  throttled: { word: 'throttled', tone: 'attention' },
  failed: { word: 'failed', tone: 'bad' },
  'no-answer': { word: 'no answer', tone: 'attention' },
};
