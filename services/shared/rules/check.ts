import { EXIT, Failure } from '../runtime/failure.ts';
import type { Rules } from './schema.ts';

/** What the rules need to know of a lead field; Marketo's own description of it. */
export type FieldFacts = { name: string; type: string; length: number | undefined; readOnly: boolean };

/**
 * Holds the rules against Marketo's description of its fields, before anything is written.
 *
 * @throws Failure (78) with every field that does not exist, is read-only, or belongs to the company.
 */
export function checkAgainstMarketo(rules: Rules, fields: ReadonlyMap<string, FieldFacts>): void {
  const problems = rules.fieldNames.flatMap((name) => problemOf(name, fields) ?? []);
  if (problems.length === 0) return;
  throw new Failure(EXIT.configuration, `The rules name lead fields that cannot be written: ${problems.join('; ')}.`, {
    code: 'marketo-configuration',
  });
}

function problemOf(name: string, fields: ReadonlyMap<string, FieldFacts>): string | undefined {
  const field = fields.get(name);
  if (!field) {
    const alike = [...fields.keys()].find((known) => known.toLowerCase() === name.toLowerCase());
    return `${name} does not exist in this Marketo${alike ? ` (did you mean ${alike}? names are case-sensitive)` : ''}`;
  }
  if (field.readOnly || field.type === 'reference') return `${name} is read-only in Marketo`;
  if (COMPANY_FIELDS.has(name))
    return `${name} belongs to the company, which Marketo does not let be written through leads`;
  return undefined;
}

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
