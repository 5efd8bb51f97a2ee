import { z } from 'zod';
import { ApiError } from './envelope.ts';
import { type Field, isSearchable } from './fields.ts';
import type { Lead, LeadStore } from './leads.ts';
import { convert, invalidValue, type Reason, type Value } from './values.ts';

/** What an instance does with a record; where nobody recorded it, the choice is the caller's. */
export type SyncOptions = {
  /** The code of a call with more than 300 records or filter values. Not recorded anywhere. */
  tooManyRecordsCode: string;
  /** Whether an unknown field skips its record or fails the call; the documentation lists 1006 as a record's. Unverified. */
  unknownInputField: 'record' | 'response';
  /** Whether a read-only field skips its record with 1003 or is passed over in silence. Unverified. */
  readOnlyField: 'refuse' | 'ignore';
  /** Whether a company field skips its record with 1021, as the documentation has it, or is written. Unverified. */
  companyField: 'refuse' | 'accept';
  /** Whether a text longer than its field skips the record with 1003 or is cut. Unverified. */
  overLength: 'refuse' | 'truncate';
  /** Fields under "Block Field Updates" for web services: they take a first value and silently keep it. */
  blockedFields: readonly string[];
  /** Values that this instance refuses with 1003 although their type is right, by field. */
  refuseValues: readonly { field: string; pattern: RegExp }[];
};

export type SyncResult = { id: number; status: 'created' | 'updated' } | { status: 'skipped'; reasons: Reason[] };

/** A call's work: decided when it arrived, done when commit is called. */
export type Plan<Result> = { records: number; commit(): Result[] };

/**
 * Sync Leads (Marketo developer docs, "Leads"). Which lead a record means is looked up now; the write happens at commit, when
 * the server has worked on the call. Between the two, another call can look up the same address and find nothing: that is
 * how overlapping upserts come to create duplicates, which the documentation warns of.
 *
 * A skipped record has neither id nor e-mail: only its index tells which one it was. One bad value skips the whole record,
 * with the first bad value as its reason.
 *
 * @param body the JSON body, parsed
 * @throws ApiError for what fails the call as a whole
 */
export function planSync(
  body: unknown,
  store: LeadStore,
  fields: ReadonlyMap<string, Field>,
  options: SyncOptions,
): Plan<SyncResult> {
  const call = parseBody(syncBody, body);
  refuseTooMany(call.input.length, options.tooManyRecordsCode);
  if (call.asyncProcessing) throw new ApiError('1003', 'asyncProcessing is not available in this sandbox');
  // Only the default partition exists; the code for an unknown one is not recorded.
  if (call.partitionName !== undefined && call.partitionName !== 'Default') {
    throw new ApiError('1013', `Partition '${call.partitionName}' not found`);
  }
  const key = fields.get(call.lookupField);
  if (key === undefined) throw new ApiError('1006', `Lookup field '${call.lookupField}' not found`);
  if (!isSearchable(key)) throw new ApiError('1011', `Field '${call.lookupField}' not supported`);

  const created: Create[] = [];
  const steps = call.input.map((record): Step => {
    const step = planRecord(record, call.action, key, store, fields, options, created);
    if (step.kind === 'create') created.push(step);
    return step;
  });
  return { records: steps.length, commit: () => steps.map((step) => perform(step, store, options.blockedFields)) };
}

/** Delete Leads, by id. What a skipped entry looks like is not recorded; here it keeps its id, as the list endpoints' do. */
export function planDelete(body: unknown, store: LeadStore, options: SyncOptions): Plan<Record<string, unknown>> {
  const { input } = parseBody(deleteBody, body);
  refuseTooMany(input.length, options.tooManyRecordsCode);
  return {
    records: input.length,
    commit: () =>
      input.map(({ id }) =>
        store.remove(id) ? { id, status: 'deleted' } : { id, status: 'skipped', reasons: [LEAD_NOT_FOUND] },
      ),
  };
}

/** Refuses a call for more than 300 records or filter values, the documented limit. */
export function refuseTooMany(count: number, code: string): void {
  if (count > 300) throw new ApiError(code, `Too many records: ${count}, the limit is 300`);
}

type Action = z.infer<typeof syncBody>['action'];
type Create = { kind: 'create'; values: Map<string, Value>; lead?: Lead };
type Step =
  | { kind: 'skip'; reason: Reason }
  | Create
  | { kind: 'update'; target: Lead | Create; values: Map<string, Value> };

const syncBody = z.object({
  action: z.enum(['createOnly', 'updateOnly', 'createOrUpdate', 'createDuplicate']).default('createOrUpdate'),
  lookupField: z.string().default('email'),
  partitionName: z.string().optional(),
  asyncProcessing: z.boolean().default(false),
  input: z.array(z.record(z.string(), z.unknown())),
});

