import { z } from 'zod';
import { MarketoError } from './errors.ts';

/** A field of leads, as Describe shows it. */
export type Field = {
  name: string;
  /** Marketo's data type: string, text, email, phone, url, integer, score, percent, float, currency, boolean, date, datetime, reference … */
  type: string;
  /** In characters, where Marketo gives one. */
  length: number | undefined;
  readOnly: boolean;
};

/** A lead as a look-up returned it. A field that is null, or missing in the answer, is empty. */
export type Lead = { id: number; email: string; updatedAt: string; values: Record<string, unknown> };

/** What is sent of one lead: its key (email or id) and the fields to write, never null, never blank. */
export type LeadValues = Record<string, string | number | boolean>;

/** What became of one lead. */
export type WriteResult = { status: 'created' | 'updated'; id: number } | { status: 'skipped'; reasons: Refusal[] };

/** Marketo's record-level code, and the name of the field that it is about, where its message names one that was sent. */
export type Refusal = { code: string; field: string | undefined };

export const describeAnswer = z.object({
  dataType: z.string(),
  length: z.number().optional(),
  rest: z.object({ name: z.string(), readOnly: z.boolean() }).optional(),
});

export const usageRow = z.object({ date: z.string(), total: z.number() });

export const leadRow = z.record(z.string(), z.unknown());

export const writeRow = z.object({
  id: z.number().optional(),
  status: z.string(),
  reasons: z
    .array(z.object({ code: z.union([z.string(), z.number().transform(String)]), message: z.string().optional() }))
    .optional(),
});

/** Fields without `rest` cannot be reached through this API. */
export function fieldsOf(rows: readonly z.infer<typeof describeAnswer>[]): Map<string, Field> {
  return new Map(
    rows.flatMap(({ rest, dataType, length }) =>
      rest ? [[rest.name, { name: rest.name, type: dataType, length, readOnly: rest.readOnly }] as const] : [],
    ),
  );
}

const key = z.object({ id: z.number(), email: z.string(), updatedAt: z.string().optional().catch(undefined) });

/**
 * Leads by lower-cased address.
 *
 * @throws MarketoError where a row lacks id or address: a lead that cannot be recognised would be taken for missing.
 */
export function leadsOf(rows: readonly Record<string, unknown>[]): Map<string, Lead[]> {
  const leads = new Map<string, Lead[]>();
  for (const row of rows) {
    const parsed = key.safeParse(row);
    if (!parsed.success) throw new MarketoError('unavailable', 'leads-lookup', 'a lead without id or email');
    const { id, email, updatedAt = '' } = parsed.data;
    const address = email.trim().toLowerCase();
    leads.set(address, [...(leads.get(address) ?? []), { id, email, updatedAt, values: row }]);
  }
  return leads;
}

/** Results in the order of the leads that were sent. */
export function writeResults(rows: readonly z.infer<typeof writeRow>[], sent: readonly LeadValues[]): WriteResult[] {
  return rows.map((row, index) => {
    if ((row.status === 'created' || row.status === 'updated') && row.id !== undefined) {
      return { status: row.status, id: row.id };
    }
    const reasons = (row.reasons ?? []).map((reason) => ({
      code: reason.code,
      field: fieldNamedIn(reason.message ?? '', sent[index] ?? {}),
    }));
    return { status: 'skipped', reasons: reasons.length > 0 ? reasons : [{ code: row.status, field: undefined }] };
  });
}

/**
 * The messages quote the visitor ("Invalid value for field 'phone' and value '…'"), so nothing of them is kept but the
 * name of a field that was itself part of what was sent.
 */
function fieldNamedIn(message: string, sent: LeadValues): string | undefined {
  const name = /field '([^']{1,80})'/i.exec(message)?.[1];
  return name !== undefined && Object.hasOwn(sent, name) ? name : undefined;
}
