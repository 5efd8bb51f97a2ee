/**
 * An answer of the API that is an error. The server turns it into LiveChat's envelope.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: string;
  readonly data: Record<string, string> | undefined;

  constructor(type: string, message: string, data?: Record<string, string>) {
    super(message);
    this.type = type;
    this.data = data;
  }
}

/** LiveChat's error envelope (Agent Chat Web API v3.6, 'Errors'). */
export type Envelope = { error: { type: string; message: string; data?: Record<string, string> } };

/**
 * Builds the error envelope.
 *
 * @param type the error's type, such as validation
 * @param message what went wrong, in words
 * @param data what a client can act on (misdirected_request names the region here)
 */
export function envelope(type: string, message: string, data?: Record<string, string>): Envelope {
  return { error: data === undefined ? { type, message } : { type, message, data } };
}

/**
 * The HTTP status this sandbox sends with an error type.
 *
 * LiveChat documents the types and not the statuses. 401 for authentication and 429 for too_many_requests were observed
 * in third-party clients, 400 for validation and 409 for already_exists in the vendor's own Go code; all others are
 * chosen here. A client must go by the type, and by the status only where the answer is no envelope.
 *
 * @param type the error's type
 * @returns the status; 400 for a type that is not listed
 */
export function statusOf(type: string): number {
  return STATUS[type] ?? 400;
}

const STATUS: Record<string, number> = {
  validation: 400,
  unsupported_version: 400,
  authentication: 401,
  authorization: 403,
  missing_access: 403,
  requester_suspended: 403,
  license_expired: 403,
  wrong_product_version: 403,
  limit_reached: 403,
  not_found: 404,
  license_not_found: 404,
  chat_anonymized: 404,
  request_timeout: 408,
  already_exists: 409,
  entity_too_large: 413,
  misdirected_request: 421,
  too_many_requests: 429,
  internal: 500,
  service_unavailable: 503,
};
