import { catalogueEntry } from '../shared/runtime/catalogue.ts';
import { readConfig, withFlags } from '../shared/runtime/config.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { readFlags } from '../shared/runtime/flags.ts';
import { instantOf } from '../shared/runtime/instant.ts';
import { createLog, type Logger } from '../shared/runtime/log.ts';
import { runProcess } from '../shared/runtime/process.ts';
import { type Database, explained, openDatabase, SAVED } from '../shared/store/database.ts';
import { dismissDead } from '../shared/store/dead.ts';
import { checkSchema } from '../shared/store/migrate.ts';
import { dryRun } from './dry-run.ts';
import { explain } from './explain.ts';
import { endOf, rulesOf, runSync, SYNC_SETTINGS } from './run.ts';

const FLAGS = {
  from: { type: 'string' },
  to: { type: 'string' },
  audit: { type: 'string' },
  thread: { type: 'string' },
  explain: { type: 'boolean' },
  'replay-dead': { type: 'boolean' },
  'dismiss-dead': { type: 'boolean' },
  code: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
  'show-values': { type: 'boolean' },
} as const;

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  const log = createLog('sync', 'info', isReadOnly(process.argv) ? 'stderr' : 'stdout');
  return runProcess(log, async (signal) => {
    const flags = readFlags(process.argv.slice(2), FLAGS);
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    refuseHalfCommands(flags);
    const config = readConfig(withFlags(process.env, settingsOf(flags)), SYNC_SETTINGS);
    log.level = config.LOG_LEVEL;
    // Before a word to anybody else, however slow they are: whoever watches a Job sees at once that it is at work.
    if (!isReadOnly(process.argv)) log.info('begins: the database first');
    const db = await openDatabase(config.DATABASE_URL, config.DATABASE_SCHEMA);
    try {
      await checkSchema(db, config.DATABASE_SCHEMA);
      if (flags['dismiss-dead'] && config.SYNC_DRY_RUN) {
        throw new Failure(EXIT.usage, 'SYNC_DRY_RUN is set: a dry run dismisses nothing.');
      }
      if (flags['dismiss-dead']) return await dismiss(db, flags, log);
      if (!config.SYNC_DRY_RUN && !flags.explain) return await runSync(config, db, log, signal, Date.now);
      const printer = {
        write: (text: string) => void process.stdout.write(text),
        json: flags.json === true,
        showValues: config.SYNC_SHOW_VALUES ?? process.stdout.isTTY === true,
      };
      const parts = { config, db, rules: rulesOf(config), log, signal, clock: Date.now };
      return flags.thread === undefined ? await dryRun(parts, printer) : await explain(parts, flags.thread, printer);
    } catch (error) {
      throw explained(endOf(error, signal).end, config.DATABASE_URL, SAVED);
    } finally {
      await db.destroy();
    }
  });
}

/** What a dry run or an explanation prints is what it was started for: the log must not stand between. */
function isReadOnly(args: readonly string[]): boolean {
  return args.includes('--dry-run') || args.includes('--explain') || process.env['SYNC_DRY_RUN'] === 'true';
}

type Flags = ReturnType<typeof readFlags<typeof FLAGS>>;

