import { readConfig } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { instantOf } from '../shared/runtime/instant.ts';
import { createLog } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { explained, openDatabase } from '../shared/store/database.ts';
import { checkSchema } from '../shared/store/migrate.ts';
import { runDigest } from './digest.ts';

// Above the start, because what is declared below it does not exist yet while it runs.
const SETTINGS = [
  'DATABASE_URL',
  'DATABASE_SCHEMA',
  'SMTP_URL',
  'DIGEST_FROM',
  'DIGEST_TO',
  'DIGEST_TIME_ZONE',
  'DIGEST_HEARTBEAT',
  'STATUS_URL',
  'SYNC_INTERVAL',
  'RUN_NAME',
  'LOG_LEVEL',
] as const;

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('digest', 'info');
  return runProcess(log, async (signal) => {
    if (readFlags(process.argv.slice(2), {}).help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    const config = readConfig(process.env, SETTINGS);
    log.level = config.LOG_LEVEL;
    const db = await openDatabase(config.DATABASE_URL, config.DATABASE_SCHEMA);
    try {
      await checkSchema(db, config.DATABASE_SCHEMA);
      return await runDigest({
        db,
        log,
        now: instantOf(Date.now()),
        signal,
        smtpUrl: config.SMTP_URL,
        from: config.DIGEST_FROM,
        to: config.DIGEST_TO,
        timeZone: config.DIGEST_TIME_ZONE,
        heartbeat: config.DIGEST_HEARTBEAT,
        statusUrl: config.STATUS_URL,
        syncInterval: config.SYNC_INTERVAL,
        runName: config.RUN_NAME,
      });
    } catch (error) {
      throw explained(error, config.DATABASE_URL);
    } finally {
      await db.destroy();
    }
  });
}

function help(): string {
  return `Usage: digest [--help]

Sends one e-mail about the errors that no digest has carried yet, at most one a day.
It is configured by environment variables:

  ${SETTINGS.join('\n  ')}
`;
}
