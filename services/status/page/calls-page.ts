import { type Instant, millisecondsOf } from '../../shared/runtime/instant.ts';
import type { CallReading, WhichCalls } from '../../shared/store/readings-calls.ts';
import type { Page } from '../../shared/store/readings-runs.ts';
import type { Viewer } from '../access.ts';
import { conceal } from '../conceal.ts';
import { grouped } from '../wording.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { badge, CALL_OUTCOMES, choice, pager, runLink, time } from './parts.ts';

/** The request inspector: every call to Marketo, in parts, the newest first. Bodies are kept nowhere. */
export function callsPage(
  { entries, next }: Page<CallReading>,
  which: WhichCalls,
  now: Instant,
  viewer: Viewer,
): string {
  return layout(
    { title: 'Calls', here: '/calls', viewer },
    html`<h1>Calls to Marketo</h1>
<form class="filters" method="get" action="/calls">
${choice('endpoint', 'Endpoint', which.endpoint, ['describe', 'leads-lookup', 'leads-create', 'leads-update', 'usage'])}
${choice('outcome', 'Outcome', which.outcome, Object.keys(CALL_OUTCOMES))}
<label>Run <input name="run" inputmode="numeric" pattern="[1-9][0-9]{0,14}" size="8" value="${which.run ?? ''}"></label>
<button>Show</button>
</form>
<section class="panel">
${entries.length === 0 ? html`<p class="empty">There is none.</p>` : table(entries, now)}
</section>
${pager('/calls', which, next)}`,
  );
}

function table(calls: readonly CallReading[], now: Instant): Html {
  return html`<div class="caption" id="calls-page-1"><h2>Calls</h2> <span class="hint">newest first; times are UTC</span></div>
<table class="cards list" role="table" aria-labelledby="calls-page-1">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Sent</th>
<th role="columnheader" scope="col">Endpoint</th>
<th role="columnheader" scope="col">Outcome</th>
<th role="columnheader" scope="col">Answer</th>
<th role="columnheader" scope="col" class="number">Took</th>
<th role="columnheader" scope="col" class="number">Waited for its slot</th>
<th role="columnheader" scope="col" class="number">Leads</th>
<th role="columnheader" scope="col">Run</th>
<th role="columnheader" scope="col">Marketo’s request id</th>
</tr></thead>
<tbody role="rowgroup">
${calls.map((call) => {
  const { word, tone } = CALL_OUTCOMES[call.outcome];
  return html`<tr role="row">
<th role="rowheader" scope="row">${time(call.sentAt, now)}<span class="seconds">${call.sentAt.slice(16, 23)}</span></th>
<td role="cell" data-label="Endpoint">${call.endpoint}</td>
<td role="cell" data-label="Outcome">${badge(word, tone)}</td>
<td role="cell" data-label="Answer">${answer(call)}</td>
<td role="cell" class="number" data-label="Took">${call.answeredAt === null ? '–' : `${grouped(millisecondsOf(call.answeredAt) - millisecondsOf(call.sentAt))} ms`}</td>
<td role="cell" class="number" data-label="Waited">${grouped(call.waitedMs)} ms</td>
<td role="cell" class="number" data-label="Leads">${grouped(call.records)}</td>
<td role="cell" data-label="Run">${runLink(call.runId)}</td>
<td role="cell" class="code" data-label="Request id">${call.requestId === null ? '–' : conceal(call.requestId)}</td>
</tr>
`;
})}
</tbody>
</table>`;
}

function answer({ httpStatus, code }: CallReading): string {
  return [httpStatus === null ? '' : String(httpStatus), code ?? ''].filter((each) => each !== '').join(', ') || '–';
}
