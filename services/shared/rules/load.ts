import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { EXIT, Failure } from '../runtime/failure.ts';
import { compile, type Expression } from './expression.ts';
import { didYouMean } from './nearest.ts';
import { OPEN_PATHS, readPath } from './paths.ts';
import {
  assemble,
  eligibleShape,
  groupShape,
  type Member,
  memberShape,
  OWN_REASONS,
  type Rule,
  type Rules,
  SEPARATOR,
  type Source,
  singleShape,
  versionShape,
} from './schema.ts';
import { readTransform, type Transform } from './transforms.ts';

/** What is wrong with a rules file, and where. */
export type Mistake = { line: number; message: string };

/**
 * Reads the decision model.
 *
 * @param text the file's text, YAML.
 * @param name the file's name, for the reader of an error.
 * @throws Failure (78) with every mistake at once, each with its line.
 */
export function parseRules(text: string, name: string): Rules {
  const read = readRules(text);
  if ('rules' in read) return read.rules;
  const told = read.mistakes.map(({ line, message }) => `line ${line}: ${message}`);
  throw new Failure(EXIT.configuration, `The rules in ${name} do not hold: ${told.join('; ')}.`, {
    code: 'rules-invalid',
  });
}

/**
 * Reads the decision model.
 *
 * @param text the file's text, YAML.
 * @returns the model, or every mistake, in the order of their lines.
 */
export function readRules(text: string): { rules: Rules } | { mistakes: Mistake[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    // What follows a mistake in the syntax is mostly its echo.
    const errors = document.errors.filter(({ code }, index) => index === 0 || code === 'DUPLICATE_KEY');
    return {
      mistakes: errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        message: `${firstLine(error.message)}${error.code === 'DUPLICATE_KEY' ? '' : YAML_HINT}`,
      })),
    };
  }
  const reader = readerOf(document, lines);
  const rules = readModel(reader);
  return reader.mistakes.length === 0 ? { rules } : { mistakes: reader.mistakes.toSorted((a, b) => a.line - b.line) };
}

/** The library's own words are about YAML; what people get wrong is mostly one of these two. */
const YAML_HINT = ' (are the lines of a rule indented alike, and texts with signs such as ! : [ in quotes?)';

type Key = string | number;

/** Where mistakes are gathered while the file is read. */
type Reader = {
  file: unknown;
  mistakes: Mistake[];
  lineOf(path: readonly Key[]): number;
  /** Notes a mistake; `place` says where it is in the file's own words. */
  say(path: readonly Key[], place: string, message: string): void;
};

function readerOf(document: Document.Parsed, lines: LineCounter): Reader {
  const mistakes: Mistake[] = [];
  const lineOf = (path: readonly Key[]) => {
    const start = startOf(document, path);
    return start === undefined ? 1 : lines.linePos(start).line;
  };
  const say: Reader['say'] = (path, place, message) => {
    mistakes.push({ line: lineOf(path), message: place === '' ? message : `${place}${message}` });
  };
  let file: unknown;
  try {
    file = document.toJS();
  } catch {
    // Only what goes beyond its bound on aliases makes it throw.
    mistakes.push({ line: 1, message: 'the aliases (*name) in the file lead to too much: write it out' });
  }
  return { file, mistakes, lineOf, say };
}

/** Where the key stands, or the entry of a list; for what is missing, the nearest thing around it. */
function startOf(document: Document.Parsed, path: readonly Key[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const last = path[length - 1];
    const parent = document.getIn(path.slice(0, length - 1), true);
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === last) : undefined;
    const node = isNode(pair?.key) ? pair.key : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0];
}

const TOP_KEYS = ['version', 'eligible', 'fields'];

function readModel(reader: Reader): Rules {
  const top = record.safeParse(reader.file);
  if (!top.success) {
    if (reader.mistakes.length === 0)
      reader.say([], '', 'the file must have version: 1 and fields: with a list of rules');
    return assemble([], []);
  }
  for (const key of Object.keys(top.data).filter((one) => !TOP_KEYS.includes(one)))
    reader.say(
      [key],
      '',
      `${key} is not a key of this file${didYouMean(key, TOP_KEYS) || `: it has ${TOP_KEYS.join(', ')}`}`,
    );
  const { version, eligible, fields } = top.data;
  checked(reader, versionShape, version, ['version'], 'version ');
  const list = z.array(z.unknown());
  const conditions = list.safeParse(eligible ?? []).data;
  if (!conditions) reader.say(['eligible'], '', 'eligible must be a list of conditions, each with reason and when');
  const rules = list.min(1).safeParse(fields).data;
  if (!rules) reader.say(['fields'], '', 'fields must be a list of rules, and have one at least');
  const read = {
    eligible: (conditions ?? []).flatMap((one, index) => readEligible(reader, one, ['eligible', index]) ?? []),
    rules: (rules ?? []).flatMap((one, index) => readRule(reader, one, ['fields', index]) ?? []),
  };
  refuseDoubles(reader, rules ?? []);
  refuseEqualNames(reader, rules ?? []);
  refuseLoops(reader, read.rules);
  return assemble(read.eligible, read.rules);
}

