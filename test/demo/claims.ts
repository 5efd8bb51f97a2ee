import type { Sandbox } from '../sandbox/sandbox.ts';
import { SETTLE, type World } from './world.ts';

/** Something that the demo says of itself, and whether it is so. */
export type Claim = { says: string; holds: boolean; detail: string };

/** What a run said of itself, and the calls that Marketo saw of it. */
export type RunReport = {
  counts: Record<string, number>;
  lookupCalls: number;
  writeCalls: number;
};

type LeadRow = ReturnType<Sandbox['marketo']['leads']>[number];

/**
 * Holds what the demo says against what the sandbox knows: its own list of leads and of calls, and the truth about each
 * chat, which the API never shows.
 *
 * @param before the leads as they were before the first run.
 */
export function checkClaims(
  world: World,
  sandbox: Sandbox,
  before: readonly LeadRow[],
  runs: readonly RunReport[],
): Claim[] {
  const after = sandbox.marketo.leads();
  const byId = new Map(after.map((lead) => [Number(lead['id']), lead]));
  const byAddress = Map.groupBy(after, (lead) => String(lead['email']).toLowerCase());
  const { expected, refused } = expectedAddresses(world);

  const missing = expected.filter((address) => !byAddress.has(address));
  const present = new Map(Map.groupBy(before, (lead) => String(lead['email']).toLowerCase()));
  const doubled = [...byAddress].filter(([address, leads]) => leads.length > (present.get(address)?.length ?? 1));
  const stray = [...byAddress.keys()].filter((address) => !expected.includes(address) && !present.has(address));
  const changed = before.flatMap((lead) =>
    Object.entries(lead).filter(
      ([field, value]) => field !== 'updatedAt' && !isEmpty(value) && byId.get(Number(lead['id']))?.[field] !== value,
    ),
  );
  const withGeography = before.filter((lead) => !GEOGRAPHY.every((field) => isEmpty(lead[field])));
  const mixed = withGeography.filter((lead) =>
    GEOGRAPHY.some((field) => byId.get(Number(lead['id']))?.[field] !== lead[field]),
  );
  const withoutGeography = before.filter((lead) => GEOGRAPHY.every((field) => isEmpty(lead[field])));
  const filled = withoutGeography.filter(
    (lead) => !GEOGRAPHY.every((field) => isEmpty(byId.get(Number(lead['id']))?.[field])),
  );
  const { throttled, maxInAnyWindow, maxConcurrent } = sandbox.marketo.report();
  const throttles = Object.values(throttled).reduce((sum, count) => sum + count, 0);

  return [
    claim(
      'every visitor with an address that Marketo takes is a lead',
      missing.length === 0,
      `${expected.length} visitors, ${missing.length} missing`,
    ),
    claim('nobody else was made a lead', stray.length === 0, `${stray.length} strangers`),
    claim('nobody is a lead twice who was not before', doubled.length === 0, `${doubled.length} doubled`),
    claim(
      'no value that was in Marketo before was overwritten',
      changed.length === 0,
      `${before.length} leads before, ${changed.length} values changed`,
    ),
    claim(
      'geography of a lead’s own was kept as it was, and not mixed',
      mixed.length === 0 && withGeography.length > 0,
      `${withGeography.length} leads, ${mixed.length} touched`,
    ),
    claim(
      'leads without geography were given the visitor’s',
      filled.length > 0.9 * withoutGeography.length,
      `${filled.length} of ${withoutGeography.length} (the rest came without a place)`,
    ),
    claim(
      'those of whom Marketo refused a value are leads without it',
      refused.length > 0 &&
        refused.every((address) =>
          (byAddress.get(address) ?? []).some((lead) => isClean(lead['firstName']) && isClean(lead['lastName'])),
        ),
      `${refused.length} visitors`,
    ),
    ...runs.map(({ counts, lookupCalls, writeCalls }, index) => {
      const batches = Math.ceil((counts['visitors'] ?? 0) / 300);
      // Those of whom a value was refused go once more for each of their two names, new leads and known ones apart.
      const writes = batches + 1 + 4;
      return claim(
        `run ${index + 1} used at most ${batches} lookup and ${writes} write calls for its ${counts['visitors']} visitors`,
        lookupCalls <= batches && writeCalls <= writes && batches > 0,
        `${lookupCalls} and ${writeCalls}`,
      );
    }),
    claim('Marketo throttled nothing', throttles === 0, `${throttles} throttled`),
    claim(
      'no more than 50 calls came in any 20 seconds, and 5 at once',
      maxInAnyWindow <= 50 && maxConcurrent <= 5,
      `${maxInAnyWindow} and ${maxConcurrent} at most`,
    ),
  ];
}

const GEOGRAPHY = ['country', 'state', 'city'];

/** Whom Marketo should have, by what the generator knows: threads that have ended and can be seen by the second run. */
function expectedAddresses(world: World): { expected: string[]; refused: string[] } {
  const end = world.end.getTime();
  const delivered = world.threads
    .filter(({ createdAt }) => Date.parse(createdAt) < end - SETTLE)
    .filter(({ endsAt }) => endsAt !== undefined && Date.parse(endsAt) < end)
    // As rules.yaml has it under `eligible`.
    .filter(({ tags }) => !tags?.includes('spam'));
  const takes = (address: string) => /^[\x21-\x7e]+$/.test(address) && !address.endsWith(`@${OWN_DOMAIN}`);
  const addressesOf = (threads: typeof delivered) =>
    new Set(threads.flatMap(({ truth }) => truth.email?.toLowerCase() ?? []).filter(takes));
  const refused = addressesOf(delivered.filter(({ truth }) => truth.kinds.includes('markup-name')));
  const expected = addressesOf(delivered);
  return { expected: [...expected], refused: [...refused] };
}

/** The shop's own people, whom the demo's configuration ignores. */
export const OWN_DOMAIN = 'larkfield.example';

/** Without the markup that this Marketo refuses in names. */
function isClean(value: unknown): boolean {
  return !/[<>]/.test(String(value ?? ''));
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === false;
}

function claim(says: string, holds: boolean, detail: string): Claim {
  return { says, holds, detail };
}
