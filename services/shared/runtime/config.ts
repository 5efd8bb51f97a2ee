import { readFileSync } from 'node:fs';
import { cronOf } from './cron.ts';
import { parseDuration } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import { type Instant, parseInstant } from './instant.ts';
import { isNearby } from './nearby.ts';

/**
 * Every setting there is: what it means, its default, and how its text becomes a value. The one place where the
 * environment is read; docs/configuration.md is generated from it.
 */
export const SETTINGS = {
  DATABASE_URL: secret('Postgres, as a URL: `postgres://user:password@host:5432/name`.', postgresUrl),
  DATABASE_SCHEMA: optional('The schema that holds all tables.', 'livechat_marketo', identifier),
  DATABASE_WAIT: optional(
    'How long migrate waits for a database that is not there yet, and doctor also for its schema, before they end as they would have at once; their flag --wait says the same.',
    '0s',
    duration,
  ),
  DATABASE_GRANT_TO: maybe(
    'The Postgres role that the other programs connect as, where migrate connects as another: migrate grants it what they need on the schema’s tables, and nothing else.',
    roleName,
  ),

  LIVECHAT_ENDPOINT: optional('Where LiveChat’s API is.', 'https://api.livechatinc.com', endpoint),
  LIVECHAT_ACCOUNT_ID: required('The account id (a UUID) that the personal access token belongs to.', text),
  LIVECHAT_PAT: secret('LiveChat’s personal access token, with the scopes `chats--all:ro` and `customers:ro`.', text),

  MARKETO_ENDPOINT: required(
    'Marketo’s REST endpoint, from Admin, Web Services: `https://123-ABC-456.mktorest.com`, with or without `/rest`.',
    marketoEndpoint,
  ),
  MARKETO_CLIENT_ID: required(
    'The client id of the custom service in Admin, LaunchPoint. The role of its API-only user needs Read-Only Lead and Read-Write Lead.',
    text,
  ),
  MARKETO_CLIENT_SECRET: secret('The client secret of the same custom service.', text),
  MARKETO_PROFILE: optional(
    '`shared` keeps to what Marketo advises for one integration among others; `exclusive`, for backfills at night, takes all that Marketo allows to all together.',
    'shared',
    profile,
  ),
  MARKETO_CALLS_PER_WINDOW: maybe(
    'How many calls all processes together make in one window; by profile 50 or 100.',
    wholeNumber(1, 100),
  ),
  MARKETO_WINDOW_SECONDS: optional('The length of Marketo’s window, in seconds.', '20', wholeNumber(1, 3600)),
  MARKETO_CONCURRENCY: maybe(
    'How many calls of all processes together are in flight at once; by profile 5 or 10.',
    wholeNumber(1, 10),
  ),
  MARKETO_PACE: optional('The least time between two calls of one process.', '0s', duration),
  MARKETO_READ_TIMEOUT: optional(
    'How long the answer to a look-up is waited for, at least 1s; Marketo works on one for up to 60 s.',
    '70s',
    timeout,
  ),
  MARKETO_WRITE_TIMEOUT: optional(
    'How long the answer to a write is waited for, at least 1s; Marketo works on one for up to 90 s.',
    '95s',
    timeout,
  ),
  MARKETO_DAILY_CALLS: optional(
    'How many calls this product makes in one day of the instance, which ends at midnight US Central.',
    '20000',
    wholeNumber(1, 10_000_000),
  ),
  MARKETO_DAILY_QUOTA: optional(
    'How many calls a day the instance allows to all (Admin, Web Services); a fifth of them is left to others.',
    '50000',
    wholeNumber(1, 10_000_000),
  ),
  MARKETO_BATCH_SIZE: optional(
    'How many leads one call looks up or writes. Marketo allows 300.',
    '300',
    wholeNumber(1, 300),
  ),

  SYNC_FROM: maybe(
    'Where the very first run starts to read LiveChat; ignored once there is a watermark. With SYNC_TO: the start of a backfill.',
    instant,
  ),
  SYNC_TO: maybe('The end of a backfill, which reads [SYNC_FROM, SYNC_TO] and leaves the watermark alone.', instant),
  SYNC_AUDIT: maybe(
    'A day, `2026-01-31` in UTC: instead of the usual window, LiveChat’s list of that day is held against the ledger, and what is missing is taken in.',
    day,
  ),
  SYNC_DRY_RUN: optional(
    'Whether the run only says what it would do: nothing is written, to Marketo or to the ledger.',
    'false',
    yesOrNo,
  ),
  SYNC_SHOW_VALUES: maybe(
    'Whether a dry run shows addresses and values; without it they are shown on a terminal, and masked elsewhere.',
    yesOrNo,
  ),
  SYNC_REPLAY_DEAD: optional(
    'Whether the run gives dead threads another life before it does the rest of its work.',
    'false',
    yesOrNo,
  ),
  SYNC_DEAD_CODE: maybe('With SYNC_REPLAY_DEAD: only threads that died of this error, such as `lead-refused`.', text),
  SYNC_INTERVAL: optional(
    'How often the schedule runs; the first run reads so far back where SYNC_FROM is not set.',
    '1h',
    duration,
  ),
  SYNC_OVERLAP: optional(
    'How far behind the watermark every run reads again, for what LiveChat showed late.',
    '24h',
    duration,
  ),
  SYNC_SETTLE: optional(
    'How far behind now a run stops reading; now is LiveChat’s clock or this machine’s, whichever is behind.',
    '10m',
    duration,
  ),
  SYNC_PATIENCE: optional(
    'How long a run that was started by hand waits where another sync is at work, before it ends with 75.',
    '10m',
    duration,
  ),
  SYNC_MAX_ATTEMPTS: optional('After how many refused attempts a thread is given up (dead).', '8', wholeNumber(1, 100)),
  SYNC_EXCLUDED_DOMAINS: optional(
    'Mail domains whose visitors are ignored, with commas: your own, your partners’.',
    '',
    domains,
  ),
  RULES_FILE: optional(
    'The decision model: which lead fields are written, from what, and when; relative to the folder that the process starts in.',
    'rules.yaml',
    text,
  ),

  SMTP_URL: secret('The mail server: `smtps://user:password@host:465` or `smtp://user:password@host:587`.', smtpUrl),
  DIGEST_FROM: required('The sender of the digest.', address),
  DIGEST_TO: required('The recipients of the digest, with commas.', addresses),
  DIGEST_TIME_ZONE: optional('The time zone of the digest’s day and of the times in it.', 'Etc/UTC', timeZone),
  DIGEST_SCHEDULE: maybe(
    'When the digest is run, as cron has it (`5 7 * * *`), in DIGEST_TIME_ZONE: the status service tells alerts by it when one was due. Without it no digest is late.',
    schedule,
  ),
  DIGEST_HEARTBEAT: optional(
    'Whether a digest is sent on a day with nothing new, once a sync has succeeded.',
    'false',
    yesOrNo,
  ),
  RETENTION_VISITORS: optional(
    'For how long the digest lets visitors’ data be kept, from when a thread was synced, ignored or given up (dead); the thread’s id, state and content hash stay.',
    '30d',
    days,
  ),
  RETENTION_CHANGES: optional(
    'For how long it is kept which fields of a lead were written by which rule; their values go with the visitor’s data.',
    '90d',
    days,
  ),
  RETENTION_ERRORS: optional('For how long an error is kept that a digest has carried.', '90d', days),
  RETENTION_CALLS: optional('For how long the log of calls to Marketo is kept; the totals of days stay.', '30d', days),
  RETENTION_RUNS: optional('For how long runs are kept; the last that ended well stays.', '180d', days),
  RETENTION_DIGESTS: optional('For how long digests are kept that were sent and hold no error any more.', '180d', days),

  STATUS_HOST: optional(
    'The address that the status service listens on; `::` is every one of the machine, IPv4’s as well, and those alone where it has no IPv6.',
    '::',
    text,
  ),
  STATUS_PORT: optional('The port that the status service listens on.', '8080', wholeNumber(0, 65_535)),
  STATUS_TOKEN: maybeSecret(
    'Who has it sees addresses and values on the status page, and may replay, dismiss and start runs there; without it the page shows everything masked and changes nothing. At least 16 characters.',
    longText,
  ),
  KUBERNETES_NAMESPACE: maybe(
    'The namespace of this release; with KUBERNETES_RELEASE the status page shows its schedules and jobs, and starts runs.',
    kubernetesName,
  ),
  KUBERNETES_RELEASE: maybe(
    'The name of this release, as its CronJobs and Jobs bear it in the label `app.kubernetes.io/instance`.',
    kubernetesName,
  ),
  KUBERNETES_CRONJOBS: maybe(
    'The names of this release’s CronJobs, with commas: alerts on what kube-state-metrics counts tell ours by them.',
    kubernetesNames,
  ),
  STATUS_URL: maybe('Where people reach the status page: the links in the digest lead there.', webAddress),

  LOG_LEVEL: optional('fatal, error, warn, info, debug or trace.', 'info', logLevel),
  RUN_NAME: maybe(
    'The name of the Kubernetes Job that this run belongs to; one that ends in the minute of its schedule (`-29401234`) is a scheduled run, which leaves its work to another that is running instead of waiting.',
    text,
  ),
} as const;

