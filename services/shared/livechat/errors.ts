import { EXIT, Failure } from '../runtime/failure.ts';

/** What LiveChat's error types ask of the caller (Agent Chat Web API, "Errors"; the HTTP status is not documented). */
type Reaction = 'again' | 'other-region' | 'smaller' | 'gone' | 'hidden' | 'credentials' | 'configuration' | 'request';

const REACTIONS: Record<string, Reaction> = {
  internal: 'again',
  service_unavailable: 'again',
  request_timeout: 'smaller',
  too_many_requests: 'again',
  misdirected_request: 'other-region',
  not_found: 'gone',
  chat_anonymized: 'gone',
  authentication: 'credentials',
  authorization: 'credentials',
  // Of a chat that is in none of the token's groups ("validates access to the thread"): it must not stop the others.
  missing_access: 'hidden',
  requester_suspended: 'credentials',
  license_expired: 'credentials',
  license_not_found: 'credentials',
  unsupported_version: 'configuration',
  wrong_product_version: 'configuration',
  validation: 'request',
  entity_too_large: 'request',
  limit_reached: 'request',
};

/**
 * What to do about an answer that is not the wanted one: its error type decides; where there is none (a gateway's
 * page, an unknown type), the HTTP status.
 */
export function reactionTo(type: string | undefined, status: number): Reaction {
  const known = type === undefined ? undefined : REACTIONS[type];
  if (known) return known;
  if (status === 401 || status === 403) return 'credentials';
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return 'request';
  return 'again';
}

/** LiveChat refused one request for good: what was asked for is gone, or the request itself is at fault. */
export class LiveChatRefusal extends Error {
  override readonly name = 'LiveChatRefusal';
  readonly type: string;
  constructor(action: string, type: string) {
    super(`LiveChat refused ${action} (${type})`);
    this.type = type;
  }
}

/**
 * The end that a refused or unanswered call comes to.
 *
 * @param type LiveChat's error type, `HTTP <status>` or a socket's error code; never the error's message, which may
 *   quote what was sent.
 */
export function endOf(action: string, type: string, reaction: Reaction): Failure | LiveChatRefusal {
  switch (reaction) {
    case 'hidden':
      if (action === 'get_chat') return new LiveChatRefusal(action, type);
      return refusedToken(action, type);
    case 'credentials':
      return refusedToken(action, type);
    case 'configuration':
      return new Failure(
        EXIT.configuration,
        `LiveChat no longer speaks the API version that this release uses (${type}): upgrade this product.`,
        { code: 'livechat-answer' },
      );
    case 'smaller':
      // Only a page of the archive can be asked for in smaller parts; for anything else this is the end of trying.
      return action === 'list_archives' ? new LiveChatRefusal(action, type) : unreachable(action, type);
    case 'again':
    case 'other-region':
      return unreachable(action, type);
    case 'gone':
    case 'request':
      return new LiveChatRefusal(action, type);
  }
}

function refusedToken(action: string, type: string): Failure {
  return new Failure(
    EXIT.credentialsRefused,
    `LiveChat refused the personal access token for ${action} (${type}): check LIVECHAT_ACCOUNT_ID and LIVECHAT_PAT, the token's scopes (chats--all:ro, customers:ro), and that its owner is active.`,
    { code: 'livechat-credentials' },
  );
}

/** What a call ends with that LiveChat does not answer, however often and in whatever size it is asked. */
export function unreachable(action: string, type: string): Failure {
  return new Failure(
    EXIT.tryLater,
    `LiveChat did not answer ${action} even when asked again (${type}): nothing is lost, the next run reads the same time again. If it stays so, check LIVECHAT_ENDPOINT and the way out of the network.`,
    { code: 'livechat-unreachable' },
  );
}
