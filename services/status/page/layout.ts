import type { Viewer } from '../access.ts';
import { version } from '../version.ts';
import { ASSETS } from './assets.ts';
import { type Html, html, textOf } from './html.ts';

export type Frame = {
  /** What a browser's tab shows, before the product's name. */
  title: string;
  /** Which of the pages it is, for the navigation; none where left out. */
  here?: (typeof PAGES)[number][0];
  /** Stands at the foot of the navigation. */
  note?: Html;
  /** Whether the page asks for itself again every minute. */
  refreshes?: boolean;
  /** Nobody where it is not known who asks. */
  viewer?: Viewer;
};

const PAGES = [
  ['/', 'Status'],
  ['/runs', 'Runs'],
  ['/errors', 'Errors'],
  ['/dead', 'Dead threads'],
  ['/threads', 'Find a thread'],
  ['/calls', 'Calls'],
] as const;

/** A whole page. */
export function layout({ title, here, note, refreshes = false, viewer }: Frame, main: Html): string {
  return textOf(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${refreshes && html`<noscript><meta http-equiv="refresh" content="60"></noscript>`}
<title>${title} · LiveChat to Marketo</title>
<link rel="icon" href="${ASSETS.icon.href}" type="image/svg+xml">
<link rel="stylesheet" href="${ASSETS.style.href}">
<script src="${ASSETS.script.href}" defer></script>
</head>
<body${refreshes && html` data-refreshes="60"`}>
<a class="skip" href="#main">To the content</a>
<header class="bar">
<a class="name" href="/"><img src="${ASSETS.icon.href}" alt="" width="22" height="22"> LiveChat to Marketo</a>
<nav aria-label="Pages"><ul>
${PAGES.map(
  ([path, name]) => html`<li><a href="${path}"${path === here && html` aria-current="page"`}>${name}</a></li>
`,
)}
</ul></nav>
${viewer && lock(viewer)}
</header>
<main id="main" tabindex="-1">
${note && html`<p class="note" id="note">${note}</p>`}
${main}
</main>
<footer>
<p>Version ${version}</p>
<p>For programs: <a href="/api/docs">API</a>, <a href="/metrics">metrics</a></p>
</footer>
</body>
</html>
`);
}

function lock({ unlocked, canUnlock, formKey }: Viewer): Html | false {
  if (unlocked && formKey !== '') {
    return html`<form class="lock" method="post" action="/logout"><input type="hidden" name="formKey" value="${formKey}"><button class="quiet">Lock</button></form>`;
  }
  return canUnlock && html`<a class="lock" href="/login">Unlock</a>`;
}
