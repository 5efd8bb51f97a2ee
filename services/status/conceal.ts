import { maskAddress } from '../shared/runtime/mask.ts';

/**
 * Masks what looks like a mail address in a text. No message should contain one; this holds also for the one that
 * does, because the page asks nobody who they are.
 */
export function conceal(text: string): string {
  return text.replace(/[^\s<>"'(),;:]+@[^\s<>"'(),;:@]+\.[^\s<>"'(),;:@.]+/g, maskAddress);
}
