import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerAuthentication } from 'smtp-server';
import { bound } from './listen.ts';

export type MailboxOptions = {
  /** 127.0.0.1 where left out. */
  host?: string;
  /** 0, any free port, where left out. */
  port?: number;
  /** Messages are written there too, as .eml files; it is made where it is missing. */
  folder?: string;
  /** Who may send. Left out, everybody may, with whatever credentials. */
  auth?: { user: string; pass: string };
  /**
   * Offers STARTTLS, with the certificate that smtp-server brings along: self-signed, its key published, good for tests
   * only. A client must be told to accept it.
   */
  tls?: boolean;
};

export type StoredMessage = {
  id: string;
  /** When it was accepted: RFC 3339, real time. */
  receivedAt: string;
  /** The envelope, which the headers may contradict. An empty sender is a bounce's. */
  from: string;
  to: string[];
  /** Length in bytes. */
  size: number;
  /** The .eml file, where there is a folder. */
  file: string | undefined;
};

export type Refusal = {
  /** The SMTP reply code: 4xx says try later, 5xx never. */
  code: number;
  text: string;
  /** At which command; at DATA after the whole message has been sent. */
  at: 'rcpt' | 'data';
  /** How many such commands; one where left out. A message to three people has three RCPT commands. */
  times?: number;
};

export type Mailbox = {
  port: number;
  /** Such as smtp://127.0.0.1:7425, with the credentials in it where there are any. */
  smtpUrl: string;
  /** The messages accepted so far, oldest first. */
  messages(): StoredMessage[];
  /** A message as it was sent, headers and all; undefined for an unknown id. */
  raw(id: string): Buffer | undefined;
  /** Refuses the next commands. Refusals at one command follow each other in the order they were asked for. */
  refuseNext(refusal: Refusal): void;
  /**
   * Cuts the connection once a message has been taken in: 'before-answer', the sender never learns that it was, or
   * 'after-answer', the sender learns it and cannot say goodbye.
   */
  dropNext(when: 'before-answer' | 'after-answer', times?: number): void;
  /** Forgets all messages and refusals. Files stay. */
  clear(): void;
  close(): Promise<void>;
};

/**
 * Starts a mailbox: an SMTP server that takes every message in and delivers none.
 *
 * @param options its address, who may send, and where to keep the messages beside memory
 * @returns the mailbox, listening
 * @throws Error where the port is taken or the folder cannot be made
 */
export async function startMailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const { host = '127.0.0.1', port: wantedPort = 0, folder, auth, tls = false } = options;
  if (folder !== undefined) await mkdir(folder, { recursive: true });

  let messages: { message: StoredMessage; raw: Buffer }[] = [];
  let refusals: Required<Refusal>[] = [];
  let drops: ('before-answer' | 'after-answer')[] = [];
  const sockets = new Map<number, Socket>();

  const server = new SMTPServer({
    // An explicit false also keeps smtp-server from warning about its own certificate.
    logger: false,
    authOptional: auth === undefined,
    // Without STARTTLS to offer, credentials come in clear text or not at all.
    allowInsecureAuth: !tls,
    disabledCommands: tls ? [] : ['STARTTLS'],
    disableReverseLookup: true,
    // Clients that are still connected at close() are not waited for.
    closeTimeout: 100,
    onAuth(given, _session, callback) {
      if (isWelcome(given, auth)) return callback(null, { user: given.username ?? 'anybody' });
      return callback(smtpError(535, 'Invalid username or password'));
    },
    onRcptTo(_address, _session, callback) {
      callback(refusalAt('rcpt'));
    },
    onData(stream, session, callback) {
      void takeIn().catch((error: unknown) => callback(smtpError(451, String(error))));

      async function takeIn(): Promise<void> {
        const raw = await buffer(stream);
        const refusal = refusalAt('data');
        if (refusal !== undefined) return callback(refusal);
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        const id = await keep(
          raw,
          from,
          rcptTo.map(({ address }) => address),
        );
        const drop = drops.shift();
        const socket = sockets.get(session.remotePort);
        if (drop === 'before-answer') {
          socket?.destroy();
          return;
        }
        callback(null, `OK: queued as ${id}`);
        // end() sends what is written, the answer among it, before it closes.
        if (drop === 'after-answer') setImmediate(() => socket?.end());
      }
    },
  });
  // A client that vanishes in the middle is part of the game.
  server.on('error', () => undefined);

  function refusalAt(at: Refusal['at']): (Error & { responseCode: number }) | undefined {
    const refusal = refusals.find((one) => one.at === at);
    if (refusal === undefined) return undefined;
    refusal.times -= 1;
    if (refusal.times <= 0) refusals = refusals.filter((one) => one !== refusal);
    return smtpError(refusal.code, refusal.text);
  }

  async function keep(raw: Buffer, from: string, to: string[]): Promise<string> {
    const id = randomUUID().slice(0, 8);
    const receivedAt = new Date().toISOString();
    // No colons in the name: not every file system takes them.
    const file = folder === undefined ? undefined : join(folder, `${receivedAt.replaceAll(':', '-')}-${id}.eml`);
    if (file !== undefined) await writeFile(file, raw);
    messages.push({ message: { id, receivedAt, from, to, size: raw.length, file }, raw });
    return id;
  }

  const listener = server.listen(wantedPort, bound(host));
  await new Promise<void>((resolve, reject) => {
    listener.once('listening', resolve);
    listener.once('error', reject);
  });
  listener.on('connection', (socket: Socket) => {
    const { remotePort } = socket;
    if (remotePort === undefined) return;
    sockets.set(remotePort, socket);
    socket.once('close', () => sockets.delete(remotePort));
  });
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : wantedPort;
  const credentials = auth === undefined ? '' : `${encodeURIComponent(auth.user)}:${encodeURIComponent(auth.pass)}@`;

  return {
    port,
    smtpUrl: `smtp://${credentials}${host === '::' ? 'localhost' : host}:${port}`,
    messages: () => messages.map(({ message }) => ({ ...message, to: [...message.to] })),
    raw: (id) => messages.find(({ message }) => message.id === id)?.raw,
    refuseNext(refusal) {
      refusals.push({ times: 1, ...refusal });
    },
    dropNext(when, times = 1) {
      drops.push(...Array.from({ length: times }, () => when));
    },
    clear() {
      messages = [];
      refusals = [];
      drops = [];
    },
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function isWelcome(given: SMTPServerAuthentication, auth: MailboxOptions['auth']): boolean {
  return auth === undefined || (given.username === auth.user && given.password === auth.pass);
}

function smtpError(code: number, text: string): Error & { responseCode: number } {
  return Object.assign(new Error(text), { responseCode: code });
}
