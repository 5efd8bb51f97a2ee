import { MarketoError } from '../shared/marketo/errors.ts';
import type { Lead } from '../shared/marketo/types.ts';

/**
 * The leads of these addresses. An address that more than a thousand leads have makes Marketo refuse the whole call (1003,
 * "Too many results match the filter"): then halves are asked for, until it is found, and only it is refused.
 *
 * @param find one look-up.
 * @returns by address in lower case; an address that no lead has is absent.
 */
export async function findLeads(
  find: (emails: readonly string[]) => Promise<Map<string, Lead[]>>,
  emails: readonly string[],
): Promise<Map<string, Lead[] | 'refused'>> {
  try {
    return await find(emails);
  } catch (error) {
    if (!(error instanceof MarketoError && error.kind === 'configuration' && error.code === TOO_MANY)) throw error;
    const [first] = emails;
    if (emails.length === 1 && first) return new Map([[first.toLowerCase(), 'refused' as const]]);
    const middle = Math.ceil(emails.length / 2);
    const left = await findLeads(find, emails.slice(0, middle));
    const right = await findLeads(find, emails.slice(middle));
    return new Map([...left, ...right]);
  }
}

/** Marketo's code where too many leads match a look-up. */
export const TOO_MANY = '1003';
