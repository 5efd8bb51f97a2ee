import { maskAddresses } from '../shared/runtime/mask.ts';

/**
 * A text as a mail may carry it: addresses masked, one line, without the characters that could break out of it. Line breaks and control
 * characters become blanks (a subject with one would be two headers); invisible format characters are taken out, among
 * them those that turn the direction of what follows.
 *
 * @param most the longest result, in characters; a longer one is cut and ends in an ellipsis.
 */
export function plain(text: string, most: number): string {
  const characters = [
    ...maskAddresses(text.toWellFormed())
      .replace(/\p{Cf}+/gu, '')
      .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
      .trim(),
  ];
  return characters.length <= most
    ? characters.join('')
    : `${characters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}
