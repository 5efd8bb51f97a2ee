import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** Who asks. */
export type Viewer = {
  /** Whether addresses and values are shown, and actions done. */
  unlocked: boolean;
  /** Whether there is a token at all with which one could unlock. */
  canUnlock: boolean;
  /** What the forms of this session carry, so that no other site's form is taken for one of ours; blank without a session. */
  formKey: string;
};

export type Access = {
  viewer(request: FastifyRequest): Viewer;
  /** Whether a text is the token. */
  isToken(text: string): boolean;
  /** The value of the cookie of a new session. */
  newSession(): string;
  /** Whether a form was sent by a page of ours, in this session. */
  isOwnForm(request: FastifyRequest, formKey: string): boolean;
  /** Whether a request was sent by a page of this service, as far as the browser tells. */
  isOwnPage(request: FastifyRequest): boolean;
};

export const SESSION_COOKIE = 'lcm_session';
/** A working day. */
export const SESSION_SECONDS = 8 * 3600;

/**
 * Who may do what. Without a token nobody may see an address or change anything. Sessions are kept nowhere: the cookie
 * says until when it holds, signed with a key made from the token. So each replica knows it, and another token ends it.
 *
 * @param token STATUS_TOKEN.
 * @param publicUrl STATUS_URL: the address in the browser where a proxy changes the Host header.
 */
export function createAccess(token: string | undefined, publicUrl: string | undefined): Access {
  const key = createHmac('sha256', token ?? randomBytes(32))
    .update('livechat-marketo-sync: sessions of the status service')
    .digest();
  const signature = (text: string) => createHmac('sha256', key).update(text).digest('base64url');
  const formKeyOf = (session: string) => signature(`form ${session}`);

  function isToken(text: string): boolean {
    return token !== undefined && sameText(text, token);
  }

  function sessionOf(request: FastifyRequest): string | undefined {
    const cookie = request.cookies[SESSION_COOKIE];
    if (token === undefined || cookie === undefined) return undefined;
    const [until = '', nonce = '', signed = ''] = cookie.split('.');
    const holds = sameText(signed, signature(`session ${until}.${nonce}`)) && Number(until) > Date.now();
    return holds ? cookie : undefined;
  }

  function isOwnPage({ headers }: FastifyRequest): boolean {
    const { origin, host } = headers;
    if (origin === undefined || !URL.canParse(origin)) return false;
    return new URL(origin).host === host || origin === (publicUrl && new URL(publicUrl).origin);
  }

  return {
    isToken,
    isOwnPage,
    newSession() {
      const value = `${Date.now() + SESSION_SECONDS * 1000}.${randomBytes(16).toString('base64url')}`;
      return `${value}.${signature(`session ${value}`)}`;
    },
    viewer(request) {
      const session = sessionOf(request);
      return {
        unlocked: session !== undefined || isToken(bearerOf(request) ?? ''),
        canUnlock: token !== undefined,
        formKey: session === undefined ? '' : formKeyOf(session),
      };
    },
    isOwnForm(request, formKey) {
      const session = sessionOf(request);
      return session !== undefined && isOwnPage(request) && sameText(formKey, formKeyOf(session));
    },
  };
}

/** The token of an `Authorization: Bearer` header. Another scheme is a proxy's in front of us, and none of our business. */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Compares in a time that tells nothing of where two texts differ, nor of how long the right one is. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
