import type { Random } from '../random.ts';

/** A failure of a whole call: Marketo answers HTTP 200 with success:false and this code, a string, in errors[0]. */
export class ApiError extends Error {
  override name = 'ApiError' as const;
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Makes a requestId as Marketo does: random hex digits, `#`, and the epoch milliseconds of the call in hex (decoding the
 * ids of recorded responses gives the instant of their Date header).
 *
 * @param random gives the digits
 * @param now the sandbox clock, in epoch milliseconds
 */
export function requestId(random: Random, now: number): string {
  return `${random.integer(0x1000, 0xfffff).toString(16)}#${now.toString(16)}`;
}

/**
 * The body of a call that worked. In recorded responses a lead call carries these members and no others: no `errors`, no
 * `warnings`, and no `moreResult` beside a nextPageToken, although Adobe's swagger calls them required.
 */
export function successBody(id: string, result: readonly unknown[], nextPageToken?: string): string {
  return JSON.stringify({
    requestId: id,
    result,
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
    success: true,
  });
}

/** The body of a call that failed as a whole: `code` is a quoted integer, `result` is absent. */
export function failureBody(id: string, code: string, message: string): string {
  return JSON.stringify({ requestId: id, success: false, errors: [{ code, message }] });
}

/** The page that the gateway in front of Marketo answers with when a call never reached the API, or its answer was lost. */
export function htmlPage(status: number): string {
  const title = `${status} ${REASONS.get(status) ?? 'Error'}`;
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
}

const REASONS = new Map([
  [200, 'OK'],
  [404, 'Not Found'],
  [405, 'Not Allowed'],
  [413, 'Request Entity Too Large'],
  [414, 'Request-URI Too Large'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Temporarily Unavailable'],
  [504, 'Gateway Time-out'],
]);

/**
 * Codes whose calls count neither against the daily quota nor against the rate: the ones that carry an asterisk in Marketo's
 * developer documentation, "Error codes".
 */
export const UNCOUNTED_CODES: ReadonlySet<string> = new Set(['601', '602', '604', '605', '608', '611']);
