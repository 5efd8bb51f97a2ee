/**
 * The pages' only script: a page that says so renews its content every so many seconds, without losing the reader's
 * place, their focus, or what they have unfolded. All else works without it. In a module, as the style is.
 */
export const SCRIPT = `'use strict';
const every = Number(document.body.dataset.refreshes ?? 0) * 1000;

async function renew() {
  const main = document.querySelector('main');
  // Not while somebody looks elsewhere, or is in the middle of a form.
  if (document.hidden || document.activeElement?.matches('input, select, textarea')) return;
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok) throw new Error('answered with ' + answer.status);
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const content = next.querySelector('main');
  if (!content) throw new Error('no content');
  const open = new Set([...main.querySelectorAll('details[open]')].map((each) => each.id));
  for (const each of content.querySelectorAll('details')) each.open = open.has(each.id);
  const focused = [...main.querySelectorAll('a, button, summary, [tabindex]')].indexOf(document.activeElement);
  main.replaceChildren(...content.childNodes);
  document.title = next.title;
  if (focused >= 0) main.querySelectorAll('a, button, summary, [tabindex]')[focused]?.focus({ preventScroll: true });
}

function tell(error) {
  const note = document.getElementById('note');
  if (note) note.textContent = 'This page could not be renewed (' + error.message + '): what it shows may be old.';
}

if (every > 0) {
  setInterval(() => renew().catch(tell), every);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) renew().catch(tell);
  });
}
`;
