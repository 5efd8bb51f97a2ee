import { type ASTNode, Environment, EvaluationError, ParseError, TypeError as TypeMistake } from '@marcbachmann/cel-js';
import { didYouMean } from './nearest.ts';
import { kindOf, namesBehind, OPEN_PATHS, PATHS, type Path, readPath } from './paths.ts';
import type { Raw } from './value.ts';
import type { View } from './view.ts';

/** A CEL expression that was checked and is bounded: pure, and it sees what a view shows and nothing else. */
export type Expression = {
  text: string;
  /** What it reads of the input. Where that cannot be told, everything that it may read. */
  reads: readonly Path[];
  /** Fields of the lead that it reads. */
  leadFields: readonly string[];
  /** What is known of its result before it is evaluated. */
  gives: 'boolean' | 'number' | 'text' | 'time' | 'list' | 'anything';
  /** Never throws: what went wrong is a problem, told without anything of the visitor. */
  evaluate(view: View): { value: Raw } | { problem: string };
};

/**
 * Bounds on an expression, all of them held before it is ever evaluated, so that no visitor can make it slow:
 *
 * - its own length, nodes and depth;
 * - what it does: every node counts one, and a macro over a list (exists, map, …) counts its body LIST times, so that
 *   macros in macros soon go beyond STEPS. CEL has no other loop and no recursion;
 * - what it sees: of each text the first TEXT characters, of each list and each open path the first LIST entries. Texts
 *   only grow by `+` and `join` (whose separator is a literal), so no result is longer than STEPS × TEXT;
 * - what it calls: only functions whose time grows with the length of their text. `matches` is not one of them.
 */
export const BOUNDS = { length: 1000, nodes: 200, depth: 40, steps: 5000, text: 10_000, list: 100 } as const;

/**
 * Compiles a CEL expression.
 *
 * @param text the expression.
 * @param use what it is for: a `when` gives true or false; `eligible` is judged before the lead is looked up, so it
 *   cannot read one; `from` gives what a field can hold.
 * @returns the expression, or what is wrong with it.
 */
export function compile(text: string, use: 'eligible' | 'when' | 'from'): Expression | { problem: string } {
  if (text.length > BOUNDS.length)
    return { problem: `the expression is longer than the ${BOUNDS.length} characters that an expression may have` };
  try {
    const parsed = ENVIRONMENT.parse(text);
    const found = analyse(parsed.ast);
    const [problem] = found.problems;
    if (problem !== undefined) return { problem };
    if (use === 'eligible' && found.leadFields.size > 0)
      return {
        problem:
          'the expression reads the lead, but whether a thread is eligible is judged before its lead is looked up',
      };
    const checked = parsed.check();
    if (!checked.valid) return { problem: saidBy(checked.error) };
    const gives = resultOf(checked.type ?? 'dyn');
    if (gives === undefined) return { problem: `the expression gives a ${checked.type}, which no field can hold` };
    if (use !== 'from' && gives !== 'boolean' && gives !== 'anything')
      return { problem: `the expression must be true or false, and it gives a ${gives}` };
    return {
      text,
      reads: [...found.reads.values()],
      leadFields: [...found.leadFields],
      gives,
      evaluate(view) {
        try {
          return { value: plain(parsed(view.of(found.roots))) };
        } catch (error) {
          const code = error instanceof EvaluationError ? error.code : 'wrong type';
          return { problem: `the expression has no value here (${code.replaceAll('_', ' ')})` };
        }
      },
    };
  } catch (error) {
    return { problem: saidBy(error) };
  }
}

/** The library's sentence, without the picture of the expression below it; of other errors, that they are not foreseen. */
function saidBy(error: unknown): string {
  if (error instanceof ParseError || error instanceof TypeMistake || error instanceof EvaluationError)
    return `the expression is not valid: ${error.summary.replace(/^Exceeded (\w+) \((\d+)\)$/, beyond)}`;
  throw error;
}

function beyond(said: string, limit: string, most: string): string {
  const what = { maxAstNodes: 'parts', maxDepth: 'levels', maxListElements: 'entries in a list' };
  const found = Object.entries(what).find(([name]) => name === limit)?.[1];
  return found === undefined ? said : `it may have at most ${most} ${found}`;
}

const CEL_TYPES = {
  text: 'string',
  time: 'string',
  number: 'int',
  texts: 'list<string>',
  numbers: 'list<int>',
} as const;

type Schema = { [key: string]: string | Schema };

