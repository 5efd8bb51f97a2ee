import { networkInterfaces } from 'node:os';

const addresses = Object.values(networkInterfaces()).flatMap((ofOne) => ofOne?.map(({ address }) => address) ?? []);

/** The addresses by which this machine reaches itself: 127.0.0.1, and ::1 where it has IPv6. */
export const LOOPBACKS = ['127.0.0.1', '::1'].filter((address) => addresses.includes(address));
if (!LOOPBACKS.includes('::1')) process.stderr.write('SKIPPED: this machine has no IPv6, nothing was reached by it\n');
