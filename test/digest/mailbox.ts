import { buffer } from 'node:stream/consumers';
import { default as PostalMime } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { onTestFinished } from 'vitest';
import { type Mailbox, type MailboxOptions, type Refusal, startMailbox } from '../sandbox/mailbox.ts';

export type ReceivedMail = {
  /** as it came over the wire */
  raw: string;
  /** the envelope's */
  recipients: string[];
  subject: string;
  messageId: string;
  date: string;
  html: string;
  text: string;
  to: string[];
  headers: Map<string, string>;
};

export type TestMailbox = {
  /** for SMTP_URL */
  url: string;
  /** what was taken so far, oldest first */
  mails(): Promise<ReceivedMail[]>;
  refuseNext(refusal: Refusal): void;
  dropNext: Mailbox['dropNext'];
};

/** The sandbox's mailbox, with its mails parsed; closed when the test is over. */
export async function openMailbox(options: MailboxOptions = {}): Promise<TestMailbox> {
  const mailbox = await startMailbox(options);
  onTestFinished(mailbox.close);
  return {
    url: mailbox.smtpUrl,
    mails: () => Promise.all(mailbox.messages().map(({ id, to }) => parsed(mailbox.raw(id) ?? Buffer.alloc(0), to))),
    refuseNext: mailbox.refuseNext,
    dropNext: mailbox.dropNext,
  };
}

/**
 * A mail server that stops at each mail: it takes it only once `onMail` is done. For tests that do something to the
 * sender or to the database just then.
 */
export async function openSlowMailbox(onMail: () => Promise<void> | void): Promise<Pick<TestMailbox, 'url' | 'mails'>> {
  const taken: { raw: Buffer; to: string[] }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        await onMail();
        taken.push({ raw: Buffer.concat(chunks), to: session.envelope.rcptTo.map(({ address }) => address) });
        callback();
      });
    },
  });
  // The sender is killed in the middle: its connection breaks.
  server.on('error', () => undefined);
  return {
    url: await listening(server),
    mails: () => Promise.all(taken.map(({ raw, to }) => parsed(raw, to))),
  };
}

/** A mail server that speaks TLS from the first byte on, with a certificate that nobody has signed, and wants a password. */
export async function openSecureMailbox(): Promise<Pick<TestMailbox, 'url' | 'mails'>> {
  const taken: Buffer[] = [];
  const server = new SMTPServer({
    secure: true,
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, callback) =>
      username === 'sync' && password === 'right'
        ? callback(null, { user: username })
        : callback(Object.assign(new Error('no'), { responseCode: 535 })),
    onData: (stream, _session, callback) => {
      void buffer(stream).then((bytes) => {
        taken.push(bytes);
        callback();
      });
    },
  });
  server.on('error', () => undefined);
  const url = (await listening(server)).replace('smtp://', 'smtps://sync:right@');
  return { url, mails: () => Promise.all(taken.map((bytes) => parsed(bytes, []))) };
}

/** A mail server that answers every password with a reply of the test's. */
export async function openDoorkeeper(reply: { code: number; text: string }): Promise<{ url: string }> {
  const server = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth: (_auth, _session, callback) => callback(Object.assign(new Error(reply.text), { responseCode: reply.code })),
  });
  server.on('error', () => undefined);
  return { url: await listening(server) };
}

async function listening(server: SMTPServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the mail server has no port');
  return `smtp://127.0.0.1:${address.port}`;
}

async function parsed(bytes: Buffer, recipients: string[]): Promise<ReceivedMail> {
  const mail = await PostalMime.parse(bytes);
  return {
    raw: bytes.toString('utf8'),
    recipients,
    subject: mail.subject ?? '',
    messageId: mail.messageId ?? '',
    date: mail.date ?? '',
    html: mail.html ?? '',
    text: mail.text ?? '',
    to: (mail.to ?? []).map((to) => to.address ?? ''),
    headers: new Map(mail.headers.map(({ key, value }) => [key, value])),
  };
}
