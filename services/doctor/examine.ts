import { checkMailServer, placeOf } from '../digest/send.ts';
import { LARGEST_PAGE } from '../shared/livechat/client.ts';
import { LiveChatRefusal } from '../shared/livechat/errors.ts';
import { failureOf, MarketoError } from '../shared/marketo/errors.ts';
import { checkAgainstMarketo } from '../shared/rules/check.ts';
import type { Rules } from '../shared/rules/schema.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { addMilliseconds, instantOf } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { type Database, explained } from '../shared/store/database.ts';
import { checkSchema } from '../shared/store/migrate.ts';
import { openPatiently, type Patience, patiently } from '../shared/store/waiting.ts';
import { type Connecting, connectingOutsideRuns, connectLiveChat, connectMarketo } from '../sync/connect.ts';
import { rulesOf, type SyncConfig } from '../sync/run.ts';

export type Examination = {
  config: SyncConfig;
  /** Where the digest is sent through (SMTP_URL); undefined where there is none. */
  smtpUrl: string | undefined;
  log: Logger;
  signal: AbortSignal;
  /** This machine's clock, in milliseconds since 1970. */
  clock: () => number;
  /** How long to wait for a database that is not there yet, or whose schema is not ready: see `patiently`. */
  until: number;
  /** Takes one line for each check, as soon as it is done. */
  say: (line: string) => void;
};

/**
 * Checks all that a sync and a digest need, with their own wiring, so that what holds here holds there. One check that fails
 * does not keep the others from being made, unless they need what it has found missing.
 *
 * It only reads. What it cannot do without are the slots of its own calls to Marketo, because these count like others,
 * and their lines in the log of calls; so Marketo is not asked while the database is away.
 *
 * @returns 0 where all is well, else the exit code of the first check that failed, as the sync would end with it.
 * @throws Failure (64) for settings that contradict each other; what nobody foresaw.
 */
export async function examine(examination: Examination): Promise<ExitCode> {
  const report = findings(examination.say);
  await examineSync(examination, report);
  const { smtpUrl } = examination;
  if (smtpUrl === undefined) report.skip('mail', 'not checked: SMTP_URL is not set, nobody is told of errors by mail');
  else await report.check('mail', () => examineMail(smtpUrl));
  return report.verdict();
}

async function examineMail(smtpUrl: string): Promise<[string, true]> {
  await checkMailServer(smtpUrl);
  const signsIn = new URL(smtpUrl).username === '' ? 'answers' : 'answers, and refuses neither user nor password';
  return [
    `the mail server at ${placeOf(smtpUrl)} ${signsIn}; whether it takes the digest’s sender only a mail would tell`,
    true,
  ];
}

async function examineSync({ config, log, signal, clock, until }: Examination, { check, skip }: Report): Promise<void> {
  const rules = await check('rules', async () => {
    const parsed = rulesOf(config);
    return [`${config.RULES_FILE} holds: ${counted(parsed.rules.length, 'rule')}`, parsed];
  });
  const patience = { until, log, signal };
  const db = await check('database', async () => {
    const opened = await openPatiently(config.DATABASE_URL, config.DATABASE_SCHEMA, patience);
    return [`${addressOf(config.DATABASE_URL)} answers`, opened];
  });
  try {
    const hasSchema = db && (await check('schema', () => examineSchema(db, config, patience)));
    // LiveChat's calls are counted in the database, Marketo's take their slots from it.
    if (!db || !hasSchema) {
      for (const name of db ? REMOTE : (['schema', ...REMOTE] as const)) {
        skip(name, `not checked: it needs the ${db ? 'schema' : 'database'}`);
      }
      return;
    }
    const asking = connectingOutsideRuns(config, db, log);
    await check('livechat', () => examineLiveChat(asking, signal, clock));
    await examineMarketo(asking, rules, signal, check, skip);
  } finally {
    await db?.destroy();
  }
}

type Name = 'rules' | 'database' | 'schema' | 'livechat' | 'marketo' | 'permission' | 'fields' | 'mail';
const REMOTE = ['livechat', 'marketo', 'permission', 'fields'] as const;

