import { z } from 'zod';
import type { Expression } from './expression.ts';
import { OPEN_PATHS, PATHS, type Path } from './paths.ts';
import { type Transform, transformShape } from './transforms.ts';
import type { Value } from './value.ts';

/** When a rule may write. */
export const WRITE_MODES = ['on-create', 'if-empty', 'if-newer', 'if-greater', 'append', 'always'] as const;
export type WriteMode = (typeof WRITE_MODES)[number];

/** What a group may be written by: modes that compare values compare one field, and a group is judged as one. */
export const GROUP_MODES = ['on-create', 'if-empty', 'always'] as const;

/** What stands between the entries of a field that is written by `append`. */
export const SEPARATOR = '; ';

const write = z
  .enum(WRITE_MODES, { error: `must be ${oneOf(WRITE_MODES)}` })
  .describe(
    'on-create: to a new lead only. if-empty: where the lead has nothing. if-newer: a later date or time. if-greater: a greater number. append: adds to the entries of a text. always: whenever the visitor has a value.',
  );

const fieldName = z
  .string({ error: 'must be the REST name of a lead field, such as firstName' })
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the REST name of a lead field, such as firstName')
  .describe('The REST name of a lead field (Marketo: Admin, Field Management, Export Field Names).');

const source = z
  .string({ error: 'must be a path, such as visitor.firstName, or an expression' })
  .min(1, 'must be a path, such as visitor.firstName, or an expression')
  .meta({ id: 'source' });
const from = z
  .union([source, z.array(source).min(1)], {
    error: 'must be a path, such as visitor.firstName, an expression, or a list of them',
  })
  .meta({
    id: 'from',
    description: 'A path or a CEL expression; or a list of them, of which the first that gives something is taken.',
  });
const constant = z
  .union([z.string().min(1, 'must not be empty'), z.number(), z.boolean()], {
    error: 'must be a text, a number, true or false, and not empty',
  })
  .describe('A constant.');
const when = z
  .string({ error: 'must be an expression that is true or false, such as visitor.phone != ""' })
  .min(1, 'must be an expression that is true or false, such as visitor.phone != ""')
  .describe('A CEL expression; nothing is written where it is not true.');
/** Left open here, because a mistake in it is told better by who reads it; the published schema has its shape. */
const transformEntry = z.unknown().meta({ id: 'transform' });
const transform = z
  .array(transformEntry, { error: 'must be a list, such as [trim, lower]' })
  .min(1, 'must have an entry at least')
  .meta({ id: 'transforms', description: 'What is done with the value, one after the other.' });

const sources = { from: from.optional(), value: constant.optional(), transform: transform.optional() };

export const memberShape = z.strictObject({ field: fieldName, ...sources });
export const singleShape = z.strictObject({
  field: fieldName,
  ...sources,
  write,
  when: when.optional(),
  separator: z
    .string({ error: 'must be a text' })
    .min(1, 'must not be empty')
    .max(10, 'must not be longer than 10 characters')
    .optional()
    .describe(`With append: what stands between the entries, "${SEPARATOR}" if nothing is said.`),
});
export const groupShape = z.strictObject({
  group: z
    .string({ error: 'must be a name' })
    .min(1, 'must be a name')
    .describe('What the group is called in explanations.'),
  write: z
    .enum(GROUP_MODES, { error: `must be ${oneOf(GROUP_MODES)} in a group, which is judged as one` })
    .describe(
      'on-create, if-empty (where the lead has none of the fields) or always (where every value of the lead is replaced).',
    ),
  when: when.optional(),
  fields: z.array(memberShape, { error: 'must be a list of fields' }).min(1, 'must have a field at least'),
});
/** What the system itself says of a thread: a reason of the rules that is the same would tell two stories in one word. */
export const OWN_REASONS = [
  'no-address',
  'address-not-ascii',
  'address-with-comma',
  'address-malformed',
  'address-excluded',
  'gone',
  'hidden',
  'forgotten',
  'dismissed',
  'run-failed',
] as const;

export const eligibleShape = z.strictObject({
  reason: z
    .string({ error: 'must be a short reason, such as spam' })
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a short reason in small letters, digits and hyphens, such as spam')
    .describe('Why a thread is ignored for which this does not hold.'),
  when: when.describe('A CEL expression; a thread for which it is not true is ignored.'),
});
export const versionShape = z.literal(1, { error: 'must be 1' }).describe('The version of this format.');

