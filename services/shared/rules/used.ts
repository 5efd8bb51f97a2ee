import type { RuleInput } from './decide.ts';
import { kindOf, valueAt } from './paths.ts';
import type { Rules } from './schema.ts';

/**
 * What of an input the rules can see, and the address, which says whose lead it is: where this is equal for two inputs,
 * so is everything that is decided about them. So a thread has to be delivered again only where this has changed.
 *
 * @returns by path, in the order of the paths; the same for equal content, whatever the order of its keys, so that its
 *   JSON can be compared.
 */
export function usedOf(rules: Rules, input: RuleInput): Record<string, unknown> {
  const used: Record<string, unknown> = { 'visitor.email': valueAt(input, ['visitor', 'email']) ?? '' };
  for (const { keys } of rules.reads) {
    const name = keys.join('.');
    const value = valueAt(input, keys);
    // What is missing and what is empty are the same to the rules.
    used[kindOf(name) === undefined ? JSON.stringify(keys) : name] =
      value === undefined || value === null ? '' : inOrder(value);
  }
  return used;
}

/** With the keys of objects in order: a database returns them in another one than LiveChat. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  );
}
