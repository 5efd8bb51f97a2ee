import { readConfig, withFlags } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { explained } from '../shared/store/database.ts';
import { MIGRATION_DEADLINE, migrate } from '../shared/store/migrate.ts';
import { openPatiently } from '../shared/store/waiting.ts';

// Above the start, because what is declared below it does not exist yet while it runs.
const SETTINGS = ['DATABASE_URL', 'DATABASE_SCHEMA', 'DATABASE_WAIT', 'DATABASE_GRANT_TO', 'LOG_LEVEL'] as const;

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('migrate', 'info');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), { wait: { type: 'string' } });
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    const config = readConfig(withFlags(process.env, { wait: ['DATABASE_WAIT', flags.wait] }), SETTINGS);
    log.level = config.LOG_LEVEL;
    const { DATABASE_URL: url, DATABASE_SCHEMA: schema, DATABASE_WAIT: wait } = config;
    const patience = { until: performance.now() + wait, log, signal };
    const db = await openPatiently(url, schema, patience, { answersWithin: MIGRATION_DEADLINE });
    try {
      const applied = await migrate(db, schema, config.DATABASE_GRANT_TO);
      log.info({ applied }, applied.length === 0 ? 'the schema was up to date' : `applied ${applied.join(', ')}`);
      return EXIT.done;
    } catch (error) {
      throw explained(error, url);
    } finally {
      await db.destroy();
    }
  });
}

/** A function, not a constant: the line at the top of this file runs before any constant below it is there. */
function help(): string {
  return `Usage: migrate [--wait 2m]

Brings the database’s schema up to this release. Done again, it does nothing.

  --wait 2m  how long to wait for a database that is not there yet  (DATABASE_WAIT)

Where the other programs connect as another role, DATABASE_GRANT_TO names it: it is granted what they need on the tables,
also where there was nothing to migrate.

Exit codes: 0 done · 69 the schema is newer · 75 the database is away · 77 user or password refused · 78 configuration
`;
}
