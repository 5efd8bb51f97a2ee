import { didYouMean } from './nearest.ts';

/** What stands at the end of a path. A time is a text, RFC 3339. */
export type Kind = 'text' | 'time' | 'number' | 'texts' | 'numbers';

/** A path as a rule reads it. */
export type Path = {
  /** As it is written. */
  text: string;
  /** The keys that lead to the value. A name that only the website knows is one key, whatever stands in it. */
  keys: readonly string[];
};

/** Every path with a name of its own; docs/configuration.md says what each is. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['visitor.id', 'text'],
  ['visitor.email', 'text'],
  ['visitor.name', 'text'],
  ['visitor.firstName', 'text'],
  ['visitor.lastName', 'text'],
  ['visitor.phone', 'text'],
  ['visitor.location.country', 'text'],
  ['visitor.location.countryCode', 'text'],
  ['visitor.location.region', 'text'],
  ['visitor.location.city', 'text'],
  ['visitor.location.timezone', 'text'],
  ['visitor.address.street', 'text'],
  ['visitor.address.city', 'text'],
  ['visitor.address.state', 'text'],
  ['visitor.address.country', 'text'],
  ['visitor.address.postalCode', 'text'],
  ['visitor.counts.chats', 'number'],
  ['visitor.counts.threads', 'number'],
  ['visitor.counts.visits', 'number'],
  ['visitor.counts.pageViews', 'number'],
  ['thread.id', 'text'],
  ['thread.startedAt', 'time'],
  ['thread.endedAt', 'time'],
  ['thread.tags', 'texts'],
  ['thread.agents', 'texts'],
  ['thread.groupIds', 'numbers'],
  ['thread.rating.score', 'text'],
  ['thread.rating.comment', 'text'],
  ['thread.startUrl', 'text'],
  ['thread.referrer', 'text'],
  ['thread.utm.source', 'text'],
  ['thread.utm.medium', 'text'],
  ['thread.utm.campaign', 'text'],
  ['thread.utm.term', 'text'],
  ['thread.utm.content', 'text'],
  ['chat.id', 'text'],
]);

/** Behind these stand names that only the website, its forms or its apps know: one, or a namespace and a name. */
const NAMES_BEHIND: ReadonlyMap<string, 1 | 2> = new Map<string, 1 | 2>([
  ['visitor.variables', 1],
  ['thread.properties', 2],
  ['chat.properties', 2],
  ['form.byType', 1],
  ['form.byId', 1],
]);

export const PATHS: readonly string[] = [...KINDS.keys()];
export const OPEN_PATHS: readonly string[] = [...NAMES_BEHIND.keys()];

/** What stands at the end of a path with a name of its own; undefined for others. */
export function kindOf(path: string): Kind | undefined {
  return KINDS.get(path);
}

/** How many names stand behind an open path; undefined for others. */
export function namesBehind(path: string): 1 | 2 | undefined {
  return NAMES_BEHIND.get(path);
}

/**
 * Reads a path.
 *
 * @returns the path, or what is wrong with it: a path that never has a value would be a rule that silently does nothing.
 */
export function readPath(text: string): Path | { problem: string } {
  if (KINDS.has(text)) return { text, keys: text.split('.') };
  const open = OPEN_PATHS.find((start) => text === start || text.startsWith(`${start}.`));
  if (open) {
    const behind = text.slice(open.length + 1);
    const dot = namesBehind(open) === 2 ? behind.indexOf('.') : 0;
    const names = dot > 0 ? [behind.slice(0, dot), behind.slice(dot + 1)] : [behind];
    if (dot < 0 || names.includes(''))
      return { problem: `${text} lacks ${namesBehind(open) === 2 ? 'a namespace or a name' : 'a name'} at its end` };
    return { text, keys: [...open.split('.'), ...names] };
  }
  const longer = PATHS.filter((known) => known.startsWith(`${text}.`));
  if (longer.length > 0) return { problem: `${text} leads to several values: name one of ${longer.join(', ')}` };
  const meant = didYouMean(text, [...PATHS, ...OPEN_PATHS]);
  return { problem: `${text} is not a path${meant} (docs/configuration.md lists them)` };
}

/** The value behind these keys; undefined where there is none. Only what an object has itself is found. */
export function valueAt(input: object, keys: readonly string[]): unknown {
  let value: unknown = input;
  for (const key of keys) {
    if (!hasKeys(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function hasKeys(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
