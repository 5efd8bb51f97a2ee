import { ApiError } from './envelope.ts';
import { DEFAULT_FIELDS, type Field, isSearchable } from './fields.ts';
import { type Lead, type LeadStore, presentLead } from './leads.ts';
import { refuseTooMany } from './sync.ts';
import type { Value } from './values.ts';

export type Page = { records: number; result: Record<string, Value>[]; nextPageToken?: string };

export type Lookup = {
  /** Answers one page of Get Leads by Filter. Throws ApiError. */
  page(params: URLSearchParams): Page;
  /** Answers Get Lead by Id. Throws ApiError. */
  one(id: string, params: URLSearchParams): Page;
  clear(): void;
};

/**
 * Get Leads by Filter (Marketo developer docs, "Leads"). A lead that does not exist is absent from the result, the order is
 * not that of the filter, and more leads than values can come back where several share an address: the 301st is on page 2,
 * which is announced by nextPageToken alone.
 *
 * @param tooManyRecordsCode the code for more than 300 filter values, which is not recorded anywhere
 */
export function createLookup(store: LeadStore, fields: ReadonlyMap<string, Field>, tooManyRecordsCode: string): Lookup {
  const tokens = new Map<string, number[]>();

  function requested(params: URLSearchParams): Field[] {
    const names = params.get('fields');
    const wanted = names === null || names === '' ? DEFAULT_FIELDS : names.split(',');
    return wanted.map((name) => {
      const field = fields.get(name);
      if (field === undefined) throw new ApiError('1006', `Field '${name}' not found`);
      return field;
    });
  }

  return {
    page(params) {
      const filter = fields.get(required(params, 'filterType'));
      if (filter === undefined) throw new ApiError('1006', `Lookup field '${params.get('filterType')}' not found`);
      if (!isSearchable(filter)) throw new ApiError('1011', `Field '${filter.name}' not supported`);
      // A comma always separates: no way to escape one is documented. Blanks around a value are part of it.
      const values = required(params, 'filterValues').split(',');
      refuseTooMany(values.length, tooManyRecordsCode);
      const shown = requested(params);
      const size = batchSize(params);

      const ids = rest(params.get('nextPageToken')) ?? matching(filter, values);
      const result = ids
        .slice(0, size)
        .flatMap((id) => store.get(id) ?? [])
        .map((lead) => presentLead(lead, shown));
      const page: Page = { records: values.length, result };
      if (ids.length > size) {
        page.nextPageToken = token(ids, tokens.size);
        tokens.set(page.nextPageToken, ids.slice(size));
      }
      return page;
    },
    one(id, params) {
      const lead = store.get(Number(id));
      const shown = requested(params);
      if (lead === undefined) throw new ApiError('1004', `Lead [${id}] not found`);
      return { records: 1, result: [presentLead(lead, shown)] };
    },
    clear: () => tokens.clear(),
  };

  function rest(pageToken: string | null): number[] | undefined {
    if (pageToken === null || pageToken === '') return undefined;
    const ids = tokens.get(pageToken);
    // The code for a made-up token is not recorded.
    if (ids === undefined) throw new ApiError('1003', 'Invalid nextPageToken');
    return ids;
  }

  function matching(filter: Field, values: readonly string[]): number[] {
    const found = new Set<Lead>(values.flatMap((value) => store.find(filter, value)));
    if (found.size > MAX_MATCHES) throw new ApiError('1003', 'Too many results match the filter');
    return shuffled([...found].map((lead) => lead.id));
  }
}

const MAX_MATCHES = 1_000;
const MAX_PAGE = 300;

function required(params: URLSearchParams, name: string): string {
  const value = params.get(name);
  if (value === null || value === '') throw new ApiError('1002', `Missing value for the required parameter '${name}'`);
  return value;
}

/** 300 is the default and the maximum; that more is cut to it, rather than refused, is a guess. */
function batchSize(params: URLSearchParams): number {
  const text = params.get('batchSize');
  if (text === null || text === '') return MAX_PAGE;
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1) {
    throw new ApiError('1001', `Invalid value '${text}'. Required of type 'Integer'`);
  }
  return Math.min(size, MAX_PAGE);
}

/** Always the same order for the same leads, and neither that of the filter nor that of the ids. */
function shuffled(ids: number[]): number[] {
  const rank = (id: number) => Math.imul(id, 0x9e3779b1) >>> 0;
  return ids.sort((a, b) => rank(a) - rank(b));
}

/** Opaque, upper case with padding signs, as real tokens are: it has to be encoded to survive a form. */
function token(ids: readonly number[], serial: number): string {
  return `${Buffer.from(`${serial}:${ids.length}:${ids[0] ?? 0}`)
    .toString('hex')
    .toUpperCase()}====`;
}
