import { parseArgs } from 'node:util';
import { type SandboxIndex, startSandbox } from './sandbox.ts';

const HELP = `Starts LiveChat, Marketo and a mailbox to run against, and a control API over them.

Usage: npm run sandbox -- [flags]

  --seed N             what is random comes out the same for the same seed (default 1)
  --host HOST          where the servers listen (default 127.0.0.1); :: is everywhere
  --control-port N     control API (default 7400)
  --livechat-port N    LiveChat (default 7401)
  --marketo-port N     Marketo (default 7402)
  --smtp-port N        mailbox (default 7425)
  --mail-folder DIR    write every message there as a file
  --chats N            threads in the archive, spread over the last seven days (default 1000)
  --chats-per-minute N as many more come each minute (default 0)
  --time-scale S       Marketo's window of 20 s passes S times faster (default 1)
  --help               this text

Ends on SIGINT and SIGTERM.
`;

process.exitCode = await main();

/** Runs until a signal; exit code 0, 64 for flags that mean nothing, 1 where the sandbox cannot start. */
async function main(): Promise<number> {
  let options: ReturnType<typeof readFlags>;
  try {
    options = readFlags();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 64;
  }
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  // Listening for the signals comes first: one that arrives during the start must not kill the process halfway.
  const ended = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  try {
    const sandbox = await startSandbox(options);
    process.stdout.write(describe(sandbox.index(), options.chats));
    const trickle =
      options.chatsPerMinute > 0 ? setInterval(() => sandbox.addChats(options.chatsPerMinute), 60_000) : undefined;
    await ended;
    clearInterval(trickle);
    await sandbox.close();
    return 0;
  } catch (error) {
    process.stderr.write(`The sandbox could not start: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function readFlags() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      host: { type: 'string', default: '127.0.0.1' },
      'livechat-port': { type: 'string', default: '7401' },
      'marketo-port': { type: 'string', default: '7402' },
      'control-port': { type: 'string', default: '7400' },
      'smtp-port': { type: 'string', default: '7425' },
      'mail-folder': { type: 'string' },
      chats: { type: 'string', default: '1000' },
      'chats-per-minute': { type: 'string', default: '0' },
      'time-scale': { type: 'string', default: '1' },
    },
  });
  if (values.help) return undefined;
  const folder = values['mail-folder'];
  return {
    seed: whole('seed', values.seed, 0, 0x7fffffff),
    host: values.host,
    livechatPort: whole('livechat-port', values['livechat-port'], 0, 65_535),
    marketoPort: whole('marketo-port', values['marketo-port'], 0, 65_535),
    controlPort: whole('control-port', values['control-port'], 0, 65_535),
    smtpPort: whole('smtp-port', values['smtp-port'], 0, 65_535),
    chats: whole('chats', values.chats, 0, 1_000_000),
    chatsPerMinute: whole('chats-per-minute', values['chats-per-minute'], 0, 10_000),
    timeScale: number('time-scale', values['time-scale'], 0.01, 1_000),
    ...(folder === undefined ? {} : { mailFolder: folder }),
  };
}

function whole(flag: string, text: string, from: number, to: number): number {
  const value = number(flag, text, from, to);
  if (!Number.isInteger(value)) throw new Error(`--${flag} takes a whole number, not ${text}.`);
  return value;
}

function number(flag: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= from && value <= to)) {
    throw new Error(`--${flag} takes a number from ${from} to ${to}, not ${text}.`);
  }
  return value;
}

function describe({ livechat, marketo, smtp, control }: SandboxIndex, chats: number): string {
  return `The sandbox runs. ${chats} chats are in the archive; Marketo has no leads yet.

export LIVECHAT_ENDPOINT=${livechat.url}
export LIVECHAT_ACCOUNT_ID=${livechat.accountId}
export LIVECHAT_PAT=${livechat.pat}
export MARKETO_ENDPOINT=${marketo.url}
export MARKETO_CLIENT_ID=${marketo.clientId}
export MARKETO_CLIENT_SECRET=${marketo.clientSecret}
export SMTP_URL=${smtp.url}
export DIGEST_FROM=sync@shop.example DIGEST_TO=you@shop.example

Control API: ${control.url}

  curl ${control.url}/
  curl ${control.url}/clock -d '{"shiftMs": 3600000}'
  curl ${control.url}/faults -d '{"server": "marketo", "endpoint": "leads-sync", "effect": {"kind": "html", "status": 502}, "when": "after", "times": 1}'
  curl ${control.url}/marketo/report
  curl -X POST ${control.url}/reset

Ctrl-C ends it.
`;
}