const deleteBody = z.object({ input: z.array(z.object({ id: z.coerce.number().int() })) });

const LEAD_NOT_FOUND: Reason = { code: '1004', message: 'Lead not found' };

/** The codes for a body that is JSON but not a call are not recorded; the documented texts come nearest. */
function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join('.') ?? '';
  const given = z.looseObject({ input: z.unknown().optional() }).safeParse(body);
  if (!given.success || given.data.input === undefined) {
    throw new ApiError('1002', `Missing value for the required parameter 'input'`);
  }
  throw new ApiError('1003', `Invalid value for '${path}'`);
}

function planRecord(
  record: Record<string, unknown>,
  action: Action,
  key: Field,
  store: LeadStore,
  fields: ReadonlyMap<string, Field>,
  options: SyncOptions,
  created: readonly Create[],
): Step {
  if (!(key.name in record) && action !== 'createDuplicate') {
    return skip('1002', `Missing value for the required parameter '${key.name}'`);
  }
  const checked = checkValues(record, action, key, fields, options);
  if ('refused' in checked) return { kind: 'skip', reason: checked.refused };
  const { values } = checked;
  if (action === 'createDuplicate') return { kind: 'create', values };

  const wanted = key.name === 'id' ? record['id'] : values.get(key.name);
  if (wanted === null || wanted === undefined || wanted === '') {
    return { kind: 'skip', reason: invalidValue(key.name, record[key.name]) };
  }
  const lookup = String(wanted);
  const found = [...store.find(key, lookup), ...created.filter((step) => store.matches(step.values, key, lookup))];
  if (action === 'createOnly') {
    return found.length === 0 ? { kind: 'create', values } : skip('1005', 'Lead already exists');
  }
  const [target, second] = found;
  if (second !== undefined) return skip('1007', 'Multiple leads match the lookup criteria');
  if (target !== undefined) return { kind: 'update', target, values };
  // What createOrUpdate by an id that does not exist does is not documented; a lead cannot be given its id.
  if (action === 'updateOnly' || key.name === 'id') return { kind: 'skip', reason: LEAD_NOT_FOUND };
  return { kind: 'create', values };
}

function checkValues(
  record: Record<string, unknown>,
  action: Action,
  key: Field,
  fields: ReadonlyMap<string, Field>,
  options: SyncOptions,
): { values: Map<string, Value> } | { refused: Reason } {
  const values = new Map<string, Value>();
  for (const [name, input] of Object.entries(record)) {
    const field = fields.get(name);
    if (field === undefined) {
      if (options.unknownInputField === 'response') throw new ApiError('1006', `Field '${name}' not found`);
      return { refused: { code: '1006', message: `Field '${name}' not found` } };
    }
    if (name === 'id') {
      // Documented for updateOnly alone; createOrUpdate with lookupField id has been seen to update.
      if (key.name === 'id' && (action === 'updateOnly' || action === 'createOrUpdate')) continue;
      return { refused: { code: '1003', message: `Field 'id' is not allowed with action '${action}'` } };
    }
    if (field.readOnly === true) {
      if (options.readOnlyField === 'ignore') continue;
      return { refused: { code: '1003', message: `Field '${name}' is read only` } };
    }
    if (field.company === true && options.companyField === 'refuse') {
      return { refused: { code: '1021', message: 'Company update not allowed during syncLead' } };
    }
    const conversion = convert(field, input, options.overLength);
    if ('refused' in conversion) return conversion;
    const { value } = conversion;
    if (
      options.refuseValues.some((rule) => rule.field === name && value !== null && rule.pattern.test(String(value)))
    ) {
      return { refused: invalidValue(name, input) };
    }
    values.set(name, value);
  }
  return { values };
}

function perform(step: Step, store: LeadStore, blockedFields: readonly string[]): SyncResult {
  if (step.kind === 'skip') return { status: 'skipped', reasons: [step.reason] };
  if (step.kind === 'create') {
    step.lead = store.create(step.values);
    return { id: step.lead.id, status: 'created' };
  }
  const lead = 'kind' in step.target ? step.target.lead : store.get(step.target.id);
  if (lead === undefined) return { status: 'skipped', reasons: [LEAD_NOT_FOUND] };
  const isKept = (name: string) => blockedFields.includes(name) && !isEmpty(lead.values.get(name));
  store.update(lead, new Map([...step.values].filter(([name]) => !isKept(name))));
  return { id: lead.id, status: 'updated' };
}

function isEmpty(value: Value | undefined): boolean {
  return value === undefined || value === null || value === false;
}

function skip(code: string, message: string): Step {
  return { kind: 'skip', reason: { code, message } };
}
