export type DataType =
  | 'string'
  | 'text'
  | 'email'
  | 'phone'
  | 'url'
  | 'integer'
  | 'score'
  | 'percent'
  | 'float'
  | 'currency'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'reference';

/** A field of the lead. */
export type Field = {
  /** The REST name; case counts. */
  name: string;
  displayName: string;
  dataType: DataType;
  /** The longest value, in characters; absent where describe shows none. */
  length?: number;
  /** Describe says so and Sync Leads refuses it. */
  readOnly?: boolean;
  /** Belongs to the company: describe calls it writable, the documentation says "not supported, use Sync Companies". */
  company?: boolean;
  /** Made by the customer; custom string, e-mail and integer fields can be searched by. */
  custom?: boolean;
};

/** The fields a lead lookup returns when none are asked for (Marketo developer docs, "Leads"). */
export const DEFAULT_FIELDS = ['id', 'email', 'updatedAt', 'createdAt', 'firstName', 'lastName'] as const;

/**
 * The fields of an instance.
 *
 * @param custom the customer's own fields; those of the demo where left out
 * @returns standard fields first, each name once
 */
export function instanceFields(custom: readonly Field[] = CUSTOM_FIELDS): ReadonlyMap<string, Field> {
  return new Map([...STANDARD_FIELDS, ...custom.map((field) => ({ ...field, custom: true }))].map((f) => [f.name, f]));
}

/** Whether leads can be looked up by a field: id, e-mail and custom fields of type string, email or integer. */
export function isSearchable(field: Field): boolean {
  if (field.name === 'id' || field.name === 'email') return true;
  return field.custom === true && ['string', 'email', 'integer'].includes(field.dataType);
}

/** The result of describe.json: `length` only where there is one, read-only told in `rest` and in `soap`. */
export function describe(fields: ReadonlyMap<string, Field>): unknown[] {
  return [...fields.values()].map((field, index) => ({
    id: index + 1,
    displayName: field.displayName,
    dataType: field.dataType,
    ...(field.length === undefined ? {} : { length: field.length }),
    rest: { name: field.name, readOnly: field.readOnly === true },
    soap: {
      name: field.custom === true ? field.name : field.name.charAt(0).toUpperCase() + field.name.slice(1),
      readOnly: field.readOnly === true,
    },
  }));
}

/** The result of describe2.json: one element with the searchable fields and, for each field, `updateable`. */
export function describe2(fields: ReadonlyMap<string, Field>): unknown[] {
  const all = [...fields.values()];
  return [
    {
      name: 'API Lead',
      searchableFields: all.filter(isSearchable).map((field) => [field.name]),
      fields: all.map((field) => ({
        name: field.name,
        displayName: field.displayName,
        dataType: field.dataType,
        ...(field.length === undefined ? {} : { length: field.length }),
        updateable: field.readOnly !== true,
        crmManaged: false,
      })),
    },
  ];
}

/** The custom fields that the demo's rules write. */
export const CUSTOM_FIELDS: readonly Field[] = [
  { name: 'firstChatAt', displayName: 'First Chat At', dataType: 'datetime' },
  { name: 'lastChatAt', displayName: 'Last Chat At', dataType: 'datetime' },
  { name: 'chatCount', displayName: 'Chat Count', dataType: 'integer' },
  { name: 'lastChatTopic', displayName: 'Last Chat Topic', dataType: 'string', length: 255 },
  { name: 'chatTags', displayName: 'Chat Tags', dataType: 'text' },
  { name: 'lastChatRating', displayName: 'Last Chat Rating', dataType: 'string', length: 255 },
  { name: 'chatSourceUrl', displayName: 'Chat Source URL', dataType: 'url', length: 255 },
  { name: 'utmSource', displayName: 'UTM Source', dataType: 'string', length: 255 },
  { name: 'utmMedium', displayName: 'UTM Medium', dataType: 'string', length: 255 },
  { name: 'utmCampaign', displayName: 'UTM Campaign', dataType: 'string', length: 255 },
];

/** What a record may say about a field beside its type. */
const string = { dataType: 'string', length: 255 } as const;
const readOnlyString = { ...string, readOnly: true } as const;
const companyString = { ...string, company: true } as const;

/**
 * Standard fields with the types, lengths and read-only marks that recorded describe responses show. The inferred* fields
 * come from the address of a person's first web visit and cannot be written; company and billing* ones are marked writable
 * by describe although Sync Leads is not the way to write them.
 */
