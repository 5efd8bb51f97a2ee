import { z } from 'zod';
import type { RuleInput } from '../shared/rules/decide.ts';
import type { TakenThread } from '../shared/store/ledger.ts';

/** A visitor as deliver handles them: all taken threads of one address. */
export type Visitor = {
  email: string;
  threads: TakenThread[];
  /** What the rules see, for each thread, oldest first; what is known of the person is the same in all of them. */
  inputs: RuleInput[];
};

/** A thread of the same address that was delivered before and is later than a taken one: what it knows goes first. */
export type LaterThread = { email: string; endedAt: string; visit: unknown };

/** What belongs together: where any of it is known, all of it comes from there, for a name must not be mixed of two. */
const UNITS = ['location', 'address'];
const NAME = ['name', 'firstName', 'lastName'];

const part = z.record(z.string(), z.unknown());
const visitShape = z.object({ visitor: part, thread: part, chat: part, form: part });
type Part = z.infer<typeof part>;

/**
 * Groups threads by address, without case: several threads of one person become one visitor. Of what is known of the
 * person, the latest value that is not empty wins; name and place each as a whole. Each thread is still decided about.
 *
 * @param threads those that were taken, oldest first.
 * @param later threads of the same addresses that were delivered before, oldest first.
 * @returns the visitors, and the threads whose stored content this release cannot read.
 */
export function mergeByAddress(
  threads: readonly TakenThread[],
  later: readonly LaterThread[],
): { visitors: Visitor[]; unreadable: TakenThread[] } {
  const unreadable: TakenThread[] = [];
  const byAddress = new Map<
    string,
    { email: string; threads: TakenThread[]; seen: { endedAt: string; visit: unknown }[] }
  >();
  for (const thread of threads) {
    if (!visitShape.safeParse(thread.visit).success) {
      unreadable.push(thread);
      continue;
    }
    const key = thread.email.toLowerCase();
    const entry = byAddress.get(key) ?? { email: thread.email, threads: [], seen: [] };
    entry.email = thread.email;
    entry.threads.push(thread);
    entry.seen.push(thread);
    byAddress.set(key, entry);
  }
  for (const thread of later) byAddress.get(thread.email.toLowerCase())?.seen.push(thread);
  const visitors = [...byAddress.values()].map(({ email, threads: taken, seen }) => ({
    email,
    threads: taken,
    inputs: mergeVisits(seen.toSorted((a, b) => (a.endedAt < b.endedAt ? -1 : 1)).map(({ visit }) => visit)),
  }));
  return { visitors, unreadable };
}

/** @param visits oldest first; unreadable ones are passed over */
function mergeVisits(visits: readonly unknown[]): RuleInput[] {
  const readable = visits.flatMap((one) => visitShape.safeParse(one).data ?? []);
  const visitor = readable.reduce<Part>((person, one) => mergePerson(person, one.visitor), {});
  const form = readable.reduce<Part>((answers, one) => latest(answers, one.form), {});
  return readable.map(({ thread, chat }) => ({ visitor, form, thread, chat }));
}

function mergePerson(earlier: Part, later: Part): Part {
  const merged = latest(earlier, later);
  for (const unit of UNITS) if (isKnown(later[unit])) merged[unit] = later[unit];
  const named = NAME.some((key) => isKnown(later[key])) ? later : earlier;
  for (const key of NAME) if (key in named) merged[key] = named[key];
  return merged;
}

function latest(earlier: Part, later: Part): Part {
  const merged: Part = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const before = part.safeParse(merged[key]).data;
    const after = part.safeParse(value).data;
    if (before && after) merged[key] = latest(before, after);
    else if (isKnown(value) || merged[key] === undefined) merged[key] = value;
  }
  return merged;
}

/** Not blank, and, of a list or an object, something in it. */
function isKnown(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'string') return value.trim() !== '';
  if (typeof value === 'object') return Object.values(value).some(isKnown);
  return true;
}
