import axios, { isAxiosError } from 'axios';
import axiosRetry from 'axios-retry';
import { z } from 'zod';
import { MarketoError } from './errors.ts';

export type AuthOptions = {
  endpoint: string;
  clientId: string;
  clientSecret: string;
  signal: AbortSignal;
  onAttempt: (outcome: 'ok' | 'refused' | 'no-answer') => Promise<void>;
};

/**
 * Tokens of Marketo's identity service (developer docs, "Authentication"). Its calls take no slot: "Calls to this
 * endpoint are not counted towards API call limit".
 *
 * Asking again before a token expires gives the same token with what is left of its life, so `expires_in` is taken as
 * it is, from 3,600 down to 0, and another process may well hold the same token.
 */
export function marketoAuth(options: AuthOptions) {
  // The secret goes in the body: in a URL it would stand in every proxy's log.
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: options.clientId,
    client_secret: options.clientSecret,
  }).toString();
  const http = axios.create({
    timeout: 30_000,
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformResponse: (text: unknown) => text,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
    signal: options.signal,
  });
  axiosRetry(http, {
    retries: 4,
    shouldResetTimeout: true,
    retryCondition: async (error) => {
      const again = !options.signal.aborted && (!error.response || isPassing(error.response.status));
      if (again) await options.onAttempt('no-answer');
      return again;
    },
    retryDelay: (count) => Math.random() * Math.min(20_000, 500 * 2 ** count),
  });

  let current: { token: string; expiresAt: number } | undefined;
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    for (let patience = 3; ; patience -= 1) {
      const { token, seconds } = await askOnce();
      current = { token, expiresAt: performance.now() + seconds * 1000 };
      // A token in its last second: the next question gets a new one.
      if (seconds > 0 || patience === 0) return token;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  async function askOnce(): Promise<{ token: string; seconds: number }> {
    let answer: z.infer<typeof tokenAnswer>;
    try {
      const response = await http.post(`${options.endpoint}/identity/oauth/token`, body);
      answer = tokenAnswer.parse(JSON.parse(String(response.data)));
    } catch (error) {
      const { outcome, end } = explainedIdentity(error);
      await options.onAttempt(outcome);
      throw end;
    }
    await options.onAttempt('ok');
    return { token: answer.access_token, seconds: answer.expires_in };
  }

  return {
    /** A token that has not expired; asked for by several at once, it is fetched once. */
    async token(): Promise<string> {
      if (current && performance.now() < current.expiresAt) return current.token;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    /** Forgets a token that a call was refused with; nothing where another has taken its place since. */
    forget(token: string): void {
      if (current?.token === token) current = undefined;
    },
  };
}

/** A gateway's trouble: 408 and 429 say nothing about the credentials either. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().min(0) });

function explainedIdentity(error: unknown): { outcome: 'refused' | 'no-answer'; end: unknown } {
  if (error instanceof z.ZodError || error instanceof SyntaxError) {
    return { outcome: 'refused', end: new MarketoError('unavailable', 'identity', 'not a token') };
  }
  if (!isAxiosError(error)) return { outcome: 'no-answer', end: error };
  if (!error.response) {
    return { outcome: 'no-answer', end: new MarketoError('unavailable', 'identity', error.code ?? 'no answer') };
  }
  const { status } = error.response;
  // A wrong secret and an unknown client are both HTTP 401, with a body that is not the REST envelope.
  const kind = status === 401 || status === 400 ? 'credentials' : isPassing(status) ? 'unavailable' : 'configuration';
  return { outcome: 'refused', end: new MarketoError(kind, 'identity', `HTTP ${status}`) };
}
