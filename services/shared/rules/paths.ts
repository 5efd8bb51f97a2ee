/** Every path that a rule may take a value from; docs/configuration.md says what each is. */
export const PATHS: readonly string[] = [
  'visitor.email',
  'visitor.name',
  'visitor.firstName',
  'visitor.lastName',
  'visitor.phone',
  'visitor.location.country',
  'visitor.location.countryCode',
  'visitor.location.region',
  'visitor.location.city',
  'visitor.location.timezone',
  'visitor.address.street',
  'visitor.address.city',
  'visitor.address.state',
  'visitor.address.country',
  'visitor.address.postalCode',
  'thread.id',
  'thread.startedAt',
  'thread.endedAt',
  'thread.tags',
  'thread.agents',
  'thread.groupIds',
  'thread.rating.score',
  'thread.rating.comment',
  'thread.startUrl',
  'thread.referrer',
  'thread.utm.source',
  'thread.utm.medium',
  'thread.utm.campaign',
  'thread.utm.term',
  'thread.utm.content',
  'chat.id',
];

/** Behind these stands a name that only the website or its forms know. */
export const OPEN_PATHS: readonly string[] = ['visitor.variables', 'form.byType', 'form.byId'];

/**
 * What is wrong with a path, or undefined where it can have a value. A path that never has one would be a rule that
 * silently does nothing.
 */
export function pathProblem(path: string): string | undefined {
  if (PATHS.includes(path)) return undefined;
  const open = OPEN_PATHS.find((start) => path.startsWith(`${start}.`));
  if (open) return path.length > open.length + 1 ? undefined : `${path} lacks a name at its end`;
  const longer = PATHS.filter((known) => known.startsWith(`${path}.`));
  if (longer.length > 0) return `${path} leads to several values: name one of ${longer.join(', ')}`;
  const alike = [...PATHS, ...OPEN_PATHS].find((known) => known.toLowerCase() === path.toLowerCase()) ?? nearest(path);
  return `${path} is not a path${alike ? `; did you mean ${alike}?` : ''} (docs/configuration.md lists them)`;
}

/** The path that shares the longest start, if that is more than its first word. */
function nearest(path: string): string | undefined {
  const shared = (known: string) => [...known].findIndex((letter, index) => letter !== path[index]);
  const best = [...PATHS].sort((a, b) => shared(b) - shared(a))[0];
  return best !== undefined && shared(best) > path.indexOf('.') + 1 ? best : undefined;
}
