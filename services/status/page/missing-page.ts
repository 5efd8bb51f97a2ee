import { html } from './html.ts';
import { layout } from './layout.ts';

/** What a browser gets for a path that is nowhere. */
export function missingPage(): string {
  const main = html`<section class="verdict waiting">
<h1>There is nothing here.</h1>
<p><a href="/">To the status page</a></p>
</section>`;
  return layout('Not found', html``, main, false);
}
