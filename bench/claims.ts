import { type Measured, VISITORS } from './measure.ts';
import { LIMITS } from './referee.ts';

export type Claim = { text: string; holds: boolean; found: string };

/** Leads that one call takes. */
const BATCH = 300;

/** What this product has to show; the bench fails where it does not. */
export function claimsOf(results: readonly Measured[]): Claim[] {
  return results.filter(({ contender }) => contender === 'ours').flatMap(claimsOfOne);
}

function claimsOfOne({ scenario, processes, seen, share = 0 }: Measured): Claim[] {
  const where =
    scenario === 'visitors'
      ? '1,000 visitors'
      : `saturation, ${processes === 1 ? '1 process' : `${processes} processes`}`;
  const claim = (text: string, found: number, holds: boolean) => ({
    text: `${where}: ${text}`,
    holds,
    found: String(found),
  });
  const rejected = seen.rejected606 + seen.rejected615;
  const always = [
    claim('no call rejected with 606 or 615', rejected, rejected === 0),
    claim('at most 100 arrivals in any 20 s', seen.mostInAnyWindow, seen.mostInAnyWindow <= LIMITS.callsPerWindow),
    claim('at most 10 in flight', seen.mostInFlight, seen.mostInFlight <= LIMITS.concurrency),
  ];
  if (scenario === 'saturation') {
    return [...always, claim('at least 95 % of the limit used', Math.round(share * 1000) / 10, share >= 0.95)];
  }
  const batches = Math.ceil(VISITORS / BATCH);
  return [
    ...always,
    claim('each visitor a lead, once', seen.leadsOnce, seen.leadsOnce === VISITORS && seen.leadsDoubled === 0),
    claim(`at most ${batches} look-ups`, seen.lookups, seen.lookups <= batches),
    claim(`at most ${batches + 1} writes`, seen.writes, seen.writes <= batches + 1),
  ];
}
