import type { Instant } from '../../shared/runtime/instant.ts';
import type { Page, RunReading, WhichRuns } from '../../shared/store/readings-runs.ts';
import type { Viewer } from '../access.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';
import { choice, pager } from './parts.ts';
import { runsTable } from './runs-table.ts';

/** All runs, in parts, the newest first. */
export function runsPage({ entries, next }: Page<RunReading>, which: WhichRuns, now: Instant, viewer: Viewer): string {
  const caption = html`<h2>${which.job ?? 'All'} runs</h2> <span class="hint">newest first; times are UTC</span>`;
  return layout(
    { title: 'Runs', here: '/runs', viewer },
    html`<h1>Runs</h1>
<form class="filters" method="get" action="/runs">
${choice('job', 'Job', which.job, ['sync', 'digest'])}
<button>Show</button>
</form>
<section class="panel">
${entries.length === 0 ? html`<p class="empty">There is none.</p>` : runsTable(entries, caption, now, true)}
</section>
${pager('/runs', which, next)}`,
  );
}