const record = z.record(z.string(), z.unknown());

function readEligible(reader: Reader, written: unknown, path: Key[]) {
  const place = `eligible ${Number(path[1]) + 1}, `;
  const shape = checked(reader, eligibleShape, written, path, place);
  if (shape && OWN_REASONS.some((own) => own === shape.reason))
    reader.say(
      [...path, 'reason'],
      place,
      `reason ${shape.reason} is one that the sync itself gives to threads: choose another, such as rule-${shape.reason}`,
    );
  const when = shape && readExpression(reader, shape.when, 'eligible', [...path, 'when'], `${place}when: `);
  return shape && when && { reason: shape.reason, when };
}

function readRule(reader: Reader, written: unknown, path: Key[]): Rule | undefined {
  const keys = record.safeParse(written).data;
  if (!keys) {
    reader.say(path, `rule ${Number(path[1]) + 1} `, 'must have a field or a group, and write');
    return undefined;
  }
  const name = [keys['group'], keys['field']].find((one) => typeof one === 'string');
  const place = name === undefined ? `rule ${Number(path[1]) + 1}` : `rule "${name}"`;
  return 'group' in keys || 'fields' in keys
    ? readGroup(reader, keys, path, place)
    : readSingle(reader, keys, path, place);
}

function readGroup(reader: Reader, written: unknown, path: Key[], place: string): Rule | undefined {
  const shape = checked(reader, groupShape, written, path, `${place}, `);
  if (!shape) return undefined;
  const when =
    shape.when === undefined
      ? undefined
      : readExpression(reader, shape.when, 'when', [...path, 'when'], `${place}, when: `);
  const fields = shape.fields.flatMap(
    (member, index) => readMember(reader, member, [...path, 'fields', index], `${place}, ${member.field}, `) ?? [],
  );
  return { name: shape.group, isGroup: true, write: shape.write, when, separator: SEPARATOR, fields };
}

function readSingle(reader: Reader, written: unknown, path: Key[], place: string): Rule | undefined {
  const shape = checked(reader, singleShape, written, path, `${place}, `);
  if (!shape) return undefined;
  const { field, write, separator } = shape;
  if (separator !== undefined && write !== 'append')
    reader.say([...path, 'separator'], `${place}, `, 'separator belongs to write: append');
  const when =
    shape.when === undefined
      ? undefined
      : readExpression(reader, shape.when, 'when', [...path, 'when'], `${place}, when: `);
  const member = readMember(reader, shape, path, `${place}, `);
  return member && { name: field, isGroup: false, write, when, separator: separator ?? SEPARATOR, fields: [member] };
}

function readMember(
  reader: Reader,
  shape: z.infer<typeof memberShape>,
  path: Key[],
  place: string,
): Member | undefined {
  const { field, from, value, transform = [] } = shape;
  if (KEYS.has(field)) reader.say([...path, 'field'], '', `${field} ${KEYS.get(field)}`);
  if ((from === undefined) === (value === undefined))
    reader.say(path, place, 'needs either from (a path or an expression) or value (a constant), not both');
  if (value !== undefined && transform.length > 0)
    reader.say([...path, 'transform'], place, 'transform belongs to from: write the constant as it shall be');
  if (typeof value === 'string' && value.trim() === '')
    reader.say([...path, 'value'], place, 'value must not be blank');
  const written = Array.isArray(from) ? from : from === undefined ? [] : [from];
  const sources = written.flatMap((one, index): Source[] => {
    const at = [...path, 'from', ...(Array.isArray(from) ? [index] : [])];
    const source = readSource(one);
    if (!('problem' in source)) return [source];
    reader.say(at, place, `from: ${source.problem}`);
    return [];
  });
  const transforms = transform.flatMap((one, index): Transform[] => {
    const step = readTransform(one);
    if (!('problem' in step)) return [step];
    reader.say([...path, 'transform', index], place, `transform: ${step.problem}`);
    return [];
  });
  if (value !== undefined) sources.push({ kind: 'constant', value });
  return { field, sources, transforms, line: reader.lineOf([...path, 'field']) };
}

/**
 * A path or an expression. Names behind an open path may have blanks and most signs in them; with one of those that
 * expressions are made of, it is an expression.
 */
