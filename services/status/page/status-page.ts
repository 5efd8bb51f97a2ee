import type { Overview } from '../../shared/store/readings-overview.ts';
import type { Viewer } from '../access.ts';
import type { ClusterView } from '../cluster/watch.ts';
import { troubleVerdict, type Verdict, verdict } from '../verdict.ts';
import { ago, clock, counted, grouped } from '../wording.ts';
import { callsTable } from './calls-table.ts';
import { clusterPanel } from './cluster-panel.ts';
import { errorsTable } from './errors-table.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { ledgerTable } from './ledger-table.ts';
import { limitsPanel } from './limits-panel.ts';
import { runsPanel } from './runs-panel.ts';
import { runsTable } from './runs-table.ts';

/**
 * The status page: first the verdict in words, then what it rests on.
 *
 * @param settings `interval`: milliseconds between two scheduled runs; `dailyCalls`: calls to Marketo in a day.
 */
export function statusPage(
  overview: Overview,
  cluster: ClusterView,
  { interval, dailyCalls }: { interval: number; dailyCalls: number },
  viewer: Viewer,
): string {
  const judged = verdict(overview, interval, cluster);
  const { now, syncRuns, calls } = overview;
  return layout(
    {
      title: judged.headline.replace(/[.:]$/, ''),
      here: '/',
      note: html`As of <time datetime="${now}">${now.slice(11, 19)} UTC</time>, renewed every minute`,
      refreshes: true,
      viewer,
    },
    html`${verdictSection(judged)}
${facts(overview)}
${runsPanel(overview)}
${limitsPanel(overview, dailyCalls)}
${errorsTable(overview)}
${clusterPanel(cluster, now, viewer)}
<section class="panel">
${
  syncRuns.length === 0
    ? html`<h2>Last runs</h2><p class="empty">No sync run has been started yet.</p>`
    : html`${runsTable(syncRuns.slice(0, RUNS_SHOWN), html`<h2>Last runs</h2> <span class="hint">of the sync, newest first; times are UTC</span>`, now)}
<p class="more"><a href="/runs">All runs</a></p>`
}
</section>
<div class="pair">
${ledgerTable(overview)}
${callsTable(
  calls,
  html`<h2>Marketo calls</h2> <span class="hint">of the last 24 hours, <a href="/calls">one by one</a></span>`,
  'No call in the last 24 hours.',
)}
</div>`,
  );
}

/** Ten hours of an hourly sync: a working day, and a table that is still read at a glance. */
const RUNS_SHOWN = 10;

/** The same page while the database cannot be read. */
export function troublePage(sentence: string, viewer: Viewer): string {
  return layout(
    {
      title: sentence.replace(/\.$/, ''),
      here: '/',
      note: html`Renewed every minute`,
      refreshes: true,
      viewer,
    },
    verdictSection(troubleVerdict(sentence)),
  );
}

function verdictSection({ tone, headline, details }: Verdict): Html {
  return html`<section class="verdict ${tone}" aria-label="Verdict">
<h1>${headline}</h1>
${details.map((detail) => html`<p>${detail}</p>`)}
</section>`;
}

function facts({ now, watermark, ledger, calls, lastDigestAt }: Overview): Html {
  const callsOfDay = calls.reduce((sum, row) => sum + row.calls, 0);
  return html`<dl class="facts">
<div><dt>LiveChat read up to</dt><dd>${watermark ? clock(watermark, now) : 'not yet'}</dd></div>
<div><dt>Waiting for delivery</dt><dd>${counted(ledger.ready, 'thread')}</dd></div>
<div><dt>Dead</dt><dd>${ledger.dead === 0 ? 'none' : html`<a href="/dead">${counted(ledger.dead, 'thread')}</a>`}</dd></div>
<div><dt>Marketo calls in 24 h</dt><dd>${grouped(callsOfDay)}</dd></div>
<div><dt>Last digest run</dt><dd>${lastDigestAt ? ago(lastDigestAt, now) : 'none yet'}</dd></div>
</dl>`;
}
