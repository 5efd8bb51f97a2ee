import { type Instant, millisecondsOf } from '../../shared/runtime/instant.ts';
import type { Overview } from '../../shared/store/readings-overview.ts';
import type { RunReading } from '../../shared/store/readings-runs.ts';
import { counted, grouped, shortClock, took } from '../wording.ts';
import { bars } from './chart.ts';
import { type Html, html } from './html.ts';
import { outcomeOf, runLink, time } from './parts.ts';

/** Fewer runs than this leave the left free. */
const LEAST_SLOTS = 12;

/** The newest runs of the sync at a glance: how long each took and how it ended, and what became of its visitors' leads. */
export function runsPanel({ syncRuns, now }: Overview): Html {
  if (syncRuns.length === 0) return html``;
  const runs = syncRuns.toReversed();
  const longest = Math.max(1000, ...runs.map((run) => duration(run, now)));
  const most = Math.max(1, ...runs.map(leadsOf));
  const bad = runs.filter((run) => ['bad'].includes(outcomeOf(run, now).tone)).length;
  const total = (count: string) => runs.reduce((sum, run) => sum + (run.counts[count] ?? 0), 0);
  const ends = html`<p class="ends"><span>${runs[0] && shortClock(runs[0].startedAt, now)}</span><span>${runs.at(-1) && shortClock(runs.at(-1)?.startedAt ?? now, now)} UTC</span></p>`;
  return html`<section class="panel" id="strip">
<h2>${runs.length === 1 ? 'The last run' : `The last ${runs.length} runs`}</h2> <span class="hint">of the sync, the newest at the right</span>
<h3>How they ended, and how long they took</h3>
${bars(
  runs.map((run) => ({
    title: titleOf(run, now),
    // The root, so that a run of seconds is still seen beside one of an hour.
    parts: [{ share: Math.max(0.12, Math.sqrt(duration(run, now) / longest)), tone: outcomeOf(run, now).tone }],
  })),
  Math.max(LEAST_SLOTS, runs.length),
  40,
  `${counted(runs.length, 'run')}, ${bad} of them failed, lost or silent; the longest took ${inShort(longest)}`,
)}
${ends}
<p class="legend"><span class="good">done</span> <span class="attention">stopped early</span> <span class="bad">failed, lost or silent</span> <span class="waiting">skipped</span> <span class="busy">at work</span></p>
<h3>What became of their visitors’ leads</h3>
${bars(
  runs.map((run) => ({
    title: titleOf(run, now),
    parts: LEADS.map(([name, tone]) => ({ share: (run.counts[name] ?? 0) / most, tone })),
  })),
  Math.max(LEAST_SLOTS, runs.length),
  96,
  `${grouped(total('created'))} created, ${grouped(total('updated'))} updated, ${grouped(total('unchanged'))} left alone; at most ${counted(most, 'lead')} in one run`,
)}
${ends}
<p class="legend">${LEADS.map(([, tone, word]) => html`<span class="${tone}">${word}</span> `)}<span class="hint">highest bar: ${counted(most, 'lead')}</span></p>
<details id="strip-table"><summary>The same as a table</summary>
<div class="scroll" tabindex="0" role="region" aria-label="The last runs as a table"><table>
<caption class="hidden">The last runs, newest first; times are UTC</caption>
<thead><tr><th scope="col">Run</th><th scope="col">Started</th><th scope="col">Outcome</th><th scope="col" class="number">Took</th>${LEADS.map(([, , word]) => html`<th scope="col" class="number">${word}</th>`)}</tr></thead>
<tbody>
${syncRuns.map(
  (
    run,
  ) => html`<tr><th scope="row">${runLink(run.id)}</th><td>${time(run.startedAt, now)}</td><td>${outcomeOf(run, now).word}</td><td class="number">${took(run.startedAt, run.finishedAt ?? now)}</td>${LEADS.map(([name]) => html`<td class="number">${run.counts[name] === undefined ? '–' : grouped(run.counts[name])}</td>`)}</tr>
`,
)}
</tbody></table></div></details>
</section>`;
}

const LEADS = [
  ['created', 'created', 'created'],
  ['updated', 'updated', 'updated'],
  ['unchanged', 'unchanged', 'left alone'],
] as const;

function leadsOf({ counts }: RunReading): number {
  return LEADS.reduce((sum, [name]) => sum + (counts[name] ?? 0), 0);
}

function duration({ startedAt, finishedAt }: RunReading, now: Instant): number {
  return Math.max(0, millisecondsOf(finishedAt ?? now) - millisecondsOf(startedAt));
}

function titleOf(run: RunReading, now: Instant): string {
  const leads = LEADS.map(([name, , word]) => `${run.counts[name] ?? 0} ${word}`).join(', ');
  return `#${run.id}, ${shortClock(run.startedAt, now)}: ${outcomeOf(run, now).word}, took ${took(run.startedAt, run.finishedAt ?? now)}; ${leads}`;
}

function inShort(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
