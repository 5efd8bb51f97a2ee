import { version } from '../version.ts';
import { ASSETS } from './assets.ts';
import { type Html, html, textOf } from './html.ts';

/**
 * A whole page.
 *
 * @param title what a browser's tab shows, before the product's name.
 * @param note stands beside the product's name.
 * @param refreshes whether the page asks for itself again every minute.
 */
export function layout(title: string, note: Html, main: Html, refreshes: boolean): string {
  return textOf(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${refreshes && html`<meta http-equiv="refresh" content="60">`}
<title>${title} · LiveChat to Marketo</title>
<link rel="icon" href="${ASSETS.icon.href}" type="image/svg+xml">
<link rel="stylesheet" href="${ASSETS.style.href}">
</head>
<body>
<header class="bar">
<a class="name" href="/"><img src="${ASSETS.icon.href}" alt="" width="22" height="22"> LiveChat to Marketo</a>
<p class="note">${note}</p>
</header>
<main>
${main}
</main>
<footer>
<p>Version ${version}</p>
<p>As JSON: <a href="/api/v1/status">status</a>, <a href="/api/v1/runs">runs</a>, <a href="/api/v1/errors">errors</a></p>
<p>For Prometheus: <a href="/metrics">metrics</a></p>
</footer>
</body>
</html>
`);
}
