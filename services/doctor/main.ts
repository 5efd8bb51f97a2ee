import { readConfig, withFlags } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { createLog } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { SYNC_SETTINGS } from '../sync/run.ts';
import { examine } from './examine.ts';

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('doctor', 'warn', 'stderr');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), { wait: { type: 'string' } });
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    const env = withFlags(process.env, { wait: ['DATABASE_WAIT', flags.wait] });
    const config = readConfig(env, [...SYNC_SETTINGS, 'DATABASE_WAIT']);
    const until = performance.now() + config.DATABASE_WAIT;
    const say = (line: string) => void process.stdout.write(`${line}\n`);
    const sendsMail = Boolean(env['SMTP_URL'] || env['SMTP_URL_FILE']);
    const smtpUrl = sendsMail ? readConfig(env, ['SMTP_URL']).SMTP_URL : undefined;
    return examine({ config, smtpUrl, log, signal, clock: Date.now, until, say });
  });
}

function help(): string {
  return `Usage: doctor [--wait 2m]

Checks all that a sync needs, and says in one line each what it found: the rules, the database and its schema, LiveChat's
token, Marketo's credentials and permissions, whether Marketo has the fields that the rules write, and, where SMTP_URL is
set, the digest's mail server.

It reads what a sync reads, by the same settings (docs/configuration.md), and writes to neither LiveChat nor Marketo nor
the ledger. Its few calls to Marketo take their turn among all others and are logged like them.

  --wait 2m  how long to wait for a database that is not there yet, or not migrated  (DATABASE_WAIT)

Exit codes: 0 all is well · otherwise that of the first check that failed, as the sync would end with it:
69 the schema is newer · 75 something is away · 77 credentials refused · 78 configuration
`;
}
