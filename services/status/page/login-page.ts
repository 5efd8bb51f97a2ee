import type { Viewer } from '../access.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';

/**
 * The form that takes the token.
 *
 * @param wrong whether one was given that is not it.
 */
export function loginPage(viewer: Viewer, wrong: boolean): string {
  if (!viewer.canUnlock) {
    return layout(
      { title: 'Unlock' },
      html`<section class="panel narrow"><h1>Unlock</h1>
<p>This service has no token (STATUS_TOKEN), so nobody can see addresses or change anything here.</p></section>`,
    );
  }
  return layout(
    { title: 'Unlock', viewer },
    html`<section class="panel narrow"><h1>Unlock</h1>
<p>Shows addresses and values, and lets you replay, dismiss and start runs, for eight hours in this browser.</p>
${wrong && html`<p class="wrong" role="alert" id="wrong">That is not the token.</p>`}
<form method="post" action="/login" class="stacked">
<input name="username" value="operator" autocomplete="username" hidden>
<label for="token">Token (STATUS_TOKEN)</label>
<input id="token" name="token" type="password" required maxlength="1000" autocomplete="current-password" spellcheck="false"${wrong && html` aria-describedby="wrong"`}>
<button>Unlock</button>
</form></section>`,
  );
}