function refuseHalfCommands(flags: Flags): void {
  const { thread, explain: isExplained, code } = flags;
  const onDead = flags['replay-dead'] === true || flags['dismiss-dead'] === true;
  if (isExplained === true && thread === undefined) {
    throw new Failure(EXIT.usage, 'Name the thread that is to be explained: --thread ID --explain.');
  }
  if (thread !== undefined && isExplained !== true && flags['dismiss-dead'] !== true) {
    throw new Failure(EXIT.usage, 'A thread is named to be explained (--explain) or dismissed (--dismiss-dead).');
  }
  const reads = isExplained === true || flags['dry-run'] === true;
  if (
    (flags['dismiss-dead'] === true && (reads || flags['replay-dead'] === true)) ||
    (isExplained && flags['dry-run'])
  ) {
    throw new Failure(EXIT.usage, 'Ask for one of --dry-run, --explain, --replay-dead and --dismiss-dead at a time.');
  }
  const view = (['json', 'show-values'] as const).find((name) => flags[name] === true);
  if (view !== undefined && !reads && process.env['SYNC_DRY_RUN'] !== 'true') {
    throw new Failure(EXIT.usage, `--${view} is for --dry-run and --explain: add one of them.`);
  }
  if (code !== undefined && !onDead) {
    throw new Failure(EXIT.usage, 'A code chooses among dead threads: add --replay-dead or --dismiss-dead.');
  }
  if (code !== undefined && catalogueEntry(code) === undefined) {
    throw new Failure(EXIT.usage, `There is no error with the code ${code}: docs/runbook.md lists them.`);
  }
}

/** Lets dead threads rest; nothing else is done. */
async function dismiss(db: Database, { code, thread }: Flags, log: Logger): Promise<ExitCode> {
  const which = { ...(code === undefined ? {} : { code }), ...(thread === undefined ? {} : { threadIds: [thread] }) };
  const dismissed = await dismissDead(db, which, instantOf(Date.now()));
  log.info({ dismissed }, `${dismissed} dead threads are dismissed: they rest until something in them changes`);
  return EXIT.done;
}

/** A flag is its variable, said louder. */
function settingsOf(flags: Flags): Parameters<typeof withFlags>[1] {
  const said = (isSet: boolean | undefined) => (isSet ? 'true' : undefined);
  return {
    from: ['SYNC_FROM', flags.from],
    to: ['SYNC_TO', flags.to],
    audit: ['SYNC_AUDIT', flags.audit],
    'dry-run': ['SYNC_DRY_RUN', said(flags['dry-run'])],
    'show-values': ['SYNC_SHOW_VALUES', said(flags['show-values'])],
    'replay-dead': ['SYNC_REPLAY_DEAD', said(flags['replay-dead'])],
    code: ['SYNC_DEAD_CODE', flags.code],
  };
}

/** A function, not a constant: the line at the top of this file runs before any constant below it is there. */
function help(): string {
  return `Usage: sync [--from INSTANT] [--to INSTANT] [--dry-run [--json] [--show-values]]
       sync --audit DAY
       sync --thread ID --explain [--json] [--show-values]
       sync --replay-dead [--code CODE]
       sync --dismiss-dead [--code CODE] [--thread ID]

Copies what LiveChat learnt about a website's visitors into Marketo, once: from where the last run ended.

  --from INSTANT  where the very first run starts; with --to, the start of a backfill   (SYNC_FROM)
  --to INSTANT    the end of a backfill, which leaves the watermark alone               (SYNC_TO)
  --audit DAY     hold LiveChat's list of a day against the ledger, and take in what is
                  missing                                                               (SYNC_AUDIT)
  --dry-run       say what it would cost and what it would do, and do none of it        (SYNC_DRY_RUN)
  --thread ID --explain
                  tell one thread's story: where it stands, what was written and why,
                  and what the rules say of it now
  --replay-dead   give dead threads another life, then do a whole run                   (SYNC_REPLAY_DEAD)
  --dismiss-dead  let dead threads rest, and do no more
  --code CODE     for both: only those that died of this error, such as lead-refused    (SYNC_DEAD_CODE)
  --json          for --dry-run and --explain: JSON lines instead of tables
  --show-values   for these too: addresses and values, which are masked where the output
                  is no terminal                                                        (SYNC_SHOW_VALUES)
  -h, --help      this text

Instants are RFC 3339, like 2026-01-31T08:00:00Z, days like 2026-01-31 (UTC). Everything else is set by environment variables:
docs/configuration.md lists them.

Exit codes: 0 done · 1 unforeseen · 64 usage · 69 the schema is newer · 75 try later · 77 credentials refused ·
78 configuration · 143, 130 told to stop (SIGTERM, Ctrl-C)
`;
}
