import { catalogueEntry } from '../../shared/runtime/catalogue.ts';
import type { Instant } from '../../shared/runtime/instant.ts';
import { maskAddress } from '../../shared/runtime/mask.ts';
import type { RunReading } from '../../shared/store/readings-runs.ts';
import type { CallOutcome, ThreadState } from '../../shared/store/schema.ts';
import type { Viewer } from '../access.ts';
import { conceal } from '../conceal.ts';
import { isSilent } from '../verdict.ts';
import { ago, shortClock } from '../wording.ts';
import { type Html, html, type Part } from './html.ts';

/** What several pages show in the same way. */

export function badge(word: string, tone: string): Html {
  return html`<span class="badge ${tone}">${word}</span>`;
}

/** How a run ended, or that it has not. */
export function outcomeOf(run: RunReading, now: Instant): { word: string; tone: string } {
  switch (run.outcome) {
    case 'done':
      return { word: 'done', tone: 'good' };
    case 'failed':
      return { word: 'failed', tone: 'bad' };
    case 'lost':
      return { word: 'lost', tone: 'bad' };
    case 'stopped':
      return { word: 'stopped early', tone: 'attention' };
    case 'skipped':
      return { word: 'skipped', tone: 'waiting' };
    case null:
      return isSilent(run, now) ? { word: 'silent', tone: 'bad' } : { word: 'at work', tone: 'busy' };
  }
}

export const CALL_OUTCOMES: Record<CallOutcome, { word: string; tone: string }> = {
  ok: { word: 'ok', tone: 'good' },
  refused: { word: 'refused', tone: 'bad' },
  throttled: { word: 'throttled', tone: 'attention' },
  failed: { word: 'failed', tone: 'bad' },
  'no-answer': { word: 'no answer', tone: 'attention' },
};

export const STATE_TONES: Record<ThreadState, string> = {
  open: 'busy',
  ready: 'attention',
  synced: 'good',
  ignored: 'waiting',
  dead: 'bad',
};

/** A time of day in UTC, with its date where that is not today's. */
export function time(instant: Instant, now: Instant): Html {
  return html`<time datetime="${instant}">${shortClock(instant, now)}</time>`;
}

export function timeAgo(instant: Instant, now: Instant): Html {
  return html`<time datetime="${instant}" title="${instant}">${ago(instant, now)}</time>`;
}

export function runLink(id: number | null): Html | string {
  return id === null ? '–' : html`<a href="/runs/${id}">#${id}</a>`;
}

export function threadLink(id: string | null): Html | string {
  if (id === null) return '–';
  const shown = conceal(id);
  // LiveChat's ids never look like an address; one that does has no place in a URL.
  if (shown !== id) return html`<code>${shown}</code>`;
  return html`<a class="code" href="/threads/${encodeURIComponent(id)}">${id}</a>`;
}

/** An error's code with its severity and what it means. */
export function errorKind(code: string): Html {
  const entry = catalogueEntry(code);
  const tone = entry?.severity === 'warning' ? 'attention' : 'bad';
  return html`${badge(entry?.severity ?? 'unknown', tone)}
<span class="says">${entry?.says ?? 'An error that this release does not know.'}</span>
<a class="code" href="/errors?code=${code}">${code}</a>`;
}

/** What the catalogue says should be done about an error. */
export function whatToDo(code: string): string {
  return catalogueEntry(code)?.todo ?? 'See the run’s log, and upgrade this service to the release of the sync.';
}

/** An address, whole for whoever has the token. */
export function address(email: string | null, { unlocked }: Viewer): string {
  if (email === null) return 'none';
  return unlocked ? email : maskAddress(email);
}

/** A value of a lead or a visitor: it may be anybody's name, so only whoever has the token sees it. */
export function value(of: unknown, { unlocked }: Viewer): string {
  if (of === null || of === undefined || of === '') return 'empty';
  if (!unlocked) return '•••';
  return typeof of === 'string' ? of : JSON.stringify(of);
}

/** A list of names with what they stand for; entries that are absent are left out. */
export function facts(entries: readonly (readonly [name: string, value: Part] | false)[]): Html {
  return html`<dl class="details">${entries.map(
    (entry) =>
      entry &&
      html`<div><dt>${entry[0]}</dt><dd>${entry[1]}</dd></div>
`,
  )}</dl>`;
}

/** The way to the older entries of a list, and back to the newest. */
export function pager(path: string, which: Record<string, unknown>, next: string | number | null, before = true): Html {
  const query = (more: Record<string, string>) => {
    const given = Object.entries(which).filter(([, each]) => each !== undefined);
    return new URLSearchParams([
      ...given.map(([name, each]): [string, string] => [name, String(each)]),
      ...Object.entries(more),
    ]).toString();
  };
  const newest = query({});
  return html`<nav class="pager" aria-label="Parts of the list">
${before && html`<a href="${path}${newest === '' ? '' : `?${newest}`}">Newest</a>`}
${next === null ? html`<span>That is all.</span>` : html`<a rel="next" href="${path}?${query({ before: String(next) })}">Older</a>`}
</nav>`;
}

/** A choice in a form of filters. */
export function choice(name: string, label: string, chosen: string | undefined, options: readonly string[]): Html {
  return html`<label>${label}
<select name="${name}"><option value="">all</option>${options.map(
    (option) => html`<option value="${option}"${option === chosen && html` selected`}>${option}</option>`,
  )}</select></label>`;
}
