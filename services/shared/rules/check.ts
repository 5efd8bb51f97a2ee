import { EXIT, Failure } from '../runtime/failure.ts';
import { didYouMean } from './nearest.ts';
import { kindOf } from './paths.ts';
import { assemble, type Member, type Rule, type Rules, type Source } from './schema.ts';
import { convert, fits, isTextLike, type Raw } from './value.ts';

/** What the rules need to know of a lead field; Marketo's own description of it. */
export type FieldFacts = { name: string; type: string; length: number | undefined; readOnly: boolean };

/** What of the rules does not fit Marketo, and where it stands in their file. */
export type Misfit = { line: number; field: string; message: string };

/**
 * Holds the rules against Marketo's description of its fields, before anything is written.
 *
 * @throws Failure (78) with every field that does not exist, cannot be written, or takes no such value.
 */
export function checkAgainstMarketo(rules: Rules, fields: ReadonlyMap<string, FieldFacts>): void {
  const misfits = misfitsOf(rules, fields);
  if (misfits.length === 0) return;
  const told = misfits.map(({ line, message }) => `line ${line}: ${message}`);
  throw new Failure(EXIT.configuration, `The rules do not fit this Marketo: ${told.join('; ')}.`, {
    code: 'marketo-configuration',
  });
}

/** Every way in which the rules do not fit Marketo's description of its fields. */
export function misfitsOf(rules: Rules, fields: ReadonlyMap<string, FieldFacts>): Misfit[] {
  const written = rules.rules.flatMap((rule) =>
    rule.fields.flatMap((member) => {
      const facts = fields.get(member.field);
      const problems = facts ? problemsOf(rule, member, facts) : [absent(member.field, fields)];
      return problems.map((message) => ({ line: member.line, field: member.field, message }));
    }),
  );
  const read = rules.rules.flatMap((rule) =>
    readsOf(rule)
      .filter((name) => !fields.has(name))
      .map((name) => ({
        line: rule.fields[0]?.line ?? 1,
        field: name,
        message: `rule "${rule.name}" reads lead.${name}: ${absent(name, fields)}`,
      })),
  );
  return [...written, ...read].sort((a, b) => a.line - b.line);
}

/** Fields that the rules write or read and that Marketo does not have. */
export function missingFields(rules: Rules, fields: ReadonlyMap<string, FieldFacts>): string[] {
  return rules.leadFields.filter((name) => !fields.has(name));
}

/**
 * The rules without these fields, so that a run can go on with the others: a rule that writes or reads one of them is
 * gone, and a group with one of its fields, because it is judged as one.
 *
 * @param gone names of lead fields.
 * @returns the other rules, and by name the ones that are gone.
 */
export function withoutFields(
  rules: Rules,
  gone: ReadonlySet<string>,
): { rules: Rules; lost: { rule: string; fields: string[] }[] } {
  const fieldsOf = (rule: Rule) => [...rule.fields.map((member) => member.field), ...readsOf(rule)];
  const isLost = (rule: Rule) => fieldsOf(rule).some((name) => gone.has(name));
  return {
    rules: assemble(
      rules.eligible,
      rules.rules.filter((rule) => !isLost(rule)),
    ),
    lost: rules.rules
      .filter(isLost)
      .map((rule) => ({ rule: rule.name, fields: fieldsOf(rule).filter((name) => gone.has(name)) })),
  };
}

function readsOf(rule: Rule): string[] {
  const expressions = rule.fields.flatMap((member) =>
    member.sources.flatMap((source) => (source.kind === 'expression' ? [source.expression] : [])),
  );
  return [...new Set([...expressions, ...(rule.when ? [rule.when] : [])].flatMap((one) => one.leadFields))];
}

function absent(name: string, fields: ReadonlyMap<string, FieldFacts>): string {
  const isCase = !fields.has(name) && [...fields.keys()].some((known) => known.toLowerCase() === name.toLowerCase());
  return `${name} does not exist in this Marketo${didYouMean(name, fields.keys())}${isCase ? ' (names are case-sensitive)' : ''}`;
}

function problemsOf(rule: Rule, member: Member, facts: FieldFacts): string[] {
  const { name, type } = facts;
  if (facts.readOnly || type === 'reference') return [`${name} is read-only in Marketo: take it out`];
  if (COMPANY_FIELDS.has(name))
    return [`${name} belongs to the company, which Marketo does not let be written through leads: take it out`];
  const mode = MODE_NEEDS.get(rule.write);
  if (mode && !mode.takes(facts)) return [`${name} is of type ${type}, and write: ${rule.write} is for ${mode.what}`];
  return member.sources.flatMap((source) => sourceProblem(source, member, facts) ?? []);
}

const NUMBERS = ['integer', 'score', 'percent', 'float', 'currency'];

const MODE_NEEDS = new Map<Rule['write'], { what: string; takes(facts: FieldFacts): boolean }>([
  [
    'if-newer',
    { what: 'dates and times (date, datetime)', takes: ({ type }) => type === 'date' || type === 'datetime' },
  ],
  ['if-greater', { what: `numbers (${NUMBERS.join(', ')})`, takes: ({ type }) => NUMBERS.includes(type) }],
  ['append', { what: 'text (string, text, phone, email)', takes: isTextLike }],
]);

/** Why a source can never give what the field takes, as far as that is known before there is a visitor. */
function sourceProblem(source: Source, member: Member, facts: FieldFacts): string | undefined {
  const takes = `${facts.name} is of type ${facts.type}`;
  if (source.kind === 'constant') {
    const converted = convert(source.value, facts);
    if ('problem' in converted)
      return `${takes}, and the constant ${JSON.stringify(source.value)} is none: ${converted.problem}`;
    const isWhole = typeof source.value !== 'string' || !isTextLike(facts) || fits(source.value.trim(), facts);
    return isWhole
      ? undefined
      : `${facts.name} has no room for the whole constant: it takes ${facts.length ?? 255} characters`;
  }
  if (member.transforms.length > 0) return undefined;
  const gives = source.kind === 'path' ? kindOf(source.path.text) : source.expression.gives;
  const sample = gives === undefined ? undefined : SAMPLES.get(gives);
  if (sample === undefined) return undefined;
  const converted = convert(sample.value, facts);
  if (!('problem' in converted)) return undefined;
  return `${takes}, and ${source.kind === 'path' ? source.path.text : 'the expression'} gives ${sample.what}: ${converted.problem}`;
}

/** One value of each kind of which it is known what it looks like. */
const SAMPLES: ReadonlyMap<string, { value: Raw; what: string }> = new Map([
  ['time', { value: '2026-01-01T00:00:00Z', what: 'a time' }],
  ['number', { value: 1, what: 'a number' }],
  ['numbers', { value: [1], what: 'numbers' }],
  ['texts', { value: ['a'], what: 'a list of texts' }],
  ['list', { value: ['a'], what: 'a list' }],
  ['boolean', { value: true, what: 'true or false' }],
]);

/**
 * "Company fields via Sync Leads: not supported. Use Sync Companies" (developer docs, "Leads"), although Describe calls
 * them writable.
 */
const COMPANY_FIELDS = new Set([
  'company',
  'site',
  'website',
  'mainPhone',
  'annualRevenue',
  'numberOfEmployees',
  'industry',
  'sicCode',
  'billingStreet',
  'billingCity',
  'billingState',
  'billingCountry',
  'billingPostalCode',
  'externalCompanyId',
]);
