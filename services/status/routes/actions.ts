import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { dismissDead, replayDead, type WhichDead } from '../../shared/store/dead.ts';
import { databaseNow } from '../../shared/store/readings-runs.ts';
import { threadsOfAddress } from '../../shared/store/readings-threads.ts';
import type { StatusContext } from '../context.ts';
import { foundPage } from '../page/thread-page.ts';
import { refuse, sendPage } from '../problem.ts';
import { FOREIGN } from './login.ts';
import { deadForm, findForm, runForm } from './parameters.ts';

/** What the pages' forms do. Each one needs the token's session and a form that a page of this session has made. */
export function actionRoutes(app: FastifyInstance, context: StatusContext): void {
  const { access, cluster, readings } = context;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  const back = (reply: FastifyReply, to: string) => reply.header('cache-control', 'no-store').redirect(to, 303);

  for (const action of ['replay', 'dismiss'] as const) {
    typed.post(`/dead/${action}`, { schema: { body: deadForm } }, async (request, reply) => {
      const { formKey, thread, code, all } = request.body;
      if (!access.isOwnForm(request, formKey)) return refuse(request, reply, 403, FOREIGN);
      const which = thread ? { threadIds: [thread] } : code ? { code } : all ? {} : undefined;
      if (!which) return refuse(request, reply, 400, 'The form does not say which dead threads it means.');
      const threads = await actOnDead(context, action, which);
      return back(reply, `/dead?${action === 'replay' ? 'replayed' : 'dismissed'}=${threads}`);
    });
  }

  typed.post('/run-now', { schema: { body: runForm } }, async (request, reply) => {
    const { formKey, job, request: number } = request.body;
    if (!access.isOwnForm(request, formKey)) return refuse(request, reply, 403, FOREIGN);
    const started = await cluster.runNow(job, number);
    if (started.result === 'refused') return refuse(request, reply, 502, started.why);
    context.overview.outdate();
    return back(reply, '/#cluster');
  });

  // An address has no place in a URL, which ends up in logs: so this looks like an action, and changes nothing.
  typed.post(
    '/threads/find',
    { schema: { body: findForm } },
    async (request: FastifyRequest<{ Body: FindForm }>, reply) => {
      const { formKey, text } = request.body;
      if (!access.isOwnForm(request, formKey)) return refuse(request, reply, 403, FOREIGN);
      if (!text.includes('@')) return back(reply, `/threads/${encodeURIComponent(text.trim())}`);
      const found = await readings.read(async (db) => ({
        now: await databaseNow(db),
        threads: await threadsOfAddress(db, text.trim()),
      }));
      return sendPage(reply, 200, foundPage(found.threads, found.now, access.viewer(request)));
    },
  );
}

type FindForm = { formKey: string; text: string };

/** Replays or dismisses, and says so in the log: it is the only trace of who changed what by hand. */
export async function actOnDead(
  { readings, log, overview }: StatusContext,
  action: 'replay' | 'dismiss',
  which: WhichDead,
): Promise<number> {
  const change = action === 'replay' ? replayDead : dismissDead;
  const threads = await readings.change(async (db) => change(db, which, await databaseNow(db)));
  log.info({ action, threads, ...(which.code ? { code: which.code } : {}) }, 'dead threads were changed by hand');
  overview.outdate();
  return threads;
}
