import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImageFiles } from '../image/build.ts';
import { SCHEMA } from '../test/postgres/schema-name.ts';
import { startSandbox } from '../test/sandbox/sandbox.ts';
import { sandboxEnvironment } from '../test/services.ts';
import type { Claim } from './claims.ts';
import { createDatabase } from './database.ts';

/** What the product promises of its image: the first line of its log, in milliseconds from the process' start. */
export const MOST_FIRST_LINE_MS = 400;

/** Each command so many times, in turn. */
export const STARTS = 11;

/** Milliseconds until the first line of the log, and the machine's load over the last minute at the end. */
export type Started = { command: string; firstLine: Spread; load: number };
type Spread = { least: number; median: number; most: number };

/**
 * How soon what is in the image speaks: the bundle, as the image starts it, with a database and the sandbox to work
 * with. A container's own making is the cluster's matter, and not in it.
 *
 * @param postgresUrl a server with the right to create databases.
 */
export async function timeStarts(postgresUrl: string): Promise<Started[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-image-'));
  const sandbox = await startSandbox({ chats: 0 });
  try {
    await buildImageFiles(folder);
    const env = {
      ...sandboxEnvironment(sandbox, await createDatabase(postgresUrl, 'bench_image')),
      DATABASE_SCHEMA: SCHEMA,
      RULES_FILE: 'rules.yaml',
      STATUS_HOST: '127.0.0.1',
      STATUS_PORT: '0',
    };
    const commands = ['sync', 'digest', 'status'];
    const took = new Map(commands.map((command): [string, number[]] => [command, []]));
    // In turn, so that a busy minute of the machine is not all one command's.
    for (let start = 0; start < STARTS; start += 1) {
      for (const [command, times] of took) times.push(await firstLineOf(join(folder, 'cli.mjs'), command, env));
    }
    return [...took].map(([command, times]) => ({ command, firstLine: spread(times), load: loadavg()[0] ?? 0 }));
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true });
  }
}

/** What the starts have to show. */
export function startClaims(started: readonly Started[]): Claim[] {
  return started.map(({ command, firstLine }) => ({
    text: `${command}: the first line of the log within ${MOST_FIRST_LINE_MS} ms of the process' start, at the median of ${STARTS}`,
    holds: firstLine.median < MOST_FIRST_LINE_MS,
    found: `${firstLine.median.toFixed(0)} ms`,
  }));
}

/** Lets the program end by itself, but for the status service, which would not. */
async function firstLineOf(cli: string, command: string, env: Record<string, string>): Promise<number> {
  const begun = performance.now();
  const flags = ['--enable-source-maps', cli, command];
  const child = spawn(process.execPath, flags, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let firstLine: number | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    if (firstLine !== undefined || !chunk.includes('\n')) return;
    firstLine = performance.now() - begun;
    if (command === 'status') child.kill('SIGTERM');
  });
  const code = await new Promise((closed) => child.once('close', closed));
  if (code !== (command === 'status' ? 143 : 0)) throw new Error(`${command} ended with ${code}`);
  if (firstLine === undefined) throw new Error(`${command} ended without a line in its log`);
  return firstLine;
}

function spread(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { least: at(0), median: at(0.5), most: at(1) };
}
