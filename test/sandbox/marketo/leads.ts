import type { Clock } from '../clock.ts';
import { type Field, isSearchable } from './fields.ts';
import { convert, emptyValue, formatInstant, type Value } from './values.ts';

/** A lead as the instance keeps it; times are epoch milliseconds on the sandbox clock. */
export type Lead = { readonly id: number; readonly values: Map<string, Value>; createdAt: number; updatedAt: number };

export type LeadStore = {
  create(values: ReadonlyMap<string, Value>): Lead;
  /** Writes fields; updatedAt moves only if one of them really changed. */
  update(lead: Lead, values: ReadonlyMap<string, Value>): void;
  get(id: number): Lead | undefined;
  remove(id: number): boolean;
  /** Every lead that has this value in this searchable field. */
  find(field: Field, value: string): Lead[];
  /** Whether values not stored yet would be found by it. */
  matches(values: ReadonlyMap<string, Value>, field: Field, value: string): boolean;
  all(): Lead[];
  clear(): void;
};

export type MatchingOptions = {
  /** Whether addresses match without case. Believed so by every integration looked at; no page of Adobe's says it. */
  emailMatching: 'caseInsensitive' | 'caseSensitive';
};

/**
 * The leads of the instance. E-mail is not a unique key: several leads may share an address, and all of them are found.
 * An address keeps the case it was stored in.
 *
 * @param clock stamps createdAt and updatedAt
 * @param options how addresses match
 */
export function createLeadStore(clock: Clock, options: MatchingOptions): LeadStore {
  const leads = new Map<number, Lead>();
  const byEmail = new Map<string, Set<Lead>>();
  let lastId = FIRST_ID;

  const key = (email: string) => (options.emailMatching === 'caseInsensitive' ? email.toLowerCase() : email);

  function index(lead: Lead, present: boolean): void {
    const email = lead.values.get('email');
    if (typeof email !== 'string') return;
    const sharing = byEmail.get(key(email)) ?? new Set();
    if (present) sharing.add(lead);
    else sharing.delete(lead);
    byEmail.set(key(email), sharing);
  }

  function matches(values: ReadonlyMap<string, Value>, field: Field, value: string): boolean {
    const stored = values.get(field.name);
    if (stored === undefined || stored === null || value === '') return false;
    return field.name === 'email' ? key(String(stored)) === key(value) : String(stored) === value;
  }

  return {
    create(values) {
      lastId += 1;
      const now = clock.now();
      const lead: Lead = { id: lastId, values: new Map(values), createdAt: now, updatedAt: now };
      leads.set(lead.id, lead);
      index(lead, true);
      return lead;
    },
    update(lead, values) {
      const changes = [...values].filter(([name, value]) => (lead.values.get(name) ?? empty(value)) !== value);
      if (changes.length === 0) return;
      index(lead, false);
      for (const [name, value] of changes) lead.values.set(name, value);
      index(lead, true);
      lead.updatedAt = clock.now();
    },
    get: (id) => leads.get(id),
    remove(id) {
      const lead = leads.get(id);
      if (lead === undefined) return false;
      index(lead, false);
      return leads.delete(id);
    },
    find(field, value) {
      if (field.name === 'email') return [...(byEmail.get(key(value)) ?? [])];
      if (field.name === 'id') {
        const lead = leads.get(Number(value));
        return lead === undefined || value.trim() === '' ? [] : [lead];
      }
      return isSearchable(field) ? [...leads.values()].filter((lead) => matches(lead.values, field, value)) : [];
    },
    matches,
    all: () => [...leads.values()],
    clear() {
      leads.clear();
      byEmail.clear();
      lastId = FIRST_ID;
    },
  };
}

/**
 * A lead as responses show it: `id` always, then each field asked for, with an explicit null for an empty one and false for
 * a boolean that was never set (observed in recorded responses; the documentation would allow leaving them out).
 */
export function presentLead(lead: Lead, fields: readonly Field[]): Record<string, Value> {
  const shown: Record<string, Value> = { id: lead.id };
  for (const field of fields) {
    if (field.name === 'id') continue;
    if (field.name === 'createdAt') shown['createdAt'] = formatInstant(lead.createdAt);
    else if (field.name === 'updatedAt') shown['updatedAt'] = formatInstant(lead.updatedAt);
    else shown[field.name] = lead.values.get(field.name) ?? emptyValue(field);
  }
  return shown;
}

/**
 * Adds leads behind the API's back, as a form, a CRM or a person would: read-only fields, createdAt and updatedAt may be
 * given, and an address may be there already.
 *
 * @param store where they go
 * @param fields the instance's fields
 * @param records REST names and values
 * @returns their ids, in order
 * @throws Error naming the field that does not exist or whose value does not fit; nothing is added then
 */
export function addLeads(
  store: LeadStore,
  fields: ReadonlyMap<string, Field>,
  records: readonly Record<string, unknown>[],
): number[] {
  const prepared = records.map((record) => {
    const values = new Map<string, Value>();
    for (const [name, input] of Object.entries(record)) {
      const field = fields.get(name);
      if (field === undefined || name === 'id') throw new Error(`A lead cannot be given the field '${name}'.`);
      const conversion = convert(field, input, 'refuse');
      if ('refused' in conversion) throw new Error(`${conversion.refused.message}.`);
      values.set(name, conversion.value);
    }
    return values;
  });
  return prepared.map((values) => {
    const createdAt = values.get('createdAt');
    const updatedAt = values.get('updatedAt') ?? createdAt;
    values.delete('createdAt');
    values.delete('updatedAt');
    const lead = store.create(values);
    if (typeof createdAt === 'string') lead.createdAt = Date.parse(createdAt);
    if (typeof updatedAt === 'string') lead.updatedAt = Date.parse(updatedAt);
    return lead.id;
  });
}

/** Ids of a real instance do not begin at 1 either: a client that mixes up ids and indices finds out. */
const FIRST_ID = 7_000;

function empty(value: Value): Value {
  return typeof value === 'boolean' ? false : null;
}
