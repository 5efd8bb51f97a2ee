import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../services/shared/store/database.ts';
import { freePort } from '../free-port.ts';
import { emptyDatabase, SCHEMA } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment } from '../services.ts';

// Debian puts it where only root's PATH looks.
const program = ['pgbouncer', '/usr/sbin/pgbouncer'].find((name) => spawnSync(name, ['--version']).status === 0);
const installed = program !== undefined;
if (!installed) process.stderr.write('SKIPPED: Debian’s pgbouncer is not installed, so nothing was run through it.\n');

test.skipIf(!installed)(
  'everything works behind PgBouncer in transaction mode, with two connections for all',
  async () => {
    const { url, drop } = await emptyDatabase();
    onTestFinished(drop);
    const bouncer = await startBouncer(url);
    const sandbox = await startSandbox({ chats: 200 });
    onTestFinished(() => sandbox.close());
    const env = { ...sandboxEnvironment(sandbox, bouncer), SYNC_FROM: '2020-01-01T00:00:00Z', SYNC_SETTLE: '1s' };
    // Pods that start together: with Kysely's own lock, which belongs to a session, they hung here now and then.
    const migrated = await Promise.all(Array.from({ length: 5 }, () => runService('migrate', env)));
    expect(migrated.map(({ code, output }) => (code === 0 ? '' : output)).join('')).toBe('');
    for (const service of ['sync', 'digest'] as const) {
      const ended = await runService(service, env);
      expect(ended.code, ended.output).toBe(0);
    }
    const db = await openDatabase(url, SCHEMA);
    onTestFinished(() => db.destroy());
    const synced = await db.selectFrom('chat_thread').select('thread_id').where('state', '=', 'synced').execute();
    expect(synced.length).toBeGreaterThan(100);
    // What was taken was given back: the rate rows for a window from now, nothing in flight.
    const held = await db.selectFrom('slot').select(['kind', 'holder']).where('holder', 'is not', null).execute();
    expect(held).toEqual([]);
    // Nor is a lock of the migration left behind with a connection that others get.
    const locks = await sql`
      select from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`.execute(db);
    expect(locks.rows).toHaveLength(0);
  },
  60_000,
);

/** @returns the database's address by way of a PgBouncer that gives a connection for one transaction only */
async function startBouncer(databaseUrl: string): Promise<string> {
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl);
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
* = host=${hostname} port=${serverPort} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`,
  );
  // It refuses to run as root.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(program ?? '', [file], { ...nobody, stdio: 'ignore' });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  for (let patience = 100; !(await answers(port)); patience -= 1) {
    if (patience === 0) throw new Error('PgBouncer did not start');
    await sleep(50);
  }
  return `postgres://${username}:unused@127.0.0.1:${port}${pathname}`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
