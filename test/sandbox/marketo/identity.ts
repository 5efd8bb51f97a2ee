import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';

/** A custom service of the instance: tokens belong to it, permissions come from its API-only user. */
export type Client = {
  clientId: string;
  clientSecret: string;
  /** The API-only user; identity answers it as the scope, usage counts by it. */
  user: string;
  /** Read-Only Lead and Read-Write Lead. Stats need neither. */
  permissions: readonly Permission[];
};
export type Permission = 'read' | 'write';

export type TokenAnswer = { status: number; body: string };

export type Authentication = { client: Client } | { code: '600' | '601' | '602'; message: string };

export type Identity = {
  /** Answers an identity call with these parameters (from the query or from a form body). */
  token(params: URLSearchParams): TokenAnswer;
  /** Whom an Authorization header stands for. */
  authenticate(header: string | undefined): Authentication;
  /** Forgets every token. */
  clear(): void;
};

/**
 * The identity service (Marketo developer docs, "Authentication"). Until a token has expired, every call for the same client
 * gets that same token with what is left of its 3,600 seconds, down to 0 in its last second: a fresh one cannot be forced.
 *
 * @param clients the custom services that exist
 * @param clock the sandbox clock; tokens grow old by it
 */
export function createIdentity(clients: readonly Client[], clock: Clock): Identity {
  const current = new Map<string, Token>();
  const known = new Map<string, Token>();

  return {
    token(params) {
      const grant = params.get('grant_type');
      if (grant !== 'client_credentials') {
        // The body of a wrong grant type is not recorded; this is what the OAuth library behind the wording of the others says.
        return oauthError(400, 'unsupported_grant_type', `Unsupported grant type: ${grant ?? ''}`);
      }
      const clientId = params.get('client_id') ?? '';
      const client = clients.find((candidate) => candidate.clientId === clientId);
      if (client === undefined) return oauthError(401, 'unauthorized', `No client with requested id: ${clientId}`);
      if (params.get('client_secret') !== client.clientSecret) {
        return oauthError(401, 'invalid_client', 'Bad client credentials');
      }

      const now = clock.now();
      let token = current.get(clientId);
      if (token === undefined || token.expiresAt <= now) {
        token = { value: `${randomUUID()}:sbx`, client, expiresAt: now + TOKEN_LIFE_MS };
        current.set(clientId, token);
        known.set(token.value, token);
      }
      const body = {
        access_token: token.value,
        token_type: 'bearer',
        expires_in: Math.floor((token.expiresAt - now) / 1000),
        scope: client.user,
      };
      return { status: 200, body: JSON.stringify(body) };
    },
    authenticate(header) {
      const value = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
      if (value === undefined) return { code: '600', message: 'Empty access token' };
      const token = known.get(value);
      if (token === undefined) return { code: '601', message: 'Access token invalid' };
      if (token.expiresAt <= clock.now()) return { code: '602', message: 'Access token expired' };
      return { client: token.client };
    },
    clear() {
      current.clear();
      known.clear();
    },
  };
}

type Token = { value: string; client: Client; expiresAt: number };

const TOKEN_LIFE_MS = 3_600_000;

/** Identity's failures carry neither `success` nor `errors`. */
function oauthError(status: number, error: string, description: string): TokenAnswer {
  return { status, body: JSON.stringify({ error, error_description: description }) };
}