export type SettingName = keyof typeof SETTINGS;
type ValueOf<N extends SettingName> =
  | ReturnType<(typeof SETTINGS)[N]['parse']>
  | (IsMaybe<N> extends true ? undefined : never);
type IsMaybe<N extends SettingName> = (typeof SETTINGS)[N] extends { need: 'maybe' | 'maybe-secret' } ? true : false;
export type Config<N extends SettingName> = { readonly [K in N]: ValueOf<K> };

/**
 * Reads the named settings from the environment; an empty variable counts as not set. A secret may come as a file
 * instead: `NAME_FILE` names it.
 *
 * @param env the environment, e.g. process.env.
 * @param names the settings that this process uses; no other is looked at.
 * @returns the values, parsed.
 * @throws Failure (78) with every problem at once, naming variables but never the text of a secret.
 */
export function readConfig<const N extends SettingName>(
  env: Record<string, string | undefined>,
  names: readonly N[],
): Config<N> {
  const problems: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const setting: Setting = SETTINGS[name];
    try {
      const raw = rawValue(env, name, setting.need.endsWith('secret')) ?? setting.default;
      if (raw !== undefined) values[name] = setting.parse(raw);
      else if (!setting.need.startsWith('maybe'))
        problems.push(`${name} is not set (${setting.about.replace(/\.$/, '')})`);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      problems.push(`${name} ${error.message}`);
    }
  }
  if (problems.length > 0) {
    throw new Failure(EXIT.configuration, `The configuration does not hold: ${problems.join('; ')}.`);
  }
  return values as Config<N>;
}

