import type { Overview } from '../../shared/store/readings-overview.ts';
import { troubleVerdict, type Verdict, verdict } from '../verdict.ts';
import { ago, clock, counted, grouped } from '../wording.ts';
import { callsTable } from './calls-table.ts';
import { errorsTable } from './errors-table.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { ledgerTable } from './ledger-table.ts';
import { runsTable } from './runs-table.ts';

/**
 * The status page: first the verdict in words, then what it rests on.
 *
 * @param interval milliseconds between two scheduled runs.
 */
export function statusPage(overview: Overview, interval: number): string {
  const judged = verdict(overview, interval);
  const { now } = overview;
  const note = html`As of <time datetime="${now}">${now.slice(11, 19)} UTC</time>, renewed every minute`;
  return layout(
    judged.headline.replace(/[.:]$/, ''),
    note,
    html`${verdictSection(judged)}
${facts(overview)}
${runsTable(overview)}
${errorsTable(overview)}
<div class="pair">
${ledgerTable(overview)}
${callsTable(overview)}
</div>`,
    true,
  );
}

/** The same page while the database cannot be read. */
export function troublePage(sentence: string): string {
  const judged = troubleVerdict(sentence);
  return layout(sentence.replace(/\.$/, ''), html`Renewed every minute`, verdictSection(judged), true);
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
<div><dt>Marketo calls in 24 h</dt><dd>${grouped(callsOfDay)}</dd></div>
<div><dt>Last digest run</dt><dd>${lastDigestAt ? ago(lastDigestAt, now) : 'none yet'}</dd></div>
</dl>`;
}