/** The whole file, for the published schema. (The loader takes its parts one by one, so that each mistake is told for what is meant.) */
export const fileShape = z.strictObject({
  version: versionShape,
  eligible: z
    .array(eligibleShape)
    .optional()
    .describe('All of these must hold, or the thread is ignored, with the reason.'),
  fields: z
    .array(z.union([groupShape, singleShape]))
    .min(1)
    .describe('The rules.'),
});

/** The JSON Schema of a rules file, for editors: it knows the keys and the modes, and offers the paths. */
export function jsonSchema(): Record<string, unknown> {
  return {
    title: 'Rules of livechat-marketo-sync',
    ...z.toJSONSchema(fileShape, {
      io: 'input',
      override({ zodSchema, jsonSchema: made }) {
        if (zodSchema === transformEntry) Object.assign(made, z.toJSONSchema(transformShape), { $schema: undefined });
        if (zodSchema === memberShape || zodSchema === singleShape)
          made.oneOf = [{ required: ['from'] }, { required: ['value'], not: { required: ['transform'] } }];
        if (zodSchema === source) made.examples = [...PATHS, ...OPEN_PATHS.map((path) => `${path}.…`)];
      },
    }),
  };
}

function oneOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** Where a value comes from. */
export type Source =
  | { kind: 'constant'; value: Value }
  | { kind: 'path'; path: Path }
  | { kind: 'expression'; expression: Expression };

/** One field of a rule. */
export type Member = {
  field: string;
  /** The first that gives something is taken. */
  sources: readonly Source[];
  transforms: readonly Transform[];
  /** Where it stands in its file. */
  line: number;
};

/** One unit of decision: a field by itself, or several that are judged as one. */
export type Rule = {
  /** What it is called in explanations: the field's or the group's name. */
  name: string;
  isGroup: boolean;
  write: WriteMode;
  when: Expression | undefined;
  /** Of `append`. */
  separator: string;
  fields: readonly Member[];
};

/** What a thread must be, or it is ignored for this reason. */
export type Eligibility = { reason: string; when: Expression };

/** The decision model. */
export type Rules = {
  eligible: readonly Eligibility[];
  rules: readonly Rule[];
  /** Every lead field that the rules may write. */
  fieldNames: readonly string[];
  /** Every lead field that deciding needs: those that are written, and those that expressions read. */
  leadFields: readonly string[];
  /** Every path of the input that any rule reads, sorted, each once. */
  reads: readonly Path[];
  /** Of these, what expressions read. */
  expressionReads: readonly Path[];
};

/** The model of these rules, with what they read and write all together. */
export function assemble(eligible: readonly Eligibility[], rules: readonly Rule[]): Rules {
  const members = rules.flatMap((rule) => rule.fields);
  const sourcesOfAll = members.flatMap((member) => member.sources);
  const expressions = [
    ...eligible.map((one) => one.when),
    ...rules.flatMap((rule) => rule.when ?? []),
    ...sourcesOfAll.flatMap((one) => (one.kind === 'expression' ? one.expression : [])),
  ];
  const expressionReads = unique(expressions.flatMap((expression) => expression.reads));
  const paths = [
    ...sourcesOfAll.flatMap((one) => (one.kind === 'path' ? one.path : [])),
    ...members.flatMap((member) => member.transforms.flatMap((step) => step.reads)),
  ];
  const fieldNames = members.map((member) => member.field);
  return {
    eligible,
    rules,
    fieldNames,
    leadFields: [...new Set([...fieldNames, ...expressions.flatMap((expression) => expression.leadFields)])],
    reads: unique([...paths, ...expressionReads]),
    expressionReads,
  };
}

/** Sorted, so that whatever is made of them is the same every time. */
function unique(paths: readonly Path[]): Path[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path.keys), path])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, path]) => path);
}

/** The same rules, but that what a lead has is not overwritten: `always` counts as `if-empty`. */
export function neverOverwriting(rules: Rules): Rules {
  const gentle = rules.rules.map((rule) => (rule.write === 'always' ? { ...rule, write: 'if-empty' as const } : rule));
  return { ...rules, rules: gentle };
}
