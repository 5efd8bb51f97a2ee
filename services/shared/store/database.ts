import { Kysely, PostgresAdapter, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { EXIT, Failure } from '../runtime/failure.ts';
import { parseInstant } from '../runtime/instant.ts';
import type { Tables } from './schema.ts';

export type Database = Kysely<Tables>;
export type DatabaseTransaction = Transaction<Tables>;

/**
 * Opens the database and makes sure that it answers.
 *
 * Nothing here, nor in any statement of this folder, depends on the state of a connection: every table is named with
 * its schema, every lock is a row or ends with its transaction. So PgBouncer may stand between, in transaction mode.
 *
 * @param url `postgres://…`; its password never appears in what is thrown.
 * @param schema the schema of all tables.
 * @param options `connections`: at most so many at once (default 4); `answersWithin`: how long a statement may take, in
 *   milliseconds (default a minute).
 * @throws Failure 75 where it does not answer, 77 where it refuses user or password, 78 where it does not exist.
 */
export async function openDatabase(
  url: string,
  schema: string,
  options: { connections?: number; answersWithin?: number } = {},
): Promise<Database> {
  const pool = connectionPool(url, options.connections ?? 4, options.answersWithin);
  const db = new Kysely<Tables>({ dialect: new Dialect({ pool }) }).withSchema(schema);
  try {
    await pool.query('select 1');
    return db;
  } catch (error) {
    await pool.end();
    throw explained(error, url);
  }
}

/**
 * Without the lock that Kysely's migrator takes by itself: it belongs to the session, and behind PgBouncer it would stay
 * with a connection that somebody else gets. `migrate` has one that ends with its transaction.
 */
class Dialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return Object.assign(new PostgresAdapter(), { acquireMigrationLock: nothing, releaseMigrationLock: nothing });
  }
}

async function nothing(): Promise<void> {}

/** The connections of `openDatabase`, without waiting for the first: for a service that starts before its database. */
export function connectionPool(url: string, connections: number, answersWithin = 60_000): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // A database that has gone silent (a half-open connection, a frozen host) must end the run, not hang it.
    query_timeout: answersWithin,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'livechat-marketo-sync',
    types: { getTypeParser: parserFor },
  });
  // An idle connection that breaks (a failover, a restart) must not end the process: the next query opens another.
  pool.on('error', () => {});
  return pool;
}

/** What sync and digest say of a database that goes away while they are at work; see `explained`. */
export const SAVED = 'what was done is saved, the next run goes on';

/**
 * A database error as its user should read it; an error that is not about reaching the database comes back as it is.
 *
 * @param error what a query or a connection threw.
 * @param url where it went; only host, port and database name are shown.
 * @param meanwhile what more there is to say where the database went away, as the end of a sentence.
 */
export function explained(error: unknown, url: string, meanwhile = ''): unknown {
  if (error instanceof Failure) return error;
  const code = errorCode(error);
  const { hostname, port, pathname } = new URL(url);
  const where = `Postgres at ${hostname}:${port || '5432'}`;
  const name = pathname.slice(1) || 'postgres';
  const message = error instanceof Error ? error.message : '';
  if (code === '28000' && /no encryption|SSL off/.test(message)) {
    return new Failure(
      EXIT.configuration,
      `${where} wants TLS: add ?sslmode=verify-full to DATABASE_URL, or set PGSSLMODE=verify-full.`,
      { cause: error },
    );
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)/.test(code ?? '')) {
    return new Failure(
      EXIT.configuration,
      `The certificate of ${where} is not trusted (${code}): name its authority in NODE_EXTRA_CA_CERTS, or correct the host in DATABASE_URL.`,
      { cause: error },
    );
  }
  if (code === '28P01' || code === '28000' || /^SASL:/.test(message)) {
    return new Failure(
      EXIT.credentialsRefused,
      `${where} refused the user or the password in DATABASE_URL: correct it.`,
      { cause: error },
    );
  }
  if (code === '3D000') {
    return new Failure(EXIT.configuration, `${where} has no database "${name}": create it, or correct DATABASE_URL.`, {
      cause: error,
    });
  }
  if (code === '42501') {
    return new Failure(
      EXIT.configuration,
      `${where} does not let the user in DATABASE_URL do this (${message}): grant it; in the product’s schema, migrate does so for the role in DATABASE_GRANT_TO (in the chart: migrations.grantTo).`,
      { cause: error },
    );
  }
  if (error instanceof Error && /does not support SSL/.test(error.message)) {
    return new Failure(
      EXIT.configuration,
      `${where} does not offer TLS, which DATABASE_URL asks for (sslmode), or PGSSLMODE: correct one of them.`,
      { cause: error },
    );
  }
  if (code !== undefined && isUnreachable(code)) {
    return new Failure(
      EXIT.tryLater,
      `${where} could not be reached (${code}): check that it runs and that DATABASE_URL names it${meanwhile === '' ? '' : `; ${meanwhile}`}.`,
      { cause: error },
    );
  }
  return error;
}

function errorCode(error: unknown): string | undefined {
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /timeout|Connection terminated/i.test(error.message) ? 'ETIMEDOUT' : undefined;
}

/** Sockets and name look-ups, and Postgres' own 08 (connection, but not 08P01, a broken protocol), 53 (too many), 57P0 (shutting down). */
function isUnreachable(code: string): boolean {
  return /^(?:ECONN[A-Z]+|E(?:TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|AI_AGAIN|ADDRNOTAVAIL)|ENOTFOUND|0800.|53...|57P0.)$/.test(
    code,
  );
}

const TIMESTAMPTZ = 1184;
const BIGINT = 20;

function parserFor(oid: number, format?: 'text' | 'binary') {
  if (format !== 'binary' && oid === TIMESTAMPTZ) return instantFromPostgres;
  // Ids and counts stay far below 2^53.
  if (format !== 'binary' && oid === BIGINT) return Number;
  return pg.types.getTypeParser(oid, format);
}

/** Infinity, which slots begin with, is no instant, and is never compared with one outside the database. */
function instantFromPostgres(text: string): string {
  const instant = parseInstant(text);
  if (instant === undefined && !text.endsWith('infinity'))
    throw new Error(`Postgres sent a time that is none: ${text}`);
  return instant ?? text;
}
