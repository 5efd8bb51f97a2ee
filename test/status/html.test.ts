import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, textOf } from '../../services/status/page/html.ts';

test('a template keeps its own markup and escapes every value, in text and in attributes', () => {
  const made = html`<a title="${'"><script>'}">${"<b>&'`"} ${1284}</a>`;
  expect(textOf(made)).toBe('<a title="&#34;&#62;&#60;script&#62;">&#60;b&#62;&#38;&#39;&#96; 1284</a>');
});

test('pieces of html and lists of them are put in as they are; what is absent leaves nothing, 0 stays', () => {
  const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
  expect(textOf(html`<ul>${items}${null}${undefined}${false}${0}</ul>`)).toBe(
    '<ul><li>a</li><li>&#60;b&#62;</li>0</ul>',
  );
});

test('no text, whatever it is, opens a tag or leaves its attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const inside = textOf(html`${text}`);
      expect(inside).not.toMatch(/[<>"'`]/);
      expect(inside.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))).toBe(text);
    }),
  );
});
