import type { InternalAxiosRequestConfig } from 'axios';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll } from 'vitest';
import { readConfig } from '../../services/shared/runtime/config.ts';
import type { ExitCode } from '../../services/shared/runtime/failure.ts';
import { connectionPool, type Database } from '../../services/shared/store/database.ts';
import { runSync, SYNC_SETTINGS } from '../../services/sync/run.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { rulesFile } from '../rules-file.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../services.ts';
import { type Death, type Lived, live } from './mortal.ts';

export const RULES = `version: 1
fields:
  - { field: leadSource, value: LiveChat, write: on-create }
  - { field: firstName, from: visitor.firstName, write: if-empty }
  - { field: lastName, from: visitor.lastName, write: if-empty }
  - { field: lastChatRating, from: thread.rating.score, write: always }
  - { field: chatTags, from: thread.tags, write: always }
`;

/** The sandbox's first moment, and where a first run starts to read: nothing happens before. */
export const BEGINNING = new Date('2026-06-01T12:00:00Z');

export type RunOptions = {
  death?: Death | undefined;
  /** Settings beside those of every run. */
  env?: Record<string, string>;
  /** What this machine's clock says all through the run, in milliseconds since 1970; LiveChat's time where left out. */
  machineTime?: number;
  /** Aborted, it tells the run to stop. */
  signal?: AbortSignal | undefined;
  onRequest?: (request: InternalAxiosRequestConfig) => void;
};

export type World = {
  sandbox: Sandbox;
  db: Database;
  /** The environment of every run. */
  env: Record<string, string>;
  /** What minutes would do that no test has: leases and slots of a dead run end, its heartbeat grows old. */
  passTime(): Promise<void>;
  /** One run of the real sync, which may die. Then time passes: what it held runs out, as in life. */
  run(options?: RunOptions): Promise<Lived<ExitCode>>;
  /** Back to the beginning: an empty database, an empty sandbox. */
  reset(): Promise<void>;
};

/** A sandbox, a database of its own, and the sync between them: in this process, so that thousands of runs take minutes. */
export async function startWorld(): Promise<World> {
  const { db, url } = await testDatabase();
  const sandbox = await startSandbox({
    start: BEGINNING,
    marketo: {
      // One name among those of the tests makes Marketo refuse the lead.
      behaviour: { refuseValues: [{ field: 'email', pattern: /^(?:dan|refused)@/i }] },
      // Marketo's limits have tests of their own; here, runs follow each other faster than any limit allows.
      limits: { callsPerWindow: 1_000_000, concurrency: 100, windowMs: 1000, dailyCalls: 1_000_000_000 },
    },
  });
  // Nothing here is about a server that dies: commits need not wait for its disk.
  const pool = connectionPool(`${url}?options=${encodeURIComponent('-c synchronous_commit=off')}`, 8);
  afterAll(async () => {
    await pool.end();
    await sandbox.close();
  });
  const standard = {
    ...sandboxEnvironment(sandbox, url),
    RULES_FILE: rulesFile(RULES),
    SYNC_FROM: BEGINNING.toISOString(),
    MARKETO_WINDOW_SECONDS: '1',
    MARKETO_CALLS_PER_WINDOW: '100',
    MARKETO_CONCURRENCY: '10',
    MARKETO_DAILY_CALLS: '10000000',
    MARKETO_DAILY_QUOTA: '10000000',
  };
  const log = pino({ level: 'silent' });

  return {
    sandbox,
    db,
    env: standard,
    passTime: () => passTime(db),
    async run({
      death,
      env,
      machineTime = sandbox.clock.now(),
      signal = new AbortController().signal,
      onRequest,
    } = {}) {
      const config = readConfig({ ...standard, ...env }, SYNC_SETTINGS);
      const lived = await live(pool, (mortal) => runSync(config, mortal, log, signal, () => machineTime), {
        death,
        ...(onRequest ? { onRequest } : {}),
      });
      await passTime(db);
      return lived;
    },
    async reset() {
      sandbox.reset();
      await emptyTables(db);
    },
  };
}

async function passTime(db: Database): Promise<void> {
  const table = (name: string) => sql.table(`${SCHEMA}.${name}`);
  await sql`
    with leases as (delete from ${table('lease')}),
      slots as (update ${table('slot')} set free_at = '-infinity', holder = null where free_at > '-infinity'),
      heartbeats as (
        update ${table('run')} set heartbeat_at = heartbeat_at - interval '1 hour' where finished_at is null
      )
    update ${table('limit_state')}
      set paused_until = null, cap = calls_per_window, reduced_at = null where reduced_at is not null
  `.execute(db);
}

/** Rows are few, and deleting few rows is a tenth of the time that truncating takes. */
async function emptyTables(db: Database): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = ${SCHEMA} and tablename not like 'kysely%'
  `.execute(db);
  const deletions = rows.map(({ name }) => `emptied_${name} as (delete from ${SCHEMA}.${name})`);
  await sql.raw(`with ${deletions.join(', ')} select 1`).execute(db);
}
