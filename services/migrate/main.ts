import { readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { explained, openDatabase } from '../shared/store/database.ts';
import { migrate } from '../shared/store/migrate.ts';

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('migrate', 'info');
  return runProcess(log, async () => {
    if (readFlags(process.argv.slice(2), {}).help) {
      process.stdout.write(
        'Usage: migrate\n\nBrings the database’s schema up to this release. Done again, it does nothing.\n',
      );
      return EXIT.done;
    }
    const config = readConfig(process.env, ['DATABASE_URL', 'DATABASE_SCHEMA', 'LOG_LEVEL']);
    log.level = config.LOG_LEVEL;
    const db = await openDatabase(config.DATABASE_URL, config.DATABASE_SCHEMA);
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
