/**
 * An address as pages and mails may show it: `j•••@example.com`. Enough to recognise one's own test, not to write to.
 */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 1) return '•••';
  return `${[...address][0]}•••${address.slice(at)}`;
}

/** A text with everything in it that looks like an address masked. */
export function maskAddresses(text: string): string {
  return text.replace(ADDRESS, maskAddress);
}

/** The lengths of RFC 5321: they also bound how long a hostile text is looked at. */
const ADDRESS = /[^\s<>"'(),;:@]{1,64}@[^\s<>"'(),;:@]{1,255}/gu;
