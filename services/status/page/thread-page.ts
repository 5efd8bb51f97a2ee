import type { Instant } from '../../shared/runtime/instant.ts';
import type { ThreadReading } from '../../shared/store/readings-threads.ts';
import type { ThreadStory } from '../../shared/store/story.ts';
import type { Viewer } from '../access.ts';
import { conceal } from '../conceal.ts';
import { clock, counted } from '../wording.ts';
import { changesTable } from './changes-table.ts';
import { deadButtons } from './dead-page.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { address, badge, errorKind, facts, runLink, STATE_TONES, threadLink, time } from './parts.ts';

/** One thread's whole story: where it stands, what was written for it by which rule, what went wrong. */
export function threadPage({ thread, changes, errors }: ThreadStory, now: Instant, viewer: Viewer): string {
  const { threadId, state, reason, email, leadId, attempts, nextAttemptAt } = thread;
  return layout(
    { title: `Thread ${conceal(threadId)}`, here: '/threads', viewer },
    html`<h1>Thread <code>${conceal(threadId)}</code></h1>
<section class="panel">
${facts([
  ['State', html`${badge(state, STATE_TONES[state])} ${reason !== null && conceal(reason)}`],
  ['Since', clock(thread.updatedAt, now)],
  ['Visitor', address(email, viewer)],
  ['Lead in Marketo', leadId ?? 'none yet'],
  ['Chat', html`<code>${conceal(thread.chatId)}</code>`],
  ['Began', clock(thread.startedAt, now)],
  ['Ended', thread.endedAt === null ? 'not yet' : clock(thread.endedAt, now)],
  ['First seen', clock(thread.firstSeenAt, now)],
  ['Attempts', nextAttemptAt === null ? attempts : html`${attempts}, the next from ${clock(nextAttemptAt, now)} on`],
])}
${state === 'dead' && deadButtons({ thread: threadId }, 'this thread', viewer)}
</section>
<section class="panel" id="changes">
${
  changes.length === 0
    ? html`<h2>Written to Marketo</h2><p class="empty">Nothing was written for it.</p>`
    : changesTable(
        changes,
        html`<h2>Written to Marketo</h2> <span class="hint">oldest first; times are UTC</span>`,
        { title: 'Run', of: ({ runId }) => runLink(runId) },
        now,
        viewer,
      )
}
</section>
<section class="panel" id="errors">
${errors.length === 0 ? html`<h2>Errors</h2><p class="empty">Nothing went wrong with it.</p>` : errorsOf(errors, now)}
</section>
<section class="panel"><h2>What LiveChat told</h2>
${visitOf(thread.visit, viewer)}
</section>`,
  );
}

/** The form with which a thread is found. */
export function findPage(viewer: Viewer, triedAddress: boolean): string {
  return layout(
    { title: 'Find a thread', here: '/threads', viewer },
    html`<h1>Find a thread</h1>
<section class="panel narrow">
${triedAddress && html`<p class="wrong" role="alert">By its visitor’s address a thread is found only after unlocking.</p>`}
${
  viewer.unlocked && viewer.formKey !== ''
    ? html`<form method="post" action="/threads/find" class="stacked"><input type="hidden" name="formKey" value="${viewer.formKey}">
<label for="text">LiveChat’s thread id, or the visitor’s address</label>
<input id="text" name="text" required maxlength="200" autocomplete="off" spellcheck="false">
<button>Find</button></form>`
    : html`<form method="get" action="/threads" class="stacked">
<label for="text">LiveChat’s thread id</label>
<input id="text" name="text" required maxlength="200" autocomplete="off" spellcheck="false">
<button>Find</button></form>`
}
</section>`,
  );
}

/** The threads of one address. */
export function foundPage(threads: readonly ThreadReading[], now: Instant, viewer: Viewer): string {
  return layout(
    { title: 'Find a thread', here: '/threads', viewer },
    html`<h1>${counted(threads.length, 'thread')} of this address</h1>
<section class="panel">
${
  threads.length === 0
    ? html`<p class="empty">The ledger has none: check the address, or backfill the time it is from.</p>`
    : html`<div class="caption" id="thread-page-1"><h2>Threads</h2> <span class="hint">newest first; times are UTC</span></div>
<table class="cards list" role="table" aria-labelledby="thread-page-1">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Thread</th><th role="columnheader" scope="col">Began</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Why</th><th role="columnheader" scope="col">Lead</th></tr></thead>
<tbody role="rowgroup">
${threads.map(
  (thread) => html`<tr role="row">
<th role="rowheader" scope="row">${threadLink(thread.threadId)}</th>
<td role="cell" data-label="Began">${time(thread.startedAt, now)}</td>
<td role="cell" data-label="State">${badge(thread.state, STATE_TONES[thread.state])}</td>
<td role="cell" data-label="Why">${conceal(thread.reason ?? '–')}</td>
<td role="cell" data-label="Lead">${thread.leadId ?? '–'}</td>
</tr>
`,
)}
</tbody>
</table>`
}
</section>
<p><a href="/threads">Find another</a></p>`,
  );
}

function errorsOf(errors: ThreadStory['errors'], now: Instant): Html {
  return html`<div class="caption" id="thread-page-2"><h2>Errors</h2> <span class="hint">oldest first; times are UTC</span></div>
<table class="cards list" role="table" aria-labelledby="thread-page-2">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">What happened</th><th role="columnheader" scope="col">At</th><th role="columnheader" scope="col">Run</th><th role="columnheader" scope="col">In words</th></tr></thead>
<tbody role="rowgroup">
${errors.map(
  (error) => html`<tr role="row">
<th role="rowheader" scope="row" class="kind">${errorKind(error.code)}</th>
<td role="cell" data-label="At">${time(error.at, now)}</td>
<td role="cell" data-label="Run">${runLink(error.runId)}</td>
<td role="cell" class="words" data-label="In words">${conceal(error.message)}</td>
</tr>
`,
)}
</tbody>
</table>`;
}

function visitOf(visit: unknown, { unlocked, canUnlock }: Viewer): Html {
  if (visit === null) return html`<p class="empty">Nothing was read of it yet, or it is not kept any more.</p>`;
  if (unlocked) {
    return html`<pre tabindex="0" role="region" aria-label="What LiveChat told, as JSON">${JSON.stringify(visit, null, 2)}</pre>`;
  }
  return canUnlock
    ? html`<p class="empty">It is a person’s data: <a href="/login">unlock</a> to see it.</p>`
    : html`<p class="empty">It is a person’s data, and shown only where this service has a token (STATUS_TOKEN).</p>`;
}
