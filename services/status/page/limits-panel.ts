import { millisecondsOf } from '../../shared/runtime/instant.ts';
import type { Overview } from '../../shared/store/readings-overview.ts';
import { conceal } from '../conceal.ts';
import { counted, grouped, shortClock } from '../wording.ts';
import { gauge, line } from './chart.ts';
import { type Html, html } from './html.ts';

const DAY = 86_400_000;

/**
 * How far Marketo's limits are used: the window and the day, now and over time.
 *
 * @param dailyCalls calls that this product may make in a day (MARKETO_DAILY_CALLS).
 */
export function limitsPanel({ limits, now }: Overview, dailyCalls: number): Html {
  if (!limits) {
    return html`<section class="panel" id="limits"><h2>Marketo’s limits</h2><p class="empty">Nothing was called yet.</p></section>`;
  }
  const { cap, configured, windowSeconds, concurrency, rateHeld, inFlightHeld, windows, days } = limits;
  const day = limits.dayCalls ?? 0;
  const left = Math.floor(cap);
  const busiest = Math.max(0, ...windows.map(({ calls }) => calls));
  const begin = millisecondsOf(now) - DAY;
  const highestDay = Math.max(0, ...days.map(({ calls }) => calls));
  return html`<section class="panel" id="limits">
<h2>Marketo’s limits</h2> <span class="hint">of ${conceal(limits.instance)}</span>
<div class="limits">
<div>
<h3>Calls in ${windowSeconds} seconds</h3>
<p class="figure">${grouped(rateHeld)} <span>of ${grouped(left)}${left < configured && html`, lowered from ${grouped(configured)} because Marketo throttled`}</span></p>
${gauge(rateHeld / Math.max(1, left))}
<p class="hint">${grouped(inFlightHeld)} of ${grouped(concurrency)} in flight</p>
${line(
  windows.map(({ at, calls }) => ({ x: (millisecondsOf(at) - begin) / DAY, y: calls / configured })),
  `The busiest ${windowSeconds} seconds of each half hour of the last day: at most ${counted(busiest, 'call')} of ${configured}`,
)}
<p class="ends"><span>24 hours ago</span><span>now</span></p>
<p class="hint">The busiest ${windowSeconds} s of each half hour; the most was ${grouped(busiest)}, the dashed line is ${grouped(configured)}.</p>
${numbers(
  'limits-windows',
  'Half hour',
  windows.map(({ at, calls }) => [shortClock(at, now), calls] as const),
)}
</div>
<div>
<h3>Calls today</h3>
<p class="figure">${grouped(day)} <span>of ${grouped(dailyCalls)}</span></p>
${gauge(day / dailyCalls)}
<p class="hint">Ours alone; the day ends at midnight US Central</p>
${line(
  days.map(({ calls }, index) => ({ x: days.length === 1 ? 1 : index / (days.length - 1), y: calls / dailyCalls })),
  `Calls of each of the last ${counted(days.length, 'day')}: at most ${grouped(highestDay)} of ${dailyCalls}`,
)}
<p class="ends"><span>${days[0]?.day}</span><span>${days.at(-1)?.day}</span></p>
<p class="hint">Each of the last ${counted(days.length, 'day')}; the most was ${grouped(highestDay)}, the dashed line is ${grouped(dailyCalls)}.</p>
${numbers(
  'limits-days',
  'Day',
  days.map(({ day: each, calls }) => [each, calls] as const),
)}
</div>
</div>
</section>`;
}

function numbers(id: string, title: string, rows: readonly (readonly [string, number])[]): Html {
  return html`<details id="${id}"><summary>As a table</summary><table>
<thead><tr><th scope="col">${title}</th><th scope="col" class="number">Calls</th></tr></thead>
<tbody>${rows.map(
    ([name, calls]) => html`<tr><th scope="row">${name}</th><td class="number">${grouped(calls)}</td></tr>
`,
  )}</tbody></table></details>`;
}
