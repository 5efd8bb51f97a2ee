import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { SESSION_COOKIE, SESSION_SECONDS } from '../access.ts';
import type { StatusContext } from '../context.ts';
import { loginPage } from '../page/login-page.ts';
import { refuse, sendPage } from '../problem.ts';
import { loginForm, logoutForm, noQuery } from './parameters.ts';

/** The form that takes the token, and the session that it begins. */
export function loginRoutes(app: FastifyInstance, { access, log }: StatusContext): void {
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.get('/login', { schema: { querystring: noQuery } }, async (request, reply) =>
    sendPage(reply, 200, loginPage(access.viewer(request), false)),
  );

  typed.post(
    '/login',
    // Ten guesses a minute at a token of 16 characters or more lead nowhere, and a person who mistypes it is not shut out.
    { schema: { body: loginForm }, config: { rateLimit: { max: 10, timeWindow: '1 minute' } } },
    async (request, reply) => {
      if (!access.isOwnPage(request)) return refuse(request, reply, 403, FOREIGN);
      if (!access.isToken(request.body.token)) {
        log.warn('somebody gave a wrong token at the status page');
        return sendPage(reply, 403, loginPage(access.viewer(request), true));
      }
      log.info('somebody unlocked the status page');
      return reply
        .setCookie(SESSION_COOKIE, access.newSession(), cookieFor(request))
        .header('cache-control', 'no-store')
        .redirect('/', 303);
    },
  );

  typed.post('/logout', { schema: { body: logoutForm } }, async (request, reply) => {
    if (!access.isOwnForm(request, request.body.formKey)) return refuse(request, reply, 403, FOREIGN);
    return reply.clearCookie(SESSION_COOKIE, { path: '/' }).header('cache-control', 'no-store').redirect('/', 303);
  });
}

export const FOREIGN =
  'This form did not come from a page of this service, or its session is over: open the page again.';

function cookieFor({ headers }: FastifyRequest) {
  return {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    // Over plain http (a port-forward, a cluster's inside) a browser would not keep a secure one.
    secure: headers['x-forwarded-proto'] === 'https',
    maxAge: SESSION_SECONDS,
  } as const;
}