const STANDARD_FIELDS: readonly Field[] = [
  { name: 'company', displayName: 'Company Name', ...companyString },
  { name: 'site', displayName: 'Site', ...companyString },
  { name: 'billingStreet', displayName: 'Billing Address', dataType: 'text', company: true },
  { name: 'billingCity', displayName: 'Billing City', ...companyString },
  { name: 'billingState', displayName: 'Billing State', ...companyString },
  { name: 'billingCountry', displayName: 'Billing Country', ...companyString },
  { name: 'billingPostalCode', displayName: 'Billing Postal Code', ...companyString },
  { name: 'website', displayName: 'Website', dataType: 'url', length: 255, company: true },
  { name: 'mainPhone', displayName: 'Main Phone', dataType: 'phone', length: 255, company: true },
  { name: 'annualRevenue', displayName: 'Annual Revenue', dataType: 'currency', company: true },
  { name: 'numberOfEmployees', displayName: 'Num Employees', dataType: 'integer', company: true },
  { name: 'industry', displayName: 'Industry', ...companyString },
  { name: 'id', displayName: 'Id', dataType: 'integer' },
  { name: 'mktoName', displayName: 'Full Name', ...readOnlyString },
  { name: 'personType', displayName: 'Person Type', ...string },
  { name: 'mktoIsPartner', displayName: 'Is Partner', dataType: 'boolean' },
  { name: 'isLead', displayName: 'Is Lead', dataType: 'boolean' },
  { name: 'salutation', displayName: 'Salutation', ...string },
  { name: 'firstName', displayName: 'First Name', ...string },
  { name: 'middleName', displayName: 'Middle Name', ...string },
  { name: 'lastName', displayName: 'Last Name', ...string },
  { name: 'email', displayName: 'Email Address', dataType: 'email', length: 255 },
  { name: 'phone', displayName: 'Phone Number', dataType: 'phone', length: 255 },
  { name: 'mobilePhone', displayName: 'Mobile Phone Number', dataType: 'phone', length: 255 },
  { name: 'fax', displayName: 'Fax Number', ...string },
  { name: 'title', displayName: 'Job Title', ...string },
  { name: 'department', displayName: 'Department', ...string },
  { name: 'dateOfBirth', displayName: 'Date of Birth', dataType: 'date' },
  { name: 'address', displayName: 'Address', dataType: 'text' },
  { name: 'city', displayName: 'City', ...string },
  { name: 'state', displayName: 'State', ...string },
  { name: 'country', displayName: 'Country', ...string },
  { name: 'postalCode', displayName: 'Postal Code', ...string },
  { name: 'personTimeZone', displayName: 'Person Time Zone', ...readOnlyString },
  { name: 'originalSourceType', displayName: 'Original Source Type', ...readOnlyString },
  { name: 'originalSourceInfo', displayName: 'Original Source Info', ...readOnlyString },
  { name: 'originalReferrer', displayName: 'Original Referrer', ...readOnlyString },
  { name: 'originalSearchEngine', displayName: 'Original Search Engine', ...readOnlyString },
  { name: 'originalSearchPhrase', displayName: 'Original Search Phrase', ...readOnlyString },
  { name: 'inferredCompany', displayName: 'Inferred Company', ...readOnlyString },
  { name: 'inferredCountry', displayName: 'Inferred Country', ...readOnlyString },
  { name: 'inferredCity', displayName: 'Inferred City', ...readOnlyString },
  { name: 'inferredStateRegion', displayName: 'Inferred State Region', ...readOnlyString },
  { name: 'inferredPostalCode', displayName: 'Inferred Postal Code', ...readOnlyString },
  { name: 'inferredMetropolitanArea', displayName: 'Inferred Metropolitan Area', ...readOnlyString },
  { name: 'inferredPhoneAreaCode', displayName: 'Inferred Phone Area Code', ...readOnlyString },
  { name: 'anonymousIP', displayName: 'Anonymous IP', ...string },
  { name: 'unsubscribed', displayName: 'Unsubscribed', dataType: 'boolean' },
  { name: 'unsubscribedReason', displayName: 'Unsubscribed Reason', dataType: 'text' },
  { name: 'doNotCall', displayName: 'Do Not Call', dataType: 'boolean' },
  { name: 'doNotCallReason', displayName: 'Do Not Call Reason', dataType: 'text' },
  { name: 'emailInvalid', displayName: 'Email Invalid', dataType: 'boolean' },
  { name: 'emailInvalidCause', displayName: 'Email Invalid Cause', dataType: 'text' },
  { name: 'leadSource', displayName: 'Lead Source', ...string },
  { name: 'leadStatus', displayName: 'Lead Status', ...string },
  { name: 'leadScore', displayName: 'Lead Score', dataType: 'score' },
  { name: 'rating', displayName: 'Lead Rating', ...string },
  { name: 'urgency', displayName: 'Urgency', dataType: 'float' },
  { name: 'priority', displayName: 'Priority', dataType: 'integer' },
  { name: 'relativeScore', displayName: 'Relative Score', dataType: 'integer' },
  { name: 'leadPerson', displayName: 'Lead Person', dataType: 'reference', readOnly: true },
  { name: 'contactCompany', displayName: 'Contact Company', dataType: 'reference', readOnly: true },
  { name: 'externalCompanyId', displayName: 'External Company Id', dataType: 'string', length: 50 },
  { name: 'createdAt', displayName: 'Created At', dataType: 'datetime', readOnly: true },
  { name: 'updatedAt', displayName: 'Updated At', dataType: 'datetime', readOnly: true },
];