const ENVIRONMENT = ['visitor', 'thread', 'chat', 'form']
  .reduce(
    (environment, root) => environment.registerVariable({ name: root, schema: schemaOf(root) }),
    new Environment({
      homogeneousAggregateLiterals: false,
      limits: {
        maxAstNodes: BOUNDS.nodes,
        maxDepth: BOUNDS.depth,
        maxListElements: BOUNDS.list,
        maxMapEntries: BOUNDS.list,
        maxCallArguments: 8,
      },
    }),
  )
  .registerVariable('lead', 'map<string, dyn>')
  .registerFunction('isEmpty(dyn): bool', isNothing);

/** The types of everything behind a root, as the paths have them. */
function schemaOf(root: string): Schema {
  const schema: Schema = {};
  for (const path of [...PATHS, ...OPEN_PATHS].filter((one) => one.startsWith(`${root}.`))) {
    const keys = path.split('.').slice(1);
    const last = keys.pop() ?? '';
    let place = schema;
    for (const key of keys) {
      const inner = place[key];
      const next: Schema = typeof inner === 'object' ? inner : {};
      place[key] = next;
      place = next;
    }
    const kind = kindOf(path);
    place[last] =
      kind !== undefined
        ? CEL_TYPES[kind]
        : namesBehind(path) === 2
          ? 'map<string, map<string, dyn>>'
          : 'map<string, string>';
  }
  return schema;
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === 'string') return value.trim() === '';
  if (value instanceof Map) return value.size === 0;
  return Array.isArray(value) && value.length === 0;
}

function resultOf(type: string): Expression['gives'] | undefined {
  const base = type.replace(/^dyn<(.*)>$/, '$1');
  const known = RESULTS.get(base);
  return known ?? (/^list\b/.test(base) ? 'list' : undefined);
}

const RESULTS: ReadonlyMap<string, Expression['gives']> = new Map<string, Expression['gives']>([
  ['bool', 'boolean'],
  ['int', 'number'],
  ['uint', 'number'],
  ['double', 'number'],
  ['string', 'text'],
  ['google.protobuf.Timestamp', 'time'],
  ['dyn', 'anything'],
]);

/** @throws TypeError where the result is nothing that a field can hold. */
function plain(result: unknown): Raw {
  if (result === null || result === undefined) return undefined;
  if (Array.isArray(result)) return result.flatMap((one: unknown) => plain(one) ?? []);
  if (result instanceof Date) return result.toISOString();
  if (typeof result === 'bigint') return Number.isSafeInteger(Number(result)) ? Number(result) : String(result);
  if (typeof result === 'string' || typeof result === 'boolean') return result;
  if (typeof result === 'number' && Number.isFinite(result)) return result;
  throw new TypeError('not a value');
}

type Found = {
  problems: string[];
  reads: Map<string, Path>;
  leadFields: Set<string>;
  /** Which of the five variables it names. */
  roots: Set<string>;
};

/** What an expression reads, and what of it goes beyond the bounds. */
function analyse(ast: ASTNode): Found {
  const found: Found = { problems: [], reads: new Map(), leadFields: new Set(), roots: new Set() };
  const steps = walk(ast, new Set(), found);
  if (steps > BOUNDS.steps) {
    found.problems.push(
      `the expression takes up to ${steps} steps, and ${BOUNDS.steps} are allowed: make it simpler, above all within exists, all, map and filter`,
    );
  }
  return found;
}

/** @returns the steps that evaluating takes at most */
function walk(node: ASTNode, local: ReadonlySet<string>, found: Found): number {
  const all = (nodes: readonly ASTNode[], names = local) =>
    nodes.reduce((sum, one) => sum + walk(one, names, found), 1);
  switch (node.op) {
    case 'value':
      return 1;
    case 'id':
    case '.':
    case '[]':
      return readsOf(node, local, found);
    case 'call': {
      const [name, args] = node.args;
      if (!FUNCTIONS.has(name)) found.problems.push(unknownCall(name, FUNCTIONS));
      return all(args);
    }
    case 'rcall': {
      const [name, receiver, args] = node.args;
      const [first, ...body] = args;
      if (MACROS.has(name) && first?.op === 'id') {
        return walk(receiver, local, found) + BOUNDS.list * all(body, new Set([...local, first.args]));
      }
      if (!METHODS.has(name)) found.problems.push(unknownCall(name, [...METHODS, ...MACROS]));
      if (name === 'join' && first && first.op !== 'value')
        found.problems.push('join takes a text as it stands, not one that is made');
      return all([receiver, ...args]);
    }
    case 'list':
      return all(node.args);
    case 'map':
      return all(node.args.flat());
    case '!_':
    case '-_':
      return all([node.args]);
    case '?:':
      return all(node.args);
    case 'in':
      if (isMap(node.args[1]))
        found.problems.push(
          'in looks into lists; of a name, ask whether it is empty: !isEmpty(visitor.variables.plan)',
        );
      return all(node.args);
    case '.?':
    case '[?]':
      found.problems.push(`${node.op} is not needed: nothing is missing here, and what is not known is empty`);
      return 1;
    default:
      return all(node.args);
  }
}

