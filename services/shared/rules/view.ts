import type { FieldFacts } from './check.ts';
import { BOUNDS } from './expression.ts';
import { type Kind, kindOf, namesBehind, type Path, valueAt } from './paths.ts';

/** What expressions see while one lead is decided about. */
export type View = {
  /** The variables with these names, as CEL has them: whole numbers are BigInt. */
  of(roots: ReadonlySet<string>): Record<string, unknown>;
};

/** What expressions see of a lead: its fields as Marketo has them, each of them there; what is not known is null. */
export type SeenLead = {
  values: Readonly<Record<string, unknown>> | undefined;
  facts: ReadonlyMap<string, FieldFacts>;
  reads: readonly string[];
};

/**
 * Complete and bounded: a missing text is '', a missing number 0, a missing list empty; of texts, lists and open paths
 * the first part (`BOUNDS`), of open paths in the order of their names. Made when first asked for, and only of what is read.
 *
 * @param reads what the expressions of all rules read.
 */
export function createView(reads: readonly Path[], input: object, lead: SeenLead): View {
  let made: Record<string, unknown> | undefined;
  return {
    of(roots) {
      made ??= inputOf(reads, input);
      if (roots.has('lead')) made['lead'] ??= leadOf(lead);
      return made;
    },
  };
}

function inputOf(reads: readonly Path[], input: object): Record<string, unknown> {
  const seen: Record<string, unknown> = { visitor: {}, thread: {}, chat: {}, form: {} };
  for (const { text, keys } of reads) {
    const kind = kindOf(text);
    if (kind !== undefined) place(seen, keys, seenAs(kind, valueAt(input, keys)));
    else placeOpen(seen, keys, input);
  }
  return seen;
}

/** The whole of an open path's first part, and the value behind the name that is asked for, wherever it stands. */
function placeOpen(seen: Record<string, unknown>, keys: readonly string[], input: object): void {
  const start = keys.slice(0, 2);
  const levels = namesBehind(start.join('.')) ?? 1;
  const present = valueAt(seen, start);
  const map = present instanceof Map ? present : openMap(valueAt(input, start), levels);
  if (map !== present) place(seen, start, map);
  const [name, inner] = keys.slice(2);
  if (name === undefined) return;
  const value = valueAt(input, [...start, name]);
  if (levels === 1) map.set(name, seenText(value));
  else {
    const names = map.has(name) ? map.get(name) : openMap(value, 1);
    if (inner !== undefined && names instanceof Map) names.set(inner, seenProperty(valueAt(input, keys)));
    map.set(name, names);
  }
}

function openMap(value: unknown, levels: 1 | 2): Map<string, unknown> {
  const names = isRecord(value) ? Object.keys(value).sort().slice(0, BOUNDS.list) : [];
  const map = new Map(
    names.map((name) => {
      const inner = valueAt(isRecord(value) ? value : {}, [name]);
      return [name, levels === 2 ? openMap(inner, 1) : seenProperty(inner)] as const;
    }),
  );
  return complete(map, levels === 2 ? complete(new Map(), '') : '');
}

/** A map in which no key is missing. (CEL throws for one that is; the library tells maps by their own constructor.) */
function complete(map: Map<string, unknown>, absent: unknown): Map<string, unknown> {
  const own = map.get.bind(map);
  map.get = (key) => own(key) ?? absent;
  return map;
}

function seenAs(kind: Kind, value: unknown): unknown {
  if (kind === 'number') return wholeNumber(value);
  if (kind === 'text' || kind === 'time') return seenText(value);
  const list = (Array.isArray(value) ? value : []).slice(0, BOUNDS.list);
  return kind === 'numbers' ? list.map(wholeNumber) : list.map(seenText);
}

function seenText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, BOUNDS.text) : typeof value === 'number' ? String(value) : '';
}

function seenProperty(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  return typeof value === 'boolean' ? value : seenText(value);
}

function wholeNumber(value: unknown): bigint {
  return typeof value === 'number' && Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

function leadOf({ values, facts, reads }: SeenLead): Map<string, unknown> {
  return complete(new Map(reads.map((name) => [name, leadValue(values?.[name], facts.get(name)?.type)])), null);
}

function leadValue(value: unknown, type: string | undefined): unknown {
  if (typeof value === 'string') return value.slice(0, BOUNDS.text);
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'number') return null;
  const isWhole = type === 'integer' || type === 'score' || type === 'percent';
  return isWhole && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function place(seen: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  let at = seen;
  for (const key of keys.slice(0, -1)) {
    const inner = at[key];
    const next: Record<string, unknown> = isRecord(inner) ? inner : {};
    at[key] = next;
    at = next;
  }
  at[keys.at(-1) ?? ''] = value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}
