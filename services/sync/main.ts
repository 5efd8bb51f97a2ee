import { readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { explained, openDatabase } from '../shared/store/database.ts';
import { checkSchema } from '../shared/store/migrate.ts';
import { dryRun } from './dry-run.ts';
import { explain } from './explain.ts';
import { rulesOf, runSync, SYNC_SETTINGS } from './run.ts';

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const isRead =
    process.argv.includes('--dry-run') || process.argv.includes('--explain') || process.env['SYNC_DRY_RUN'] === 'true';
  const log = createLog('sync', 'info', isRead ? 'stderr' : 'stdout');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), {
      from: { type: 'string' },
      to: { type: 'string' },
      audit: { type: 'string' },
      thread: { type: 'string' },
      explain: { type: 'boolean' },
      'dry-run': { type: 'boolean' },
      json: { type: 'boolean' },
      'show-values': { type: 'boolean' },
    });
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    if ((flags.thread === undefined) !== (flags.explain === undefined)) {
      throw new Failure(EXIT.usage, 'A thread is explained with both, --thread ID and --explain. Try --help.');
    }
    const config = readConfig(withFlags(process.env, flags), SYNC_SETTINGS);
    log.level = config.LOG_LEVEL;
    const db = await openDatabase(config.DATABASE_URL, config.DATABASE_SCHEMA);
    try {
      await checkSchema(db, config.DATABASE_SCHEMA);
      if (!isRead) return await runSync(config, db, log, signal, Date.now);
      const printer = {
        write: (text: string) => void process.stdout.write(text),
        json: flags.json === true,
        showValues: config.SYNC_SHOW_VALUES ?? process.stdout.isTTY === true,
      };
      const parts = { config, db, rules: rulesOf(config), log, signal, clock: Date.now };
      return flags.thread === undefined ? await dryRun(parts, printer) : await explain(parts, flags.thread, printer);
    } catch (error) {
      throw explained(error, config.DATABASE_URL);
    } finally {
      await db.destroy();
    }
  });
}

type Flags = {
  from?: string | undefined;
  to?: string | undefined;
  audit?: string | undefined;
  'dry-run'?: boolean | undefined;
  'show-values'?: boolean | undefined;
};

/** A flag is its variable, said louder. */
function withFlags(env: NodeJS.ProcessEnv, flags: Flags): NodeJS.ProcessEnv {
  return {
    ...env,
    ...(flags.from === undefined ? {} : { SYNC_FROM: flags.from }),
    ...(flags.to === undefined ? {} : { SYNC_TO: flags.to }),
    ...(flags.audit === undefined ? {} : { SYNC_AUDIT: flags.audit }),
    ...(flags['dry-run'] ? { SYNC_DRY_RUN: 'true' } : {}),
    ...(flags['show-values'] ? { SYNC_SHOW_VALUES: 'true' } : {}),
  };
}

/** A function, not a constant: the line at the top of this file runs before any constant below it is there. */
function help(): string {
  return `Usage: sync [--from INSTANT] [--to INSTANT] [--dry-run [--json] [--show-values]]
       sync --audit DAY
       sync --thread ID --explain [--json] [--show-values]

Copies what LiveChat learnt about a website's visitors into Marketo, once: from where the last run ended.

  --from INSTANT  where the very first run starts; with --to, the start of a backfill   (SYNC_FROM)
  --to INSTANT    the end of a backfill, which leaves the watermark alone               (SYNC_TO)
  --audit DAY     hold LiveChat's list of a day against the ledger, and take in what is
                  missing                                                               (SYNC_AUDIT)
  --dry-run       say what it would cost and what it would do, and do none of it        (SYNC_DRY_RUN)
  --thread ID --explain
                  tell one thread's story: where it stands, what was written and why,
                  and what the rules say of it now
  --json          for both: JSON lines instead of tables
  --show-values   for both: addresses and values, which are masked where the output
                  is no terminal                                                        (SYNC_SHOW_VALUES)
  -h, --help      this text

Instants are RFC 3339, like 2026-01-31T08:00:00Z, days like 2026-01-31 (UTC). Everything else is set by environment variables:
docs/configuration.md lists them.

Exit codes: 0 done · 1 unforeseen · 64 usage · 69 the schema is newer · 75 try later · 77 credentials refused ·
78 configuration · 143, 130 told to stop (SIGTERM, Ctrl-C)
`;
}
