/** A piece of HTML that is safe as it is. Only `html` makes one: the symbol is this file's own, so data cannot pose as it. */
export type Html = { readonly [MARKUP]: string };

/** What may stand in a template. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * A template that escapes everything put into it, except other pieces of `html`. Values belong into text or into
 * quoted attributes, where the escaping holds; null, undefined and false leave nothing.
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { [MARKUP]: texts.reduce((sofar, text, index) => `${sofar}${render(parts[index - 1])}${text}`) };
}

/** The text of a piece of HTML, to be sent. */
export function textOf(piece: Html): string {
  return piece[MARKUP];
}

const MARKUP: unique symbol = Symbol('markup');

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  if (isHtml(part)) return part[MARKUP];
  return part.map(render).join('');
}

function isHtml(part: Html | readonly Part[]): part is Html {
  return MARKUP in part;
}

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
