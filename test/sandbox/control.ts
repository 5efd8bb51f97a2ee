import Fastify from 'fastify';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { type Faults, faultSchema, latencySchema, serverNameSchema } from './faults.ts';
import { listen } from './listen.ts';
import type { LiveChatServer } from './livechat/server.ts';
import { threadSpecSchema } from './livechat/spec.ts';
import type { Mailbox } from './mailbox.ts';
import type { MarketoServer } from './marketo/server.ts';

/** What the control API steers. */
export type ControlParts = {
  clock: Clock;
  faults: Faults;
  livechat: LiveChatServer;
  marketo: MarketoServer;
  mailbox: Mailbox;
  /** What GET / tells: addresses and credentials. */
  index(): object;
  /** Generates chats into the archive and says how many threads that made. Throws Error for ids that are there already. */
  generate(wanted: { count: number; seed?: number; from: Date; to: Date }): number;
  /** Empties everything back to the seeded start. */
  reset(): void;
};

export type Control = { url: string; close(): Promise<void> };

/**
 * Starts the control API: plain JSON over HTTP, for whoever drives the sandbox from outside its process. Bad input answers
 * 400 with one sentence in `error`.
 *
 * @param parts what it steers
 * @param address where it listens; port 0 is any free port
 * @throws Error when the port is taken
 */
export async function startControl(parts: ControlParts, address: { host: string; port: number }): Promise<Control> {
  const { clock, faults, livechat, marketo, mailbox } = parts;
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 64 * 1024 * 1024 });
  const now = () => ({ now: new Date(clock.now()).toISOString() });

  app.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
    const sentence = error instanceof z.ZodError ? sentenceOf(error) : error.message;
    return reply.code(error.statusCode ?? 400).send({ error: sentence });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `There is no ${request.method} ${request.url} here.` }),
  );
  // A body is optional everywhere but where it is parsed: curl -X POST sends none.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch {
      done(new Error('The body is not JSON.'));
    }
  });

  app.get('/', () => ({ ...parts.index(), ...now() }));

  app.get('/clock', now);
  app.post('/clock', (request) => {
    const move = clockSchema.parse(request.body);
    if (move.shiftMs !== undefined) clock.shift(move.shiftMs);
    if (move.now !== undefined) clock.set(Date.parse(move.now));
    return now();
  });

  app.get('/faults', () => ({ faults: faults.list() }));
  app.post('/faults', (request) => {
    faults.add(faultSchema.parse(request.body));
    return { faults: faults.list() };
  });
  app.delete('/faults', () => {
    faults.clear();
    return { faults: faults.list() };
  });
  app.post('/latency', (request) => {
    const { server, latency } = latencyCallSchema.parse(request.body);
    faults.setLatency(server, latency ?? undefined);
    return { server, latency };
  });

  app.post('/livechat/chats', (request) => {
    if (hasThreads(request.body)) {
      const { threads } = threadsSchema.parse(request.body);
      livechat.archive.addThreads(threads);
      return { threads: threads.length };
    }
    const { from, to, ...wanted } = generateSchema.parse(request.body);
    return { threads: parts.generate({ ...wanted, from: new Date(from), to: new Date(to) }) };
  });
  app.get('/livechat/calls', () => ({ calls: livechat.calls() }));

  app.get('/marketo/calls', () => ({ calls: marketo.calls() }));
  app.get('/marketo/report', () => marketo.report());
  app.get('/marketo/leads', (request) => {
    const { email } = leadsQuerySchema.parse(request.query);
    return { leads: marketo.leads(email) };
  });
  app.post('/marketo/leads', (request) => ({ ids: marketo.addLeads(leadsSchema.parse(request.body).leads) }));

  app.get('/mailbox/messages', () => ({ messages: mailbox.messages() }));
  app.get('/mailbox/messages/:id', (request, reply) => {
    const { id } = messageParamsSchema.parse(request.params);
    const raw = mailbox.raw(id);
    if (raw === undefined) return reply.code(404).send({ error: `There is no message ${id}.` });
    return reply.header('content-type', 'message/rfc822').send(raw);
  });
  app.delete('/mailbox/messages', () => {
    mailbox.clear();
    return { messages: mailbox.messages() };
  });

  app.post('/reset', () => {
    parts.reset();
    return { ...parts.index(), ...now() };
  });

  const url = await listen(app, address.host, address.port);
  return { url, close: () => app.close() };
}

const instant = z.iso.datetime({ offset: true });

const clockSchema = z
  .strictObject({ shiftMs: z.number().optional(), now: instant.optional() })
  .refine((move) => (move.shiftMs === undefined) !== (move.now === undefined), 'Give either shiftMs or now.');

const latencyCallSchema = z.strictObject({ server: serverNameSchema, latency: latencySchema.nullable() });

const threadsSchema = z.strictObject({ threads: z.array(threadSpecSchema) });

const generateSchema = z
  .strictObject({
    count: z.number().int().min(1).max(100_000),
    seed: z.number().int().exactOptional(),
    from: instant,
    to: instant,
  })
  .refine((range) => Date.parse(range.from) < Date.parse(range.to), 'from must be before to.');

const leadsQuerySchema = z.strictObject({ email: z.string().optional() });
const leadsSchema = z.strictObject({ leads: z.array(z.record(z.string(), z.unknown())) });
const messageParamsSchema = z.object({ id: z.string() });

function hasThreads(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'threads' in body;
}

function sentenceOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'The input does not fit.';
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  return `${where}${issue.message}`;
}
