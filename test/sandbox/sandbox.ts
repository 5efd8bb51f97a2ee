import { type Clock, createClock } from './clock.ts';
import { type Control, startControl } from './control.ts';
import { createFaults, type Faults } from './faults.ts';
import { generateChats } from './generator/generate.ts';
import { type LiveChatServer, startLiveChat } from './livechat/server.ts';
import { type Mailbox, startMailbox } from './mailbox.ts';
import { DEFAULT_LIMITS } from './marketo/limits.ts';
import { type MarketoOptions, type MarketoServer, startMarketo } from './marketo/server.ts';
import { createRandom } from './random.ts';

export type SandboxOptions = {
  /** The same seed makes the same chats, and faults by rate strike in the same places. 1 where left out. */
  seed?: number;
  /** Where all servers listen; 127.0.0.1 where left out, `::` is everywhere, of IPv4 as well. */
  host?: string;
  /** Ports; 0, any free port, where left out. */
  livechatPort?: number;
  marketoPort?: number;
  controlPort?: number;
  smtpPort?: number;
  /** Where the mailbox writes messages as files, beside keeping them. */
  mailFolder?: string;
  /** What the sandbox clock begins at; real time where left out. */
  start?: Date;
  /** Threads in the archive from the start, spread over the seven days before it; none where left out. */
  chats?: number;
  /** How many times faster than in life Marketo's window passes: 20 s divided by this. */
  timeScale?: number;
  /** Marketo's limits, behaviour, fields and first leads. */
  marketo?: Pick<MarketoOptions, 'limits' | 'behaviour' | 'customFields' | 'leads' | 'clients'>;
  /** LiveChat's behaviour. */
  livechat?: Pick<Parameters<typeof startLiveChat>[0], 'behaviour'>;
};

export type Sandbox = {
  clock: Clock;
  faults: Faults;
  livechat: LiveChatServer;
  marketo: MarketoServer;
  mailbox: Mailbox;
  control: Control;
  /** Addresses and credentials, as the control API's index tells them. */
  index(): SandboxIndex;
  /** Adds so many generated threads that begin within the last minute of the sandbox clock. */
  addChats(count: number): void;
  /** Empties everything back to the seeded start, clock, faults and latencies included. */
  reset(): void;
  close(): Promise<void>;
};

export type SandboxIndex = {
  livechat: { url: string; accountId: string; pat: string };
  marketo: { url: string; clientId: string; clientSecret: string };
  smtp: { url: string };
  control: { url: string };
};

/** The credentials of the sandbox's LiveChat account. */
export const LIVECHAT_ACCOUNT = {
  accountId: '7f4d6a52-3f0e-4c7b-9a57-0d6c1be0a001',
  pat: 'dal:sandboxLiveChatToken0123456789',
} as const;

/**
 * Starts the whole sandbox: LiveChat, Marketo, a mailbox, and the control API over them.
 *
 * @param options everything has a default: free ports, an empty archive, an empty Marketo
 * @returns the running sandbox
 * @throws Error when a port is taken; what had been started by then is closed again
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { seed = 1, host = '127.0.0.1', chats = 0, timeScale = 1 } = options;
  const startClock = () => options.start?.getTime() ?? Date.now();
  const clock = createClock(new Date(startClock()));
  const faults = createFaults(createRandom(seed));
  const limits = { windowMs: DEFAULT_LIMITS.windowMs / timeScale, ...options.marketo?.limits };

  const to = new Date(clock.now());
  const from = new Date(to.getTime() - ARCHIVE_DAYS * 86_400_000);
  const startThreads = chats === 0 ? [] : generateChats({ seed, count: chats, from, to });
  let generations = 0;

  const running: { close(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  };
  const keep = <T extends { close(): Promise<void> }>(server: T): T => {
    running.push(server);
    return server;
  };

  try {
    const livechat = keep(
      await startLiveChat({
        ...options.livechat,
        ...LIVECHAT_ACCOUNT,
        clock,
        faults,
        random: createRandom(seed + 1),
        host,
        port: options.livechatPort ?? 0,
      }),
    );
    const marketo = keep(
      await startMarketo({
        ...options.marketo,
        limits,
        clock,
        faults,
        random: createRandom(seed + 2),
        host,
        port: options.marketoPort ?? 0,
      }),
    );
    const mailbox = keep(
      await startMailbox({
        host,
        port: options.smtpPort ?? 0,
        ...(options.mailFolder === undefined ? {} : { folder: options.mailFolder }),
      }),
    );
    livechat.archive.addThreads(startThreads);

    const addresses = () => ({
      livechat: { url: livechat.url, ...LIVECHAT_ACCOUNT },
      marketo: {
        url: marketo.url,
        clientId: marketo.clients[0].clientId,
        clientSecret: marketo.clients[0].clientSecret,
      },
      smtp: { url: mailbox.smtpUrl },
    });
    function reset(): void {
      clock.set(startClock());
      faults.clear();
      marketo.reset();
      livechat.reset();
      livechat.archive.addThreads(startThreads);
      mailbox.clear();
      generations = 0;
    }

    function generate(wanted: { count: number; seed?: number; from: Date; to: Date }): number {
      // A seed makes the same ids again; each further batch takes the next one unless told otherwise.
      generations += 1;
      const isTaken = (threadId: string) => livechat.archive.thread(threadId) !== undefined;
      const threads = generateChats(
        wanted.seed === undefined ? { ...wanted, seed: seed + generations, isTaken } : { ...wanted, seed: wanted.seed },
      );
      livechat.archive.addThreads(threads);
      return threads.length;
    }
    function addChats(count: number): void {
      const now = clock.now();
      generate({ count, from: new Date(now - 60_000), to: new Date(now) });
    }

    const control: Control = keep(
      await startControl(
        {
          clock,
          faults,
          livechat,
          marketo,
          mailbox,
          index: () => index(),
          generate,
          reset,
        },
        { host, port: options.controlPort ?? 0 },
      ),
    );
    const index = (): SandboxIndex => ({ ...addresses(), control: { url: control.url } });
    return { clock, faults, livechat, marketo, mailbox, control, index, addChats, reset, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A week: more than any overlap or settling time, less than what makes a first run long. */
const ARCHIVE_DAYS = 7;
