import { z } from 'zod';
import { pathProblem } from './paths.ts';

/** When a rule may write: to a new lead only; where the lead's field is empty; whenever the visitor has a value. */
const write = z.enum(['on-create', 'if-empty', 'always'], { error: 'must be on-create, if-empty or always' });

const fieldName = z
  .string({ error: 'must be the REST name of a lead field' })
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the REST name of a lead field');

/** A path into what the rules see: `visitor.location.city`, `form.byId.company`. */
const path = z.string({ error: 'must be a path, such as visitor.firstName' }).superRefine((value, context) => {
  const problem = pathProblem(value);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const constant = z.union([z.string().min(1), z.number(), z.boolean()]);

const exactlyOneSource = (rule: { from?: unknown; value?: unknown }) =>
  (rule.from === undefined) !== (rule.value === undefined);
const SOURCES = 'needs either from (a path) or value (a constant), not both';

const single = z
  .strictObject({ field: fieldName, from: path.optional(), value: constant.optional(), write })
  .refine(exactlyOneSource, SOURCES);

const member = z
  .strictObject({ field: fieldName, from: path.optional(), value: constant.optional() })
  .refine(exactlyOneSource, SOURCES);

const group = z.strictObject({ group: z.string().min(1), write, fields: z.array(member).min(1) });

/** Told apart by `group`, so that a mistake is told for what the rule is meant to be. */
const rule = z.unknown().transform((value, context) => {
  const isGroup = typeof value === 'object' && value !== null && 'group' in value;
  const parsed = isGroup ? group.safeParse(value) : single.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    context.addIssue({ code: 'custom', path: issue.path, message: issue.message });
  return z.NEVER;
});

/** The decision model as it stands in its file. */
export const rulesFile = z
  .strictObject({ version: z.literal(1), fields: z.array(rule).min(1) })
  .superRefine((rules, context) => {
    const seen = new Set<string>();
    rules.fields.forEach((rule, index) => {
      for (const name of 'group' in rule ? rule.fields.map((one) => one.field) : [rule.field]) {
        const problem = seen.has(name) ? 'stands in two rules' : KEYS.get(name);
        if (problem !== undefined)
          context.addIssue({ code: 'custom', path: ['fields', index], message: `${name} ${problem}` });
        seen.add(name);
      }
    });
  });

/** Fields that are never written, whatever the rules say: the two keys by which leads are found. */
const KEYS = new Map([
  ['id', 'is Marketo’s own key and cannot be written'],
  ['email', 'is the key by which leads are found: it is written when a lead is created, and never again'],
]);

export type WriteMode = z.infer<typeof write>;
export type Source = { from?: string | undefined; value?: string | number | boolean | undefined };

/** One unit of decision: a field by itself, or several that are judged as one. */
export type Rule = {
  /** What it is called in explanations: the field's or the group's name. */
  name: string;
  write: WriteMode;
  fields: ({ field: string } & Source)[];
};

export type Rules = { rules: Rule[] /** every lead field that the rules name */; fieldNames: string[] };
