/**
 * Whether a host is loopback, or a name that only a cluster's own DNS resolves: what is sent there crosses no network of
 * others, so it may go without TLS.
 *
 * @param hostname as a URL has it; IPv6 in brackets.
 */
export function isNearby(hostname: string): boolean {
  return (
    /^(?:127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname) ||
    /^[a-z0-9-]+$/i.test(hostname) ||
    /\.svc(?:\.cluster\.local)?$/i.test(hostname)
  );
}
