import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog, type Logger } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { type Database, explained, openDatabase } from '../shared/store/database.ts';
import { migrate } from '../shared/store/migrate.ts';

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('migrate', 'info');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), { wait: { type: 'string' } });
    if (flags.help) {
      process.stdout.write(
        'Usage: migrate [--wait 2m]\n\nBrings the database’s schema up to this release. Done again, it does nothing.\nWith --wait (MIGRATE_WAIT) it waits so long for a database that is not there yet.\n',
      );
      return EXIT.done;
    }
    const env = flags.wait === undefined ? process.env : { ...process.env, MIGRATE_WAIT: flags.wait };
    const config = readConfig(env, ['DATABASE_URL', 'DATABASE_SCHEMA', 'MIGRATE_WAIT', 'LOG_LEVEL']);
    log.level = config.LOG_LEVEL;
    const db = await openInTime(config.DATABASE_URL, config.DATABASE_SCHEMA, config.MIGRATE_WAIT, log, signal);
    try {
      const applied = await migrate(db, config.DATABASE_SCHEMA);
      log.info({ applied }, applied.length === 0 ? 'the schema was up to date' : `applied ${applied.join(', ')}`);
      return EXIT.done;
    } catch (error) {
      throw explained(error, config.DATABASE_URL);
    } finally {
      await db.destroy();
    }
  });
}

/** Opens the database; one that is not there yet (75) is asked again each second, for `wait` milliseconds in all. */
async function openInTime(
  url: string,
  schema: string,
  wait: number,
  log: Logger,
  signal: AbortSignal,
): Promise<Database> {
  const end = performance.now() + wait;
  for (;;) {
    try {
      return await openDatabase(url, schema);
    } catch (error) {
      const isEarly = error instanceof Failure && error.exitCode === EXIT.tryLater;
      if (!isEarly || performance.now() >= end) throw error;
      log.warn(`${error.message} It is asked again in a second.`);
      await sleep(1000, undefined, { signal });
    }
  }
}
