import { readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { explained, openDatabase } from '../shared/store/database.ts';
import { checkSchema } from '../shared/store/migrate.ts';
import { runSync, SYNC_SETTINGS } from './run.ts';

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('sync', 'info');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), {
      from: { type: 'string' },
      to: { type: 'string' },
      audit: { type: 'string' },
    });
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    const config = readConfig(withFlags(process.env, flags), SYNC_SETTINGS);
    log.level = config.LOG_LEVEL;
    const db = await openDatabase(config.DATABASE_URL, config.DATABASE_SCHEMA);
    try {
      await checkSchema(db, config.DATABASE_SCHEMA);
      return await runSync(config, db, log, signal, Date.now);
    } catch (error) {
      throw explained(error, config.DATABASE_URL);
    } finally {
      await db.destroy();
    }
  });
}

type Flags = { from?: string | undefined; to?: string | undefined; audit?: string | undefined };

/** A flag is its variable, said louder. */
function withFlags(env: NodeJS.ProcessEnv, flags: Flags): NodeJS.ProcessEnv {
  return {
    ...env,
    ...(flags.from === undefined ? {} : { SYNC_FROM: flags.from }),
    ...(flags.to === undefined ? {} : { SYNC_TO: flags.to }),
    ...(flags.audit === undefined ? {} : { SYNC_AUDIT: flags.audit }),
  };
}

/** A function, not a constant: the line at the top of this file runs before any constant below it is there. */
function help(): string {
  return `Usage: sync [--from INSTANT] [--to INSTANT] | [--audit DAY]

Copies what LiveChat learnt about a website's visitors into Marketo, once: from where the last run ended.

  --from INSTANT  where the very first run starts; with --to, the start of a backfill   (SYNC_FROM)
  --to INSTANT    the end of a backfill, which leaves the watermark alone               (SYNC_TO)
  --audit DAY     hold LiveChat's list of a day against the ledger, and take in what is
                  missing                                                               (SYNC_AUDIT)
  -h, --help      this text

Instants are RFC 3339, like 2026-01-31T08:00:00Z, days like 2026-01-31 (UTC). Everything else is set by environment variables:
docs/configuration.md lists them.

Exit codes: 0 done · 1 unforeseen · 64 usage · 69 the schema is newer · 75 try later · 77 credentials refused ·
78 configuration · 143, 130 told to stop (SIGTERM, Ctrl-C)
`;
}
