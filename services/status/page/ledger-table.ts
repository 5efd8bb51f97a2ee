import type { Overview } from '../../shared/store/readings-overview.ts';
import type { ThreadState } from '../../shared/store/schema.ts';
import { conceal } from '../conceal.ts';
import { grouped } from '../wording.ts';
import { type Html, html } from './html.ts';

/** The ledger by state, with what each state means. */
export function ledgerTable(overview: Overview): Html {
  return html`<section class="panel">
<table>
<caption><h2>Ledger</h2> <span class="hint">every chat thread seen, by state</span></caption>
<thead><tr><th scope="col">State</th><th scope="col" class="number">Threads</th><th scope="col">Which means</th></tr></thead>
<tbody>
${STATES.map(([state, meaning]) => {
  const threads = overview.ledger[state];
  const tone = threads === 0 ? 'nothing' : state === 'dead' ? 'notable' : '';
  return html`<tr>
<th scope="row">${state === 'dead' && threads > 0 ? html`<a href="/dead">dead</a>` : state}</th>
<td class="number ${tone}">${grouped(threads)}</td>
<td>${meaning}${more(state, overview)}</td>
</tr>
`;
})}
</tbody>
</table>
</section>`;
}

const STATES: readonly [ThreadState, string][] = [
  ['open', 'The chat goes on; every run asks for it again.'],
  ['ready', 'Waits for the next run to deliver it to Marketo.'],
  ['synced', 'Delivered to Marketo.'],
  ['ignored', 'Not to be delivered.'],
  ['dead', 'Given up after its last attempt; look at its errors.'],
];

function more(state: ThreadState, { retrying, ignored }: Overview): Html | string {
  if (state === 'ready' && retrying > 0)
    return ` ${grouped(retrying)} of them ${retrying === 1 ? 'was' : 'were'} sent before.`;
  if (state !== 'ignored' || ignored.length === 0) return '';
  return html` <ul class="reasons">${ignored.map((each) => html`<li>${conceal(each.reason)} <span>${grouped(each.threads)}</span></li>`)}</ul>`;
}
