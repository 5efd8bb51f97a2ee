import { distance } from 'fastest-levenshtein';

/**
 * The known name that was probably meant, if one is near: equal but for case, else with few letters changed. What both
 * have in common before a dot does not count, so that `visitor.nme` is near `visitor.name` and far from `visitor.phone`.
 */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  let best: { name: string; letters: number } | undefined;
  for (const name of known) {
    if (name.toLowerCase() === written.toLowerCase()) return name;
    const start = commonStart(written, name);
    const rest = written.slice(start);
    const letters = distance(rest.toLowerCase(), name.slice(start).toLowerCase());
    if (letters <= most(rest) && letters < (best?.letters ?? Number.POSITIVE_INFINITY)) best = { name, letters };
  }
  return best?.name;
}

/** The question at the end of a message, where there is something to ask. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const name = nearest(written, known);
  return name === undefined ? '' : `; did you mean ${name}?`;
}

/** The length of the dotted start that two names share, its last dot included. */
function commonStart(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length).lastIndexOf('.') + 1;
}

/** How many letters may differ. Two swapped ones (`form` for `from`) count as two. */
function most(word: string): number {
  return word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
}
