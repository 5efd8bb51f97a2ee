import { html } from './html.ts';
import { layout } from './layout.ts';

/** What a browser gets for a path that is nowhere. */
export function missingPage(): string {
  return layout(
    { title: 'Not found' },
    html`<section class="verdict waiting">
<h1>There is nothing here.</h1>
<p><a href="/">To the status page</a></p>
</section>`,
  );
}

/** What a browser gets for a request that is refused, or that failed. */
export function problemPage(sentence: string): string {
  return layout(
    { title: 'Not done' },
    html`<section class="verdict attention">
<h1>${sentence}</h1>
<p><a href="/">To the status page</a></p>
</section>`,
  );
}
