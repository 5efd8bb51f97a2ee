import { EXIT, Failure } from '../runtime/failure.ts';

/**
 * What Marketo's response-level codes ask of the caller (Marketo developer docs, "Error codes"):
 *
 * - `reauthenticate` the token is dead: fetch one, once, and send again.
 * - `throttled` the shared rate or concurrency limit: nothing was done, send again later.
 * - `quota` the day's calls are used up: stop until midnight US Central.
 * - `transient` nothing was done, or it was a read: send again, a bounded number of times.
 * - `unknown-fate` it may have been done: a read is sent again; a write only after a look at what it left.
 * - `credentials`, `configuration` a person must mend it: never sent again.
 * - `undocumented` a code that the documentation does not have: as unknown-fate, and then its records are put aside.
 */
export type CodeClass =
  | 'reauthenticate'
  | 'throttled'
  | 'quota'
  | 'transient'
  | 'unknown-fate'
  | 'credentials'
  | 'configuration'
  | 'undocumented';

/** Every code that can stand in errors[] of an answer, by the documentation or by what was seen. */
export const CLASSES: Record<string, CodeClass> = {
  '500': 'unknown-fate',
  '502': 'unknown-fate',
  '600': 'configuration',
  '601': 'reauthenticate',
  '602': 'reauthenticate',
  '603': 'credentials',
  '604': 'unknown-fate',
  '605': 'configuration',
  '606': 'throttled',
  '607': 'quota',
  '608': 'transient',
  '609': 'configuration',
  '610': 'configuration',
  '611': 'unknown-fate',
  '612': 'configuration',
  '613': 'configuration',
  '614': 'transient',
  '615': 'throttled',
  '616': 'configuration',
  '701': 'configuration',
  '702': 'configuration',
  '703': 'configuration',
  '704': 'configuration',
  '709': 'configuration',
  '710': 'configuration',
  '711': 'configuration',
  '712': 'configuration',
  '713': 'transient',
  '714': 'configuration',
  '718': 'configuration',
  '719': 'transient',
  '1001': 'configuration',
  '1002': 'configuration',
  '1003': 'configuration',
  '1004': 'configuration',
  '1006': 'configuration',
  '1008': 'configuration',
  '1009': 'configuration',
  '1011': 'configuration',
  '1013': 'configuration',
  '1016': 'transient',
  '1018': 'configuration',
  '1029': 'transient',
};

/**
 * The class of an answer that is not the wanted one.
 *
 * @param code errors[0].code where the body is Marketo's envelope.
 * @param status the HTTP status, which is 200 for nearly everything; another one is a gateway's or the body's size.
 */
export function classOf(code: string | undefined, status: number): CodeClass {
  if (code !== undefined) return CLASSES[code] ?? 'undocumented';
  if (status === 429) return 'throttled';
  if (status === 401) return 'reauthenticate';
  // 413 and 414: Marketo's own words for a body over 1 MB and a URI over 8 KB.
  if (status >= 400 && status < 500) return 'configuration';
  return 'unknown-fate';
}

/**
 * What Marketo's codes for a single record ask of the caller:
 *
 * - `look-again` the lead came or went since it was looked up: look it up again, then write what fits.
 * - `refused` this record, as it is, will not be taken: it is logged, and tried again by later runs with growing delay.
 *
 * The same code means something else for a whole call: classify by the place first, by the code second.
 */
export type RecordClass = 'look-again' | 'refused';

/** Every code that can stand in a record's reasons, by the documentation ("Error codes", record-level). */
export const RECORD_CLASSES: Record<string, RecordClass> = {
  // 1004 Lead not found (updateOnly): deleted or merged. 1005 Lead already exists (createOnly): somebody was faster.
  '1004': 'look-again',
  '1005': 'look-again',
  ...Object.fromEntries(
    [
      1001, 1002, 1003, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019, 1020, 1021,
      1022, 1025, 1026, 1027, 1028, 1029, 1035, 1036, 1037, 1042, 1048, 1049, 1076, 1077, 1078, 1079, 1080,
    ].map((number): [string, RecordClass] => [String(number), 'refused']),
  ),
};

/** The class of a record's code; one that the documentation does not have is refused too, and logged as unknown. */
export function recordClassOf(code: string): RecordClass {
  return RECORD_CLASSES[code] ?? 'refused';
}

/** Whether a socket's error says that there was no connection, so that nothing can have been done or counted. */
export function wasNeverSent(code: string | undefined): boolean {
  return code !== undefined && /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code);
}

export type MarketoErrorKind =
  | 'throttled'
  | 'quota'
  | 'unavailable'
  | 'unknown-fate'
  | 'undocumented'
  | 'credentials'
  | 'configuration';

/**
 * A call that did not succeed, after all that could be done for it. Of what Marketo said only the code is kept: its
 * messages quote the visitor's values.
 */
export class MarketoError extends Error {
  override readonly name = 'MarketoError';
  readonly kind: MarketoErrorKind;
  readonly endpoint: string;
  /** Marketo's code, `HTTP <status>`, or a socket's error code. */
  readonly code: string;

  constructor(kind: MarketoErrorKind, endpoint: string, code: string) {
    super(`Marketo's ${endpoint} failed (${code}): ${kind}`);
    this.kind = kind;
    this.endpoint = endpoint;
    this.code = code;
  }
}

/** The end of a run that meets this error and cannot go on. */
export function failureOf(error: MarketoError): Failure {
  const call = `${error.endpoint} (${error.code})`;
  switch (error.kind) {
    case 'credentials':
      return new Failure(
        EXIT.credentialsRefused,
        `Marketo refused ${call}: check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET, the API role's permissions, and the allowlist of addresses.`,
        { code: 'marketo-credentials', cause: error },
      );
    case 'configuration':
      return new Failure(
        EXIT.configuration,
        `Marketo refused ${call} as it was asked: check MARKETO_ENDPOINT and the fields that the rules name.`,
        { code: 'marketo-configuration', cause: error },
      );
    case 'throttled':
      return new Failure(
        EXIT.tryLater,
        `Marketo's limit is used up by others, ${call} got no turn: the next run goes on where this one ended.`,
        { code: 'marketo-throttled', cause: error },
      );
    case 'quota':
      return new Failure(
        EXIT.tryLater,
        `The day's calls to Marketo are used up, at ${call}: the first run after midnight US Central goes on.`,
        { code: 'marketo-quota', cause: error },
      );
    case 'undocumented':
      return new Failure(
        EXIT.tryLater,
        `Marketo answered ${call} with something that its documentation does not have: nothing is lost, the next run goes on.`,
        { code: 'marketo-answer', cause: error },
      );
    case 'unavailable':
    case 'unknown-fate':
      return new Failure(
        EXIT.tryLater,
        `Marketo did not answer ${call} as it should, even when asked again: nothing is lost, the next run goes on. If it stays so, check MARKETO_ENDPOINT and the way out of the network.`,
        { code: 'marketo-unreachable', cause: error },
      );
  }
}
