import { type Config, readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { instantOf } from '../shared/runtime/instant.ts';
import { createLog, type Logger } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { type Database, explained, openDatabase, SAVED } from '../shared/store/database.ts';
import { checkSchema } from '../shared/store/migrate.ts';
import { runDigest } from './digest.ts';
import { forgetPerson } from './forget.ts';
import { previewMail } from './preview.ts';

// Above the start, because what is declared below it does not exist yet while it runs.
const DATABASE_SETTINGS = ['DATABASE_URL', 'DATABASE_SCHEMA', 'LOG_LEVEL'] as const;

/** What a mail is made of. */
const MAIL_SETTINGS = [
  ...DATABASE_SETTINGS,
  'DIGEST_FROM',
  'DIGEST_TO',
  'DIGEST_TIME_ZONE',
  'DIGEST_HEARTBEAT',
  'STATUS_URL',
  'SYNC_INTERVAL',
  'MARKETO_DAILY_CALLS',
] as const;

const SETTINGS = [
  ...MAIL_SETTINGS,
  'SMTP_URL',
  'SYNC_OVERLAP',
  'RETENTION_VISITORS',
  'RETENTION_CHANGES',
  'RETENTION_ERRORS',
  'RETENTION_CALLS',
  'RETENTION_RUNS',
  'RETENTION_DIGESTS',
  'RUN_NAME',
] as const;

/** A mail server that restarts is back by then; what takes longer is for the next run. */
const RETRY_DELAYS = [2000, 10_000];

/** A sync of an hour's chats takes minutes. */
const PATIENCE_MS = 10 * 60_000;

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  // A page on standard output is what such a process was started for: the log must not stand between.
  const log = createLog('digest', 'info', process.argv.includes('--preview') ? 'stderr' : 'stdout');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), {
      preview: { type: 'boolean' },
      out: { type: 'string' },
      forget: { type: 'string' },
    });
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    if (flags.preview && flags.forget !== undefined)
      throw new Failure(EXIT.usage, '--preview and --forget are two things: give one of them. Try --help.');
    if (flags.out !== undefined && !flags.preview)
      throw new Failure(EXIT.usage, '--out says where --preview writes to: give both. Try --help.');
    if (flags.preview) return preview(log, flags.out ?? '.');
    if (flags.forget !== undefined) return forget(log, signal, flags.forget);
    return send(log, signal);
  });
}

async function send(log: Logger, signal: AbortSignal): Promise<ExitCode> {
  const config = configured(log, SETTINGS);
  // Before a word to anybody else, however slow they are: whoever watches a Job sees at once that it is at work.
  log.info('begins: the database first');
  return withDatabase(config, (db) =>
    runDigest({
      ...mailParts(config, db, log),
      signal,
      smtpUrl: config.SMTP_URL,
      retryDelays: RETRY_DELAYS,
      retention: {
        visitors: config.RETENTION_VISITORS,
        changes: config.RETENTION_CHANGES,
        errors: config.RETENTION_ERRORS,
        calls: config.RETENTION_CALLS,
        runs: config.RETENTION_RUNS,
        digests: config.RETENTION_DIGESTS,
        overlap: config.SYNC_OVERLAP,
      },
      runName: config.RUN_NAME,
    }),
  );
}

async function preview(log: Logger, folder: string): Promise<ExitCode> {
  const config = configured(log, MAIL_SETTINGS);
  return withDatabase(config, async (db) => {
    await previewMail({ ...mailParts(config, db, log), folder });
    return EXIT.done;
  });
}

async function forget(log: Logger, signal: AbortSignal, address: string): Promise<ExitCode> {
  const config = configured(log, DATABASE_SETTINGS);
  return withDatabase(config, async (db) => {
    await forgetPerson({ db, log, signal, patience: PATIENCE_MS }, address);
    return EXIT.done;
  });
}

function mailParts(config: Config<(typeof MAIL_SETTINGS)[number]>, db: Database, log: Logger) {
  return {
    db,
    log,
    now: instantOf(Date.now()),
    from: config.DIGEST_FROM,
    to: config.DIGEST_TO,
    timeZone: config.DIGEST_TIME_ZONE,
    heartbeat: config.DIGEST_HEARTBEAT,
    statusUrl: config.STATUS_URL,
    syncInterval: config.SYNC_INTERVAL,
    dailyCalls: config.MARKETO_DAILY_CALLS,
  };
}

/** The settings of the environment, by whose level the log goes from then on. */
function configured<const N extends (typeof SETTINGS)[number]>(
  log: Logger,
  names: readonly (N | 'LOG_LEVEL')[],
): Config<N | 'LOG_LEVEL'> {
  const config = readConfig(process.env, names);
  log.level = config.LOG_LEVEL;
  return config;
}

async function withDatabase(
  config: Config<(typeof DATABASE_SETTINGS)[number]>,
  body: (db: Database) => Promise<ExitCode>,
): Promise<ExitCode> {
  const db = await openDatabase(config.DATABASE_URL, config.DATABASE_SCHEMA);
  try {
    await checkSchema(db, config.DATABASE_SCHEMA);
    return await body(db);
  } catch (error) {
    throw explained(error, config.DATABASE_URL, SAVED);
  } finally {
    await db.destroy();
  }
}

function help(): string {
  return `Usage: digest [--preview [--out DIR] | --forget ADDRESS]

Sends one e-mail about the errors that no digest has carried yet, at most one a day; then takes away what has been kept
for long enough (RETENTION_…).

  --preview         writes the mail that would be sent now as .html and .eml; sends nothing, changes nothing
  --out DIR         where --preview writes to (this folder); - prints the .html, as a Job in a cluster must
  --forget ADDRESS  removes one person's data from every table, and says how many rows that were
  -h, --help        this text

Everything else is set by environment variables: docs/configuration.md lists them.

Exit codes: 0 done · 1 unforeseen · 64 usage · 69 the schema is newer · 75 try later · 77 mail server's user refused ·
78 configuration · 143, 130 told to stop (SIGTERM, Ctrl-C)
`;
}
