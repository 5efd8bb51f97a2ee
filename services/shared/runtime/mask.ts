/**
 * An address as pages and mails may show it: `j•••@example.com`. Enough to recognise one's own test, not to write to.
 */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 1) return '•••';
  return `${[...address][0]}•••${address.slice(at)}`;
}