/** What a check found, in words, and what others go on with; `undefined` stands for a check that failed. */
type Check = <T>(name: Name, body: () => Promise<readonly [string, T]>) => Promise<T | undefined>;
type Skip = (name: Name, why: string) => void;

type Report = { check: Check; skip: Skip; verdict: () => ExitCode };

function findings(say: (line: string) => void): Report {
  let first: ExitCode = EXIT.done;
  const line = (mark: string, name: Name, text: string) => say(`${mark.padEnd(4)}  ${name.padEnd(10)}  ${text}`);
  return {
    async check(name, body) {
      try {
        const [found, result] = await body();
        line('ok', name, found);
        return result;
      } catch (error) {
        const failure = asFailure(error);
        if (!failure || failure.exitCode === EXIT.usage) throw error;
        line('FAIL', name, failure.message);
        if (first === EXIT.done) first = failure.exitCode;
        return undefined;
      }
    },
    skip: (name, why) => line('--', name, why),
    verdict: () => first,
  };
}

/** @returns undefined for what is a bug, which must not be told as a finding. */
function asFailure(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof MarketoError) return failureOf(error);
  if (error instanceof LiveChatRefusal) {
    return new Failure(EXIT.configuration, `${error.message}: see the runbook.`, { code: 'livechat-answer' });
  }
  return undefined;
}

/** A pod that has just been started may be migrating it, and granting the rights, at this moment. */
async function examineSchema(
  db: Database,
  { DATABASE_SCHEMA: schema, DATABASE_URL: url }: SyncConfig,
  patience: Patience,
) {
  const attempt = () =>
    checkSchema(db, schema).catch((error: unknown) => {
      throw explained(error, url);
    });
  const isEarly = ({ exitCode }: Failure) => exitCode === EXIT.configuration || exitCode === EXIT.tryLater;
  await patiently(attempt, { ...patience, isEarly });
  return [`"${schema}" is this release’s, and its tables may be read and written`, true] as const;
}

/** The two actions that every sync begins with; both need the scope chats--all:ro. */
async function examineLiveChat(asking: Connecting, signal: AbortSignal, clock: () => number) {
  const livechat = connectLiveChat(asking, signal);
  const { active } = await livechat.activeThreads(LARGEST_PAGE);
  const now = instantOf(clock());
  const archived = await livechat.announced(addMilliseconds(now, -DAY_MS), now);
  const found = `${counted(archived, 'thread')} of the last day, ${active.length} going on`;
  return [`${new URL(asking.config.LIVECHAT_ENDPOINT).host} takes the token: ${found}`, true] as const;
}

const DAY_MS = 86_400_000;

/** Usage asks for no permission, so that a refused client is told from one that may not read leads. */
async function examineMarketo(
  asking: Connecting,
  rules: Rules | undefined,
  signal: AbortSignal,
  check: Check,
  skip: Skip,
): Promise<void> {
  const marketo = await connectMarketo(asking, signal);
  try {
    const isKnown = await check('marketo', async () => {
      const { total } = await marketo.usage();
      const host = new URL(asking.config.MARKETO_ENDPOINT).host;
      return [`${host} takes the client: ${counted(total, 'call')} today, by all integrations`, true];
    });
    if (!isKnown) {
      skip('permission', 'not checked: it needs marketo');
      skip('fields', 'not checked: it needs marketo');
      return;
    }
    const mayRead = await check('permission', async () => {
      await marketo.findLeadsByEmail([NOBODY], []);
      return ['may read leads; whether it may write them (Read-Write Lead) only a write would tell', true];
    });
    if (!mayRead || !rules) {
      skip('fields', `not checked: it needs ${rules ? 'the permission' : 'the rules'}`);
      return;
    }
    await check('fields', async () => {
      checkAgainstMarketo(rules, await marketo.describe());
      return [
        `Marketo has the ${counted(rules.leadFields.length, 'field')} of the rules, and they can be written`,
        true,
      ];
    });
  } finally {
    marketo.close();
  }
}

/** RFC 2606 keeps this domain from ever being anybody's. */
const NOBODY = 'nobody@livechat-marketo-sync.invalid';

function addressOf(databaseUrl: string): string {
  const { hostname, port } = new URL(databaseUrl);
  return `Postgres at ${hostname}:${port || '5432'}`;
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