/**
 * The environment with flags in the place of the variables that they stand for.
 *
 * @param flags each flag's setting and what was said, by its name without hyphens; undefined where nothing was.
 * @throws Failure (64) where a setting would not take it.
 */
export function withFlags(
  env: Record<string, string | undefined>,
  flags: Record<string, readonly [SettingName, string | undefined]>,
): Record<string, string | undefined> {
  const changed = { ...env };
  for (const [flag, [name, value]] of Object.entries(flags)) {
    if (value === undefined) continue;
    try {
      SETTINGS[name].parse(value);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new Failure(EXIT.usage, `--${flag} ${error.message}. Try --help.`);
    }
    changed[name] = value;
  }
  return changed;
}

export type Setting = {
  readonly about: string;
  readonly need: 'required' | 'optional' | 'maybe' | 'secret' | 'maybe-secret';
  readonly default?: string;
  readonly parse: (text: string) => unknown;
};

class Malformed extends Error {}

function rawValue(env: Record<string, string | undefined>, name: string, isSecret: boolean): string | undefined {
  const direct = env[name] || undefined;
  const file = isSecret ? env[`${name}_FILE`] || undefined : undefined;
  if (direct !== undefined && file !== undefined) throw new Malformed(`is set twice, also as ${name}_FILE: remove one`);
  if (file === undefined) return direct;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Malformed(`cannot be read from the file that ${name}_FILE names${why}`);
  }
}

function required<T>(about: string, parse: (text: string) => T) {
  return { about, need: 'required', parse } as const;
}

function secret<T>(about: string, parse: (text: string) => T) {
  return { about, need: 'secret', parse } as const;
}

function optional<T>(about: string, standard: string, parse: (text: string) => T) {
  return { about, need: 'optional', default: standard, parse } as const;
}

function maybe<T>(about: string, parse: (text: string) => T) {
  return { about, need: 'maybe', parse } as const;
}

function maybeSecret<T>(about: string, parse: (text: string) => T) {
  return { about, need: 'maybe-secret', parse } as const;
}

function profile(raw: string): 'shared' | 'exclusive' {
  if (raw !== 'shared' && raw !== 'exclusive') throw new Malformed('must be shared or exclusive');
  return raw;
}

function text(raw: string): string {
  const trimmed = raw.trim();
  if (trimmed === '') throw new Malformed('is blank');
  return trimmed;
}

function longText(raw: string): string {
  const trimmed = text(raw);
  if (trimmed.length < 16) throw new Malformed('must have at least 16 characters');
  return trimmed;
}

/** What Kubernetes takes for a namespace, and in a label: so it needs no escaping in a selector or a path. */
function kubernetesName(raw: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(raw))
    throw new Malformed('must be a Kubernetes name, like livechat');
  return raw;
}

function kubernetesNames(raw: string): readonly string[] {
  return raw.split(',').map((name) => kubernetesName(name.trim()));
}

function identifier(raw: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(raw))
    throw new Malformed('must be a lower-case Postgres name, like livechat_marketo');
  return raw;
}

/** Any name that Postgres takes for a role: it is always quoted. */
function roleName(raw: string): string {
  const name = text(raw);
  if (Buffer.byteLength(name) > 63) throw new Malformed('must be the name of a Postgres role, of 63 bytes at most');
  return name;
}

