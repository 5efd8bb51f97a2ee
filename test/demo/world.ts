import { type GeneratedThread, generateChats } from '../sandbox/generator/generate.ts';

/** What the demo begins with: a day of chats, and a Marketo in which some of the visitors are leads already. */
export type World = {
  /** The instant that the demo plays up to: the second run's now. */
  end: Date;
  /** The first run's now, an hour earlier. */
  middle: Date;
  /** The first chat's earliest time. */
  start: Date;
  threads: GeneratedThread[];
  leads: Record<string, string>[];
};

export const HOUR = 3_600_000;
/** The schedule's default: a run reads up to so long before LiveChat's now. */
export const SETTLE = 600_000;

/**
 * Makes the demo's world. All its numbers depend on the seed alone; only its times follow the clock.
 *
 * @param end what the demo plays up to.
 */
export function createWorld(seed: number, end: Date): World {
  const start = new Date(end.getTime() - 20 * HOUR);
  const middle = new Date(end.getTime() - HOUR);
  const threads = generateChats({ seed, count: 1800, from: start, to: end }).filter(
    (thread) =>
      !changesNear(
        thread,
        [middle, end].flatMap((now) => [now.getTime(), now.getTime() - SETTLE]),
      ),
  );
  return { start, middle, end, threads, leads: leadsBefore(threads) };
}

/**
 * A run takes some seconds, not always as many. A chat that begins, ends or changes just then would be seen by one
 * demo and not by the next, and their numbers would differ: such chats are left out.
 */
function changesNear(thread: GeneratedThread, instants: readonly number[]): boolean {
  const times = JSON.stringify(thread).match(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g) ?? [];
  return times.some((time) => instants.some((instant) => Math.abs(Date.parse(time) - instant) < 120_000));
}

/** Places that no generated visitor comes from, so that a lead whose geography was overwritten can be told. */
const OWN_PLACES = [
  { country: 'Iceland', state: 'Westfjords', city: 'Ísafjörður' },
  { country: 'Bhutan', state: 'Paro', city: 'Paro' },
  { country: 'Fiji', state: 'Western', city: 'Nadi' },
];

/**
 * Of the visitors with an address: every sixth is a lead with a geography of their own, every sixth a lead without one,
 * and every fiftieth two leads.
 */
function leadsBefore(threads: readonly GeneratedThread[]): Record<string, string>[] {
  const addresses = [...new Set(threads.flatMap(({ truth }) => truth.email?.toLowerCase() ?? []))]
    .filter((address) => /^[\x21-\x7e]+$/.test(address))
    .sort();
  return addresses.flatMap((email, index): Record<string, string>[] => {
    if (index % 50 === 49) {
      return [
        { email, firstName: 'First', country: 'Fiji' },
        { email, firstName: 'Second', country: 'Fiji' },
      ];
    }
    if (index % 6 === 0) return [{ email, leadSource: 'Trade fair', ...OWN_PLACES[index % OWN_PLACES.length] }];
    if (index % 6 === 1) return [{ email, leadSource: 'Newsletter', firstName: 'Known' }];
    return [];
  });
}
