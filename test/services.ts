import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Sandbox } from './sandbox/sandbox.ts';

export type ServiceName = 'sync' | 'digest' | 'status' | 'migrate' | 'doctor';
export type LogLine = { level: string; msg: string; [key: string]: unknown };
export type Ended = { code: number | null; signal: NodeJS.Signals | null; lines: LogLine[]; output: string };

/** A service as a real process of its own. */
export type Running = {
  pid: number;
  /** Everything that it has written so far, parsed where it is JSON. */
  lines: LogLine[];
  /** Everything that it has written so far, as text. */
  output(): string;
  ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
};

/** The environment with which every service works against the sandbox and this database, and nothing of our own. */
export function sandboxEnvironment(sandbox: Sandbox, databaseUrl: string): Record<string, string> {
  const { livechat, marketo, smtp } = sandbox.index();
  return {
    DATABASE_URL: databaseUrl,
    LIVECHAT_ENDPOINT: livechat.url,
    LIVECHAT_ACCOUNT_ID: livechat.accountId,
    LIVECHAT_PAT: livechat.pat,
    MARKETO_ENDPOINT: `${marketo.url}/rest`,
    MARKETO_CLIENT_ID: marketo.clientId,
    MARKETO_CLIENT_SECRET: marketo.clientSecret,
    SMTP_URL: smtp.url,
    DIGEST_FROM: 'LiveChat to Marketo <sync@shop.example>',
    DIGEST_TO: 'marketing-operations@shop.example',
  };
}

/**
 * Starts a service's real entry point.
 *
 * @param env the whole environment of the process but for PATH.
 * @param onLine told of each line of its log as it comes.
 */
export function startService(
  name: ServiceName,
  env: Record<string, string>,
  args: readonly string[] = [],
  onLine?: (line: LogLine) => void,
): Running {
  const child = spawn(process.execPath, [`services/${name}/main.ts`, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  let output = '';
  createInterface({ input: child.stdout }).on('line', (text) => {
    output += `${text}\n`;
    const line = parseLine(text);
    if (!line) return;
    lines.push(line);
    onLine?.(line);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, lines, output }));
  });
  return { pid: child.pid ?? 0, lines, output: () => output, ended, kill: (signal) => void child.kill(signal) };
}

/** Starts a service and waits for its end. */
export async function runService(
  name: ServiceName,
  env: Record<string, string>,
  args: readonly string[] = [],
  onLine?: (line: LogLine) => void,
): Promise<Ended> {
  return startService(name, env, args, onLine).ended;
}

function parseLine(text: string): LogLine | undefined {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null && 'msg' in line && 'level' in line) {
      return { ...line, msg: String(line.msg), level: String(line.level) };
    }
  } catch {
    // Not a line of the log: kept in the output.
  }
  return undefined;
}
