import { Kysely, PostgresDialect } from 'kysely';
import { EXIT, type ExitCode, Failure } from '../runtime/failure.ts';
import { connectionPool, type Database, explained } from './database.ts';
import { checkSchema } from './migrate.ts';
import type { Tables } from './schema.ts';

/** The database as the status service sees it: it may be away, and come back, while the service goes on. */
export type Readings = {
  /**
   * Runs one reading.
   *
   * @throws Failure with a sentence that may be shown on a page (no host, no user in it) where the database cannot be
   *   reached, refuses, lacks the tables or does not answer in time; its cause says more, for the log.
   */
  read<T>(reading: (db: Database) => Promise<T>): Promise<T>;
  /**
   * Makes one change, at an operator's wish; throws as `read` does. Where the deadline passed, the change may still come
   * to be: it has to be one that does no harm when it is asked for again.
   */
  change<T>(change: (db: Database) => Promise<T>): Promise<T>;
  /** Makes sure that the database answers and that its schema fits this code; throws as `read` does. */
  check(): Promise<void>;
  /** Gives the connections back; waits for the readings that are under way. */
  close(): Promise<void>;
};

/**
 * Opens the readings of a service. Connects when first asked, not before: the service starts without its database.
 *
 * @param url `postgres://…`.
 * @param schema the schema of all tables.
 * @param deadline milliseconds that a reading may take, waiting for a connection included.
 */
export function openReadings(url: string, schema: string, deadline: number): Readings {
  // A reading that passed its deadline runs to its end on its connection: so few of them is also the most that a slow
  // database can be asked at once, whatever the number of scrapes and page views.
  const pool = connectionPool(url, 4);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }).withSchema(schema);

  async function read<T>(reading: (db: Database) => Promise<T>): Promise<T> {
    try {
      return await within(deadline, reading(db));
    } catch (error) {
      throw await presentable(error);
    }
  }

  async function presentable(error: unknown): Promise<unknown> {
    if (error instanceof Failure) return error;
    // A table or a right that is not there: the schema's own check has the better sentence, where it has one.
    if (codeOf(error, LACKING)) {
      const reason = await within(deadline, checkSchema(db, schema)).catch((reason: unknown) => reason);
      if (reason instanceof Failure) return reason;
    }
    const known = explained(error, url);
    if (!(known instanceof Failure)) return error;
    const sentence = codeOf(error, ['3D000']) ? NO_DATABASE : SENTENCES[known.exitCode];
    return new Failure(known.exitCode, sentence ?? CANNOT_BE_READ, { cause: known });
  }

  return {
    read,
    change: read,
    check: () => read(() => checkSchema(db, schema)),
    async close() {
      await db.destroy();
      // Kysely leaves a pool alone that it never used.
      if (!pool.ended && !pool.ending) await pool.end();
    },
  };
}

/** What a page may say of trouble that `explained` knows: its own sentences name the host. */
const SENTENCES: Partial<Record<ExitCode, string>> = {
  [EXIT.tryLater]: 'The database cannot be reached.',
  [EXIT.credentialsRefused]: 'The database refused this service’s user or password.',
};
const NO_DATABASE = 'The database that DATABASE_URL names does not exist.';
const CANNOT_BE_READ = 'The database cannot be read as it is configured; the service’s log says why.';

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Failure(EXIT.unexpected, `The database did not answer within ${milliseconds / 1000} seconds.`));
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    // Where the deadline won, nobody waits for the other any more, and its failure must not end the process.
    promise.catch(() => {});
  }
}

/** Postgres' undefined_table, undefined_column, invalid_schema_name, insufficient_privilege. */
const LACKING = ['42P01', '42703', '3F000', '42501'];

function codeOf(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
