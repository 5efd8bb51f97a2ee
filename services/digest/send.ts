import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { EXIT, Failure } from '../shared/runtime/failure.ts';
import { type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import { isNearby } from '../shared/runtime/nearby.ts';
import type { DigestMail } from '../shared/store/digests.ts';

export type OutgoingMail = DigestMail & {
  from: string;
  to: readonly string[];
  messageId: string;
  date: Instant;
};

export type Delivery = { /** addresses that the server took the mail for */ accepted: string[]; refused: number };

/** One sending never lasts longer, whatever the server does, in milliseconds: it must fit into the digest's lease. */
export const SEND_DEADLINE = 120_000;

/** How a mail is sent again that the server did not take for a passing reason. */
export type Patience = {
  /** How long is waited before each further sending, in milliseconds. */
  delays: readonly number[];
  /** Called before each sending; throws where it must not begin any more. */
  before: () => Promise<void>;
  onDelay: (failure: Failure, seconds: number) => void;
};

/**
 * Sends one mail through the server of SMTP_URL, and again where it was away for a moment. The same mail sent twice is the
 * same bytes: Message-ID, date and the boundary between its parts are given, not drawn. So where the server had taken it
 * and its answer got lost, the second is a duplicate, not another mail.
 *
 * @param smtpUrl `smtp://…` or `smtps://…`; nodemailer's connection options may follow as its query.
 * @param signal stops the sending; whether the server has taken the mail is then not known.
 * @returns for whom the server took it: for one recipient at the least.
 * @throws Failure 77 where the server refuses user or password, 75 for everything else that keeps it from taking the
 *   mail. Neither repeats what the server said, because servers repeat what they were told.
 */
export async function sendMail(
  smtpUrl: string,
  mail: OutgoingMail,
  signal: AbortSignal,
  { delays, before, onDelay }: Patience,
): Promise<Delivery> {
  for (let attempt = 0; ; attempt += 1) {
    await before();
    try {
      return await sendOnce(smtpUrl, mail, signal);
    } catch (error) {
      const failure = explained(error, smtpUrl);
      const delay = delays[attempt];
      if (signal.aborted || delay === undefined || !(failure instanceof Failure) || !isPassing(error)) throw failure;
      onDelay(failure, delay / 1000);
      await sleep(delay, undefined, { signal });
    }
  }
}

/**
 * Makes sure that the mail server can be reached, and takes user and password; sends nothing.
 *
 * @throws Failure 77 where it refuses user or password, 75 for everything else.
 */
export async function checkMailServer(smtpUrl: string): Promise<void> {
  const transport = connectTo(smtpUrl);
  try {
    await transport.verify();
  } catch (error) {
    throw explained(error, smtpUrl, 'no digest can be sent until then.');
  } finally {
    transport.close();
  }
}

function connectTo(smtpUrl: string) {
  return createTransport({
    url: smtpUrl,
    // A password must not cross a network in the clear because someone on the way took STARTTLS out of the greeting.
    requireTLS: hasPassword(smtpUrl) && !isNearby(new URL(smtpUrl).hostname),
    connectionTimeout: 20_000,
    greetingTimeout: 20_000,
    dnsTimeout: 20_000,
    socketTimeout: 60_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

async function sendOnce(smtpUrl: string, mail: OutgoingMail, signal: AbortSignal): Promise<Delivery> {
  const transport = connectTo(smtpUrl);
  try {
    const { accepted, rejected } = await transport.sendMail({
      ...messageOf(mail),
      signal: AbortSignal.any([signal, AbortSignal.timeout(SEND_DEADLINE)]),
    });
    return { accepted, refused: rejected.length };
  } finally {
    transport.close();
  }
}

/** The bytes that a server would be given, for a file. */
export async function renderMail(mail: OutgoingMail): Promise<Buffer> {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  const { message } = await transport.sendMail(messageOf(mail));
  return Buffer.isBuffer(message) ? message : buffer(message);
}

function messageOf(mail: OutgoingMail) {
  return {
    from: mail.from,
    to: [...mail.to],
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId: mail.messageId,
    date: new Date(millisecondsOf(mail.date)),
    baseBoundary: mail.messageId.replace(/[^A-Za-z0-9]/g, '').slice(0, 50),
    // RFC 3834: no holiday answers to a mail that a program wrote.
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** What of nodemailer's errors is looked at; their messages quote the server and are not. */
const SmtpError = z.object({
  code: z.string().regex(/^[A-Z_]+$/),
  originalCode: z
    .string()
    .regex(/^[A-Z0-9_]+$/)
    .optional()
    .catch(undefined),
  responseCode: z.number().optional().catch(undefined),
});

/** RFC 4954: the mechanism is too weak, the credentials are wrong, or are asked for; 538 asks for encryption first. */
const CREDENTIAL_REPLIES = [530, 534, 535, 538];

const KEPT = 'nothing is lost: the digest is kept, and the next run sends it.';

function explained(error: unknown, smtpUrl: string, later = KEPT): unknown {
  const parsed = SmtpError.safeParse(error);
  if (!parsed.success) return error;
  const { code, originalCode, responseCode } = parsed.data;
  const where = `The mail server at ${placeOf(smtpUrl)}`;
  if (isAboutCredentials(code, responseCode)) {
    return new Failure(
      EXIT.credentialsRefused,
      `${where} refused the user or the password in SMTP_URL (${responseCode ?? code}): correct it; ${later}`,
    );
  }
  if (responseCode !== undefined) {
    return new Failure(
      EXIT.tryLater,
      `${where} did not take the mail (it answered ${responseCode}): check DIGEST_FROM, DIGEST_TO and the server’s log; ${later}`,
    );
  }
  const why = originalCode ?? (code === 'EABORT' ? 'stopped, or no end after 120 s' : code);
  return new Failure(
    EXIT.tryLater,
    `${where} could not be reached, or broke off (${why}): check that it runs and that SMTP_URL names it; ${later}`,
  );
}

/** No connection, a broken one, or a 4xx, by which a server says that it cannot at the moment; its 5xx is its last word. */
function isPassing(error: unknown): boolean {
  const parsed = SmtpError.safeParse(error);
  if (!parsed.success) return false;
  const { code, originalCode = '', responseCode: reply } = parsed.data;
  if (reply !== undefined) return reply < 500 && !isAboutCredentials(code, reply);
  return !isAboutCredentials(code, reply) && !/CERT|SIGNATURE/.test(originalCode);
}

/** 4xx is a server that cannot tell at the moment. */
function isAboutCredentials(code: string, reply: number | undefined): boolean {
  if (reply !== undefined && CREDENTIAL_REPLIES.includes(reply)) return true;
  return code === 'EAUTH' && (reply === undefined || reply >= 500);
}

/** Host and port of the mail server, without user and password. */
export function placeOf(smtpUrl: string): string {
  const { protocol, hostname, port } = new URL(smtpUrl);
  return `${hostname}:${port || (protocol === 'smtps:' ? '465' : '587')}`;
}

function hasPassword(smtpUrl: string): boolean {
  return new URL(smtpUrl).password !== '';
}