function readSource(text: string): Source | { problem: string } {
  const isExpression = /[()[\]{}"'<>=!&|?+*/%,]| - | in |^lead\./.test(text);
  const path = readPath(text);
  if (!isExpression && !('problem' in path)) return { kind: 'path', path };
  if (!isExpression && 'problem' in path) {
    const constant = text.includes('.') ? '' : `; a constant is written value: ${text}`;
    return { problem: `${path.problem}${constant}` };
  }
  const expression = compile(text, 'from');
  if (!('problem' in expression)) return { kind: 'expression', expression };
  // Such a name may have been meant for one, and there is a way to write it.
  const open = OPEN_PATHS.find((start) => !('problem' in path) && text.startsWith(`${start}.`));
  const way = open === undefined ? '' : `; if this is one name, write ${open}["…"]`;
  return { problem: `${expression.problem}${way}` };
}

function readExpression(
  reader: Reader,
  text: string,
  use: 'eligible' | 'when',
  path: Key[],
  place: string,
): Expression | undefined {
  const expression = compile(text, use);
  if (!('problem' in expression)) return expression;
  reader.say(path, place, expression.problem);
  return undefined;
}

function refuseDoubles(reader: Reader, rules: readonly unknown[]): void {
  const seen = new Set<string>();
  rules.forEach((rule, index) => {
    const fields = named.safeParse(rule).data;
    const here = [fields?.field, ...(fields?.fields ?? []).map((member) => member.field)];
    here.forEach((field, member) => {
      if (field !== undefined && seen.has(field))
        reader.say(
          member === 0 ? ['fields', index] : ['fields', index, 'fields', member - 1],
          '',
          `${field} stands in two rules: write it once`,
        );
      if (field !== undefined) seen.add(field);
    });
  });
}

/**
 * A rule is told by its name, in explanations, in the audit trail, and where Marketo refuses a value and its group goes
 * with it. Two fields of one name are told as such.
 */
function refuseEqualNames(reader: Reader, rules: readonly unknown[]): void {
  const seen = new Map<string, 'field' | 'group'>();
  rules.forEach((rule, index) => {
    const { group, field } = named.safeParse(rule).data ?? {};
    const name = group ?? field;
    if (name === undefined) return;
    const kind = group === undefined ? 'field' : 'group';
    const before = seen.get(name);
    if (before !== undefined && !(before === 'field' && kind === 'field'))
      reader.say(
        ['fields', index, kind],
        '',
        before === kind
          ? `two groups are called "${name}": give each a name of its own`
          : `"${name}" is the name of a group and of a field with a rule of its own: give the group another name`,
      );
    seen.set(name, before ?? kind);
  });
}

/**
 * What expressions read of the lead does not change by writing: else one delivery would change what the next one decides,
 * and a thread that is delivered twice (which may happen) would count twice.
 */
function refuseLoops(reader: Reader, rules: readonly Rule[]): void {
  const written = new Set(rules.flatMap((rule) => rule.fields.map((member) => member.field)));
  for (const rule of rules) {
    const inSources = rule.fields.flatMap((member) =>
      member.sources.flatMap((one) => (one.kind === 'expression' ? one.expression.leadFields : [])),
    );
    for (const name of new Set([...inSources, ...(rule.when?.leadFields ?? [])])) {
      const why = written.has(name)
        ? 'which a rule writes'
        : OF_ITSELF.has(name)
          ? 'which every write changes'
          : undefined;
      if (why === undefined) continue;
      const message = `reads lead.${name}, ${why}: deciding twice would give two results; let write say when it may be written`;
      reader.mistakes.push({ line: rule.fields[0]?.line ?? 1, message: `rule "${rule.name}" ${message}` });
    }
  }
}

/** Fields that a lead gets when it is created, or that say when it was changed. */
const OF_ITSELF = new Set(['id', 'email', 'createdAt', 'updatedAt']);

const field = z.string().optional().catch(undefined);
const named = z.object({
  group: field,
  field,
  fields: z.array(z.object({ field }).catch({ field: undefined })).catch([]),
});

/** Fields that are never written, whatever the rules say: the two keys by which leads are found. */
const KEYS = new Map([
  ['id', 'is Marketo’s own key and cannot be written'],
  ['email', 'is the key by which leads are found: it is written when a lead is created, and never again'],
]);

/** Holds a part of the file against its shape, and notes every mistake in it. */
function checked<T>(
  reader: Reader,
  shape: z.ZodType<T>,
  value: unknown,
  path: readonly Key[],
  place: string,
): T | undefined {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const inner = issue.path.flatMap((key) => (typeof key === 'symbol' ? [] : [key]));
    if (issue.code === 'unrecognized_keys') {
      // Only the fields of a group lie deeper than what is checked.
      const known = Object.keys((inner.length === 0 && shape instanceof z.ZodObject ? shape : memberShape).shape);
      for (const key of issue.keys)
        reader.say(
          [...path, ...inner, key],
          place,
          `${key} is not a key here${didYouMean(key, known) || `: there are ${known.join(', ')}`}`,
        );
    } else {
      const meant =
        issue.code === 'invalid_value' && issue.values.length > 1
          ? didYouMean(String(at(value, inner)), issue.values.map(String))
          : '';
      reader.say([...path, ...inner], place, [inner.join('.'), `${issue.message}${meant}`].filter(Boolean).join(' '));
    }
  }
  return undefined;
}

function at(value: unknown, path: readonly Key[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)];
    return record.safeParse(inner).data?.[key];
  }, value);
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}
