import { type Html, html } from './html.ts';

/** Charts as SVG, stretched to the width there is. They are for the eye: each caller gives the numbers as a table too. */

export type Bar = {
  /** as a share of the highest, from 0 to 1, from the bottom up */ parts: { share: number; tone: string }[];
  title: string;
};

/**
 * Bars side by side, the newest at the right; fewer bars than slots leave the left free.
 *
 * @param label what the chart as a whole shows, for who cannot see it.
 */
export function bars(all: readonly Bar[], slots: number, height: number, label: string): Html {
  const empty = slots - all.length;
  return html`<svg class="chart" role="img" aria-label="${label}" viewBox="0 0 ${slots * 10} ${height}" height="${height}" preserveAspectRatio="none">
${all.map((bar, index) => {
  let top = height;
  return html`<g><title>${bar.title}</title><rect class="behind" x="${(empty + index) * 10}" y="0" width="10" height="${height}"/>${bar.parts.map(
    ({ share, tone }) => {
      const tall = share * height;
      top -= tall;
      return html`<rect class="${tone}" x="${(empty + index) * 10 + 1}" y="${rounded(top)}" width="8" height="${rounded(tall)}"/>`;
    },
  )}</g>
`;
})}
</svg>`;
}

/**
 * How full something is, with the part of it that counts as nearly full marked by its tone.
 *
 * @param share from 0 to 1; more is shown as full.
 */
export function gauge(share: number): Html {
  const full = Math.min(1, Math.max(0, share));
  const tone = full >= 0.95 ? 'bad' : full >= 0.8 ? 'attention' : 'busy';
  return html`<svg class="gauge" aria-hidden="true" viewBox="0 0 1000 10" height="10" preserveAspectRatio="none"><rect class="behind" x="0" y="0" width="1000" height="10"/><rect class="${tone}" x="0" y="0" width="${rounded(full * 1000)}" height="10"/></svg>`;
}

/**
 * A line over time with its limit at the top.
 *
 * @param points from left to right, `x` from 0 to 1, `y` as a share of the limit.
 */
export function line(points: readonly { x: number; y: number }[], label: string): Html {
  const at = points.map(({ x, y }) => `${rounded(x * 1000)},${rounded(58 - Math.min(1, y) * 54)}`);
  const [first, last] = [points[0], points.at(-1)];
  return html`<svg class="chart line" role="img" aria-label="${label}" viewBox="0 0 1000 60" height="60" preserveAspectRatio="none">
<line class="limit" x1="0" y1="4" x2="1000" y2="4"/>
${first && last && html`<polygon class="area" points="${rounded(first.x * 1000)},58 ${at.join(' ')} ${rounded(last.x * 1000)},58"/><polyline class="stroke" points="${at.join(' ')}"/>`}
</svg>`;
}

function rounded(number: number): number {
  return Math.round(number * 10) / 10;
}
