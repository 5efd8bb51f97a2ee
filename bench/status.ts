import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { loadavg } from 'node:os';
import { openDatabase } from '../services/shared/store/database.ts';
import { SCHEMA } from '../test/postgres/schema-name.ts';
import { fillLedger } from '../test/status/many.ts';
import type { Claim } from './claims.ts';
import { createDatabase } from './database.ts';

/** What the product promises of its page and its metrics. */
export const MOST_MS = 50;
export const PER_SECOND = 50;
export const AMOUNTS = { threads: 1_000_000, runs: 10_000, errors: 50_000, calls: 600_000 };

/** How long each address is asked. */
const SECONDS = 30;

/** How long answers took, in milliseconds, from when each was due to be asked for until its last byte. */
export type Answered = {
  path: string;
  answers: number;
  failures: number;
  firstMs: number;
  medianMs: number;
  p99Ms: number;
  mostMs: number;
  bytes: number;
  /** The machine's load over the last minute when the address had been asked. */
  load: number;
};

/**
 * The status service as a process of its own, over a database of years, asked 50 times a second for its page and then for
 * its metrics: on time, whether or not the last answer is there, so that a slow answer delays no question.
 *
 * @param postgresUrl a server with the right to create databases.
 */
export async function timeStatus(postgresUrl: string): Promise<Answered[]> {
  const url = await createDatabase(postgresUrl, 'bench_status');
  const db = await openDatabase(url, SCHEMA);
  await fillLedger(db, AMOUNTS);
  await db.destroy();
  const service = spawn(process.execPath, ['services/status/main.ts'], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: url, STATUS_HOST: '127.0.0.1', STATUS_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const address = await addressOf(service.stdout);
    const results: Answered[] = [];
    for (const path of ['/', '/metrics']) results.push(await ask(address, path));
    return results;
  } finally {
    service.kill('SIGTERM');
    await once(service, 'exit');
  }
}

/** What the answers have to show. */
export function statusClaims(results: readonly Answered[]): Claim[] {
  return results.map(({ path, p99Ms, failures }) => ({
    text: `${path} at ${PER_SECOND} requests a second: 99 of 100 answers within ${MOST_MS} ms, none fails`,
    holds: p99Ms < MOST_MS && failures === 0,
    found: `${p99Ms.toFixed(1)} ms, ${failures} failed`,
  }));
}

async function ask(address: string, path: string): Promise<Answered> {
  const agent = new Agent({ keepAlive: true });
  // The first answer waits for a reading of the database, as that of anybody does who asks once a minute: told apart.
  const asked = performance.now();
  await askOnce(address, path, agent);
  const firstMs = performance.now() - asked;
  const took: number[] = [];
  let [failures, bytes] = [0, 0];
  const begun = performance.now();
  const questions: Promise<void>[] = [];
  for (let number = 0; number < SECONDS * PER_SECOND; number++) {
    const due = begun + (number * 1000) / PER_SECOND;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    questions.push(
      askOnce(address, path, agent).then(
        (size) => {
          took.push(performance.now() - due);
          bytes = size;
        },
        () => {
          failures += 1;
        },
      ),
    );
  }
  await Promise.all(questions);
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.min(took.length - 1, Math.ceil(took.length * share) - 1)] ?? Number.NaN;
  const load = loadavg()[0] ?? 0;
  return {
    path,
    answers: took.length,
    failures,
    firstMs,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    mostMs: at(1),
    bytes,
    load,
  };
}

/** Asks once. @returns the length of the answer */
function askOnce(address: string, path: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(`${address}${path}`, { agent, headers: { accept: 'text/html' } }, (response) => {
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(size) : reject(new Error(`answered ${response.statusCode}`)),
      );
    }).on('error', reject);
  });
}

/** The service says in its log where it listens; what it says later is let go. */
function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    output.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-10_000);
      const address = /listening on (http:\/\/[\d.:]+)/.exec(said)?.[1];
      if (address !== undefined) resolve(address);
    });
    output.on('end', () => reject(new Error(`the status service ended: ${said}`)));
  });
}
