import { EXIT } from '../services/shared/runtime/failure.ts';
import { version } from '../services/status/version.ts';

/**
 * The image's one entry: its first argument says which program to be. Each is loaded only when it is asked for, so that
 * none pays for the start of another. The sandbox is among them, because the chart's try-out runs it from the same image.
 */
const COMMANDS: Record<string, () => Promise<unknown>> = {
  sync: () => import('../services/sync/main.ts'),
  digest: () => import('../services/digest/main.ts'),
  status: () => import('../services/status/main.ts'),
  migrate: () => import('../services/migrate/main.ts'),
  doctor: () => import('../services/doctor/main.ts'),
  rules: () => import('../services/rules/main.ts'),
  sandbox: () => import('../test/sandbox/main.ts'),
};

const [command] = process.argv.splice(2, 1);
const load = command === undefined ? undefined : COMMANDS[command];
if (load) await load();
else if (command === '--version') process.stdout.write(`${version}\n`);
else if (command === '--help' || command === '-h') process.stdout.write(help());
else {
  const what = command === undefined ? 'A command is missing' : `"${command}" is not a command`;
  process.stderr.write(`${what}.\n\n${help()}`);
  process.exitCode = EXIT.usage;
}

function help(): string {
  return `Usage: COMMAND [flags]

  sync      copies what LiveChat learnt about visitors into Marketo, once
  digest    sends one e-mail about new errors
  status    serves the status page, the API and /metrics
  migrate   brings the database's schema up to this release
  doctor    checks database, credentials and rules; changes nothing
  rules     checks a rules file, or explains what it does with a thread
  sandbox   LiveChat, Marketo and a mailbox to try all of this against

Each has its own --help; --version says which release this is.
`;
}