/** Whether a part of an expression is a map. In those of the view no key is missing, so that `in` would hold for each. */
function isMap(node: ASTNode): boolean {
  const { valid, type } = ENVIRONMENT.check(node.input.slice(node.range.start, node.range.end));
  return valid && type?.startsWith('map') === true;
}

/** Follows a chain such as `visitor.variables["plan"]` to the path that it reads. */
function readsOf(node: ASTNode, local: ReadonlySet<string>, found: Found): number {
  const keys: string[] = [];
  let steps = 1;
  let at = node;
  // From the outside in: what was collected before a key that is not a literal lies behind it, and is not known.
  while (at.op === '.' || at.op === '[]') {
    const [inner, key] = at.args;
    if (typeof key === 'string') keys.unshift(key);
    else if (key.op === 'value' && typeof key.args === 'string') keys.unshift(key.args);
    else {
      keys.length = 0;
      steps += walk(key, local, found);
    }
    steps += 1;
    at = inner;
  }
  if (at.op !== 'id') return steps + walk(at, local, found);
  if (local.has(at.args)) return steps;
  if (at.args === 'lead') readsLead(keys, found);
  else readsInput([at.args, ...keys], found);
  return steps;
}

function readsLead([field]: readonly string[], found: Found): void {
  if (field === undefined) found.problems.push('lead must be followed by a field: lead.country');
  else {
    found.leadFields.add(field);
    found.roots.add('lead');
  }
}

function readsInput(keys: readonly string[], found: Found): void {
  const [root = ''] = keys;
  if (!ROOTS.includes(root)) {
    found.problems.push(
      `${root} is not known here${didYouMean(root, [...ROOTS, 'lead'])} (there are ${ROOTS.join(', ')} and lead)`,
    );
    return;
  }
  found.roots.add(root);
  const written = keys.join('.');
  const open = OPEN_PATHS.find((path) => written === path || written.startsWith(`${path}.`));
  if (open !== undefined) {
    // The name itself where it is told, else everything that stands there.
    const depth = open.split('.').length;
    const named =
      keys.length - depth >= (namesBehind(open) ?? 1)
        ? keys.slice(0, depth + (namesBehind(open) ?? 1))
        : open.split('.');
    found.reads.set(JSON.stringify(named), { text: named.join('.'), keys: named });
    return;
  }
  const behind = [...PATHS, ...OPEN_PATHS].filter((path) => path === written || path.startsWith(`${written}.`));
  if (behind.length === 0) {
    const path = readPath(written);
    if ('problem' in path && !PATHS.some((known) => written.startsWith(`${known}.`))) found.problems.push(path.problem);
  }
  for (const text of behind) {
    const branch = text.split('.');
    found.reads.set(JSON.stringify(branch), { text, keys: branch });
  }
}

const ROOTS: readonly string[] = [...new Set(PATHS.map((path) => path.slice(0, path.indexOf('.')))), 'form'];

function unknownCall(name: string, known: Iterable<string>): string {
  const remedy = REMEDIES.get(name) ?? didYouMean(name, known).slice(2);
  return `${name}() cannot be used here${remedy ? `: ${remedy}` : ' (docs/configuration.md lists what can)'}`;
}

const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['has', 'nothing is missing here, and what is not known is empty: write isEmpty(…)'],
  ['matches', 'it can take very long on some texts: use contains, startsWith or endsWith'],
]);

const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

const FUNCTIONS: ReadonlySet<string> = new Set([
  'isEmpty',
  'size',
  'string',
  'int',
  'double',
  'bool',
  'timestamp',
  'duration',
]);

const METHODS: ReadonlySet<string> = new Set([
  'contains',
  'startsWith',
  'endsWith',
  'lowerAscii',
  'upperAscii',
  'trim',
  'size',
  'indexOf',
  'lastIndexOf',
  'substring',
  'join',
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
]);