function wholeNumber(least: number, most: number) {
  return (raw: string): number => {
    const value = /^\d+$/.test(raw.trim()) ? Number(raw) : Number.NaN;
    if (!(value >= least && value <= most)) throw new Malformed(`must be a whole number from ${least} to ${most}`);
    return value;
  };
}

const LONGEST = 3650 * 86_400_000;

/** @returns milliseconds */
function duration(raw: string): number {
  const value = parseDuration(raw);
  if (value === undefined || value > LONGEST)
    throw new Malformed('must be a duration like 90s, 10m, 24h or 7d, at most 3650d');
  return value;
}

/** @returns milliseconds; never 0, which the HTTP library takes for no limit. */
function timeout(raw: string): number {
  const value = duration(raw);
  if (value < 1000) throw new Malformed('must be at least 1s');
  return value;
}

/** @returns milliseconds */
function days(raw: string): number {
  const value = duration(raw);
  if (value < 86_400_000) throw new Malformed('must be at least 1d');
  return value;
}

function instant(raw: string): Instant {
  const value = parseInstant(raw);
  if (value === undefined) throw new Malformed('must be a time with its offset, like 2026-01-31T08:00:00Z');
  return value;
}

function day(raw: string): string {
  const text = raw.trim();
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || parseInstant(`${text}T00:00:00Z`) === undefined) {
    throw new Malformed('must be a day like 2026-01-31');
  }
  return text;
}

function yesOrNo(raw: string): boolean {
  if (raw !== 'true' && raw !== 'false') throw new Malformed('must be true or false');
  return raw === 'true';
}

function logLevel(raw: string): string {
  if (!['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].includes(raw)) {
    throw new Malformed('must be fatal, error, warn, info, debug or trace');
  }
  return raw;
}

function timeZone(raw: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: raw }).resolvedOptions().timeZone;
  } catch {
    throw new Malformed('must be a time zone of the IANA list, like Europe/Berlin');
  }
}

function schedule(raw: string): string {
  try {
    cronOf(raw.trim(), 'Etc/UTC');
  } catch {
    throw new Malformed('must be a schedule as cron has it, like 5 7 * * *');
  }
  return raw.trim();
}

function domains(raw: string): readonly string[] {
  return raw
    .split(',')
    .map((part) => part.trim().toLowerCase().replace(/^@/, ''))
    .filter((part) => part !== '');
}

function address(raw: string): string {
  const trimmed = raw.trim();
  if (!/^(?:[^<>\r\n]*<)?[^@\s<>,]+@[^@\s<>,]+>?$/.test(trimmed)) throw new Malformed('must be a mail address');
  return trimmed;
}

function addresses(raw: string): readonly string[] {
  return raw.split(',').map(address);
}

function url(raw: string, protocols: readonly string[], example: string): URL {
  const parsed = URL.canParse(raw.trim()) ? new URL(raw.trim()) : undefined;
  // The text itself is not repeated: a URL may carry a password.
  if (!parsed || !protocols.includes(parsed.protocol) || parsed.hostname === '') {
    throw new Malformed(`must be a URL like ${example}`);
  }
  return parsed;
}

function postgresUrl(raw: string): string {
  const example = 'postgres://user:password@host:5432/name';
  const { username, password, pathname } = url(raw, ['postgres:', 'postgresql:'], example);
  try {
    for (const part of [username, password, pathname]) decodeURIComponent(part);
  } catch {
    throw new Malformed(`must be a URL like ${example}, with % in its parts written as %25`);
  }
  return raw.trim();
}

function smtpUrl(raw: string): string {
  url(raw, ['smtp:', 'smtps:'], 'smtps://user:password@host:465');
  return raw.trim();
}

function webAddress(raw: string): string {
  return url(raw, ['https:', 'http:'], 'https://status.example.com').href.replace(/\/+$/, '');
}

/** @returns scheme, host and port, and no more: what follows is the API's business. */
function endpoint(raw: string): string {
  const parsed = url(raw, ['https:', 'http:'], 'https://api.example.com');
  if (parsed.protocol === 'http:' && !isNearby(parsed.hostname)) {
    throw new Malformed('must be https: (http: is for a loopback or in-cluster address only)');
  }
  if (parsed.username !== '' || parsed.password !== '') throw new Malformed('must not contain a user or a password');
  return parsed.origin;
}

/** Admin shows the endpoint with /rest and the identity URL with /identity: both are taken, neither is kept. */
function marketoEndpoint(raw: string): string {
  const origin = endpoint(raw);
  const { pathname } = new URL(raw.trim());
  if (!/^\/*(?:(?:rest|identity)\/*)?$/.test(pathname)) {
    throw new Malformed('must end after the host name, or with /rest');
  }
  return origin;
}
