/**
 * Every form in which a secret could stand in a text: as it is, encoded for a URL, a form or HTML, and in base64, where
 * its letters depend on what stands before it.
 */
export function formsOf(secret: string): string[] {
  const form = new URLSearchParams({ x: secret }).toString().slice(2);
  const html = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  const hex = Buffer.from(secret).toString('hex');
  return [...new Set([secret, encodeURIComponent(secret), encodeURI(secret), form, html, hex, ...base64Forms(secret)])];
}

/** What is found of the words in the text, without case (base64 apart), each with the text around it. */
export function findWords(text: string, words: ReadonlyMap<string, string>): string[] {
  const lower = text.toLowerCase();
  return [...words].flatMap(([word, name]) => {
    const place = lower.indexOf(word.toLowerCase());
    return place < 0 ? [] : [`${name}: …${text.slice(Math.max(0, place - 60), place + 80)}…`];
  });
}

function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.from(' '.repeat(before) + secret).toString('base64');
    // The first letters and the last ones depend on the neighbours.
    const inner = encoded.slice(before === 0 ? 0 : 4, -4);
    return inner.length >= 8 ? [inner, inner.replaceAll('+', '-').replaceAll('/', '_')] : [];
  });
}
