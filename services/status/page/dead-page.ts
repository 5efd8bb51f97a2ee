import { catalogueEntry } from '../../shared/runtime/catalogue.ts';
import type { Instant } from '../../shared/runtime/instant.ts';
import type { DeadReading } from '../../shared/store/readings-threads.ts';
import type { Viewer } from '../access.ts';
import { conceal } from '../conceal.ts';
import { counted, grouped } from '../wording.ts';
import { type Html, html, type Part } from './html.ts';
import { layout } from './layout.ts';
import { address, pager, threadLink, time, whatToDo } from './parts.ts';

export type DeadShown = {
  code?: string | undefined;
  /** What was just done. */
  replayed?: number | undefined;
  dismissed?: number | undefined;
};

/** The threads that were given up, by what they died of, with what can be done about them. */
export function deadPage(dead: DeadReading, shown: DeadShown, now: Instant, viewer: Viewer): string {
  const { codes, entries, next } = dead;
  return layout(
    { title: 'Dead threads', here: '/dead', viewer },
    html`<h1>Dead threads</h1>
<p class="lead">Given up after their last attempt. Mend the cause, then replay them: they are delivered again from their first attempt on. Dismiss what is to be left alone.</p>
${done(shown)}
${!viewer.unlocked && codes.length > 0 && lockedNote(viewer)}
<section class="panel">
${codes.length === 0 ? html`<h2>By cause</h2><p class="empty">No thread is dead.</p>` : causes(codes, viewer)}
</section>
${
  codes.length > 0 &&
  html`<section class="panel">${entries.length === 0 ? html`<p class="empty">There is none.</p>` : table(dead, shown.code, now, viewer)}</section>
${pager('/dead', { code: shown.code }, next)}`
}`,
  );
}

/** The two buttons for some dead threads; nothing for whoever may not act. */
export function deadButtons(fields: Record<string, string>, whom: string, { unlocked, formKey }: Viewer): Part {
  if (!unlocked || formKey === '') return undefined;
  return html`<form method="post" action="/dead/replay" class="buttons"><input type="hidden" name="formKey" value="${formKey}">${Object.entries(
    fields,
  ).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button>Replay<span class="hidden"> ${whom}</span></button> <button class="quiet" formaction="/dead/dismiss">Dismiss<span class="hidden"> ${whom}</span></button></form>`;
}

function done({ replayed, dismissed }: DeadShown): Html | false {
  if (replayed !== undefined) {
    return html`<p class="done-box" role="status">${counted(replayed, 'thread')} ${replayed === 1 ? 'is' : 'are'} ready again; the next run takes ${replayed === 1 ? 'it' : 'them'}.</p>`;
  }
  return (
    dismissed !== undefined &&
    html`<p class="done-box" role="status">${counted(dismissed, 'thread')} ${dismissed === 1 ? 'was' : 'were'} dismissed.</p>`
  );
}

function lockedNote({ canUnlock }: Viewer): Html {
  return canUnlock
    ? html`<p class="hint"><a href="/login">Unlock</a> to replay or dismiss them here.</p>`
    : html`<p class="hint">This service has no token (STATUS_TOKEN), so nothing can be changed here: set it to replay or dismiss them.</p>`;
}

/** Another release, or nobody, may have written the reason: then its threads are acted on one by one. */
function isCode(text: string): boolean {
  return /^[a-z0-9-]{1,64}$/.test(text);
}

function causes(codes: DeadReading['codes'], viewer: Viewer): Html {
  return html`<div class="caption" id="dead-page-1"><h2>By cause</h2></div>
<table class="cards list" role="table" aria-labelledby="dead-page-1">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Cause</th>
<th role="columnheader" scope="col" class="number">Threads</th>
<th role="columnheader" scope="col">What to do</th>
${viewer.unlocked && html`<th role="columnheader" scope="col">All of them</th>`}
</tr></thead>
<tbody role="rowgroup">
${codes.map(
  ({ code, threads }) => html`<tr role="row">
<th role="rowheader" scope="row" class="kind"><span class="says">${catalogueEntry(code)?.says ?? 'A cause that this release does not know.'}</span>
${isCode(code) ? html`<a class="code" href="/dead?code=${code}">${code}</a>` : html`<code>${conceal(code)}</code>`}</th>
<td role="cell" class="number" data-label="Threads">${grouped(threads)}</td>
<td role="cell" class="words" data-label="What to do">${whatToDo(code)}</td>
${viewer.unlocked && html`<td role="cell" data-label="All of them">${isCode(code) && deadButtons({ code }, `all that died of ${code}`, viewer)}</td>`}
</tr>
`,
)}
</tbody>
</table>`;
}

function table({ entries }: DeadReading, code: string | undefined, now: Instant, viewer: Viewer): Html {
  return html`<div class="caption" id="dead-page-2"><h2>Threads</h2> <span class="hint">${code === undefined ? '' : `that died of ${code}; `}the last to die first; times are UTC</span></div>
<table class="cards list" role="table" aria-labelledby="dead-page-2">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Thread</th>
<th role="columnheader" scope="col">Visitor</th>
<th role="columnheader" scope="col">Died of</th>
<th role="columnheader" scope="col" class="number">Attempts</th>
<th role="columnheader" scope="col">Given up</th>
${viewer.unlocked && html`<th role="columnheader" scope="col">Do</th>`}
</tr></thead>
<tbody role="rowgroup">
${entries.map(
  (thread) => html`<tr role="row">
<th role="rowheader" scope="row">${threadLink(thread.threadId)}</th>
<td role="cell" class="who" data-label="Visitor">${address(thread.email, viewer)}</td>
<td role="cell" data-label="Died of">${conceal(thread.reason ?? '–')}</td>
<td role="cell" class="number" data-label="Attempts">${grouped(thread.attempts)}</td>
<td role="cell" data-label="Given up">${time(thread.updatedAt, now)}</td>
${viewer.unlocked && html`<td role="cell" data-label="Do">${deadButtons({ thread: thread.threadId }, `thread ${thread.threadId}`, viewer)}</td>`}
</tr>
`,
)}
</tbody>
</table>`;
}
