import { type CatalogueEntry, catalogueEntry } from '../shared/runtime/catalogue.ts';
import { earlier, type Instant, later } from '../shared/runtime/instant.ts';
import type { DigestContents, DigestMail, ErrorGroup, Recovered } from '../shared/store/digests.ts';
import { htmlPart } from './html.ts';
import { counted, inThousands } from './numbers.ts';
import { plain } from './plain.ts';
import { type HealthView, healthView, silentFor } from './silence.ts';
import { type Standing, standingOf } from './standing.ts';
import { textPart } from './text.ts';
import { dateWords, durationWords, timeWords } from './times.ts';

/** Everything that a digest's mail is made of. */
export type DigestFacts = {
  contents: DigestContents;
  now: Instant;
  /** An IANA name. */
  timeZone: string;
  /** Where the status page is; no link where it is not known. */
  statusUrl: string | undefined;
  /** How often the sync is scheduled, in milliseconds. */
  syncInterval: number;
  /** How many calls to Marketo a day are this product's. */
  dailyCalls: number;
};

/** What both parts of the mail say, in the order in which they say it; all of it is plain text, nothing is escaped; where a line must not break there is a no-break space. */
export type DigestView = {
  headline: string;
  /** The day of the digest, in words. */
  day: string;
  /** What the headline counts, and over which time. */
  summary: string;
  /** Where the sync is silent: since when, and what to do. */
  silence: { says: string; todo: string } | undefined;
  groups: readonly GroupView[];
  /** What is not shown in `groups`. */
  rest: string | undefined;
  /** What the digest before told of and is no longer seen. */
  recovered: readonly RecoveredView[];
  /** What is not shown in `recovered`. */
  restOfRecovered: string | undefined;
  health: readonly HealthView[];
  statusUrl: string | undefined;
  footer: string;
};

export type GroupView = {
  severity: CatalogueEntry['severity'];
  /** `New`, `Known since 12 Oct, 09:00`, `Back after 12 d` */
  standing: string;
  isNews: boolean;
  says: string;
  code: string;
  /** `once`, `12 times in 9 threads` */
  often: string;
  /** `first …, last …` */
  seen: string;
  example: { message: string; threadId: string | undefined };
  todo: string;
};

export type RecoveredView = { says: string; code: string /** `last 22 Nov, 08:03` */; seen: string };

/**
 * Composes the mail of a digest: pure, so that it says the same for the same facts.
 *
 * What comes from the error log is shown as text only: control characters and marks that turn the direction of text
 * are taken out, long messages are cut, and the HTML part escapes everything.
 */
export function composeEmail(facts: DigestFacts): DigestMail {
  const groups = sortedGroups(facts.contents.groups);
  const view = viewOf(facts, groups);
  return { subject: subjectOf(view.headline, groups), html: htmlPart(view), text: textPart(view) };
}

/**
 * Whether a mail is to be sent. A heartbeat says that all is well, which nobody knows before a sync has succeeded: until
 * then the day’s one mail is kept for what there is to tell.
 */
export function isWanted(facts: Parameters<typeof hasNews>[0] & { heartbeat: boolean }): boolean {
  return hasNews(facts) || (facts.heartbeat && facts.contents.health.lastSuccessAt !== null);
}

/**
 * Whether a mail is to be sent although nobody wants one for nothing: there are errors, or the sync is silent, which
 * nobody could log.
 */
export function hasNews(facts: Pick<DigestFacts, 'contents' | 'now' | 'syncInterval' | 'dailyCalls'>): boolean {
  return facts.contents.errors > 0 || silentFor({ ...facts, health: facts.contents.health }) !== undefined;
}

/** A mail with more is read by nobody; the status page has them all. */
const SHOWN_GROUPS = 200;
/** Good news needs less room. */
const SHOWN_RECOVERED = 20;

type KnownGroup = ErrorGroup & { entry: CatalogueEntry; standing: Standing };

const RANK: Record<CatalogueEntry['severity'], number> = { critical: 0, error: 1, warning: 2 };

/** For a code that an older or a newer release wrote: the error must be told all the same. */
const UNKNOWN: CatalogueEntry = {
  stage: 'run',
  severity: 'error',
  says: 'An error that this release has no words for.',
  todo: 'See the run’s log, and the runbook of the release that logged it.',
};

function sortedGroups(groups: readonly ErrorGroup[]): KnownGroup[] {
  return groups
    .map((group) => ({ ...group, entry: catalogueEntry(group.code) ?? UNKNOWN, standing: standingOf(group) }))
    .sort(
      (a, b) =>
        RANK[a.entry.severity] - RANK[b.entry.severity] ||
        Number(isNews(b)) - Number(isNews(a)) ||
        b.count - a.count ||
        (a.fingerprint < b.fingerprint ? -1 : 1),
    );
}

function isNews({ standing }: KnownGroup): boolean {
  return standing.is !== 'known';
}

function subjectOf(headline: string, groups: readonly KnownGroup[]): string {
  const [worst, ...others] = groups;
  const about = worst?.subject ? ` (${worst.subject})` : '';
  const kind = worst ? `: ${worst.entry.says.replace(/\.$/, '')}${about}` : '';
  const more = others.length === 0 ? '' : `, and ${counted(others.length, 'more kind', 'more kinds')}`;
  return plain(`[livechat-marketo-sync] ${headline}${kind}${more}`, 200);
}

/** A sync that is silent comes first: whatever else is wrong, nothing gets through. */
function headlineOf(errors: number, silence: number | undefined): string {
  if (silence === undefined) return errors === 0 ? 'No new errors' : counted(errors, 'new error', 'new errors');
  const silent = `No sync for ${durationWords(silence)}`;
  return errors === 0 ? silent : `${silent}; ${counted(errors, 'new error', 'new errors')}`;
}

function viewOf(facts: DigestFacts, groups: readonly KnownGroup[]): DigestView {
  const { contents, now, timeZone, statusUrl } = facts;
  const time = (at: Instant) => timeWords(at, { timeZone, now });
  const about = { ...facts, health: contents.health };
  const silence = silentFor(about);
  // What is logged once a week has not ended because it was not logged today.
  const recovered = contents.recovered.filter(({ code }) => !catalogueEntry(code)?.weekly);
  return {
    headline: headlineOf(contents.errors, silence),
    day: dateWords(now, timeZone),
    summary: summaryOf(groups, time),
    silence:
      silence === undefined
        ? undefined
        : {
            says: `No sync has succeeded for ${durationWords(silence)}. Chats wait; none is lost.`,
            todo: SILENCE_TODO,
          },
    groups: groups.slice(0, SHOWN_GROUPS).map((group) => groupView(group, time)),
    rest: restOf(groups.slice(SHOWN_GROUPS)),
    recovered: recovered.slice(0, SHOWN_RECOVERED).map((kind) => recoveredView(kind, time)),
    restOfRecovered:
      recovered.length <= SHOWN_RECOVERED
        ? undefined
        : `And ${counted(recovered.length - SHOWN_RECOVERED, 'more kind', 'more kinds')}.`,
    health: healthView(about, time),
    statusUrl,
    footer: `Every error is in one digest only. Times are those of ${timeZone}. You get this mail because DIGEST_TO names your address.`,
  };
}

const SILENCE_TODO =
  'See below when one was started last. Where none is, look at what starts it (is the CronJob suspended?). Where they are started and fail, look at their errors.';

function summaryOf(groups: readonly KnownGroup[], time: (at: Instant) => string): string {
  const [any] = groups;
  if (!any) return 'No error was logged since the last digest.';
  const first = groups.map((group) => group.firstAt).reduce(earlier, any.firstAt);
  const last = groups.map((group) => group.lastAt).reduce(later, any.lastAt);
  const known = groups.filter((group) => !isNews(group)).length;
  const kinds = `${counted(groups.length, 'kind', 'kinds')}${known === 0 ? '' : `, ${inThousands(known)} known before`}`;
  return first === last ? `${kinds}, ${time(first)}` : `${kinds}, from ${time(first)} to ${time(last)}`;
}

function groupView({ entry, standing, ...group }: KnownGroup, time: (at: Instant) => string): GroupView {
  const times = group.count === 1 ? 'once' : `${inThousands(group.count)} times`;
  const seen =
    group.count === 1 ? time(group.firstAt) : `first\u00a0${time(group.firstAt)}, last\u00a0${time(group.lastAt)}`;
  return {
    severity: entry.severity,
    standing: standingWords(standing, time),
    isNews: standing.is !== 'known',
    says: entry.says,
    code: codeOf(group),
    often:
      group.threads === 0 || group.count === 1
        ? times
        : unbroken(`${times} in ${counted(group.threads, 'thread', 'threads')}`),
    seen:
      standing.is === 'new'
        ? seen
        : `${seen}; ${unbroken(`${inThousands(standing.count)} times`)} since ${time(standing.since)}`,
    example: {
      message: plain(group.example.message, 300),
      threadId: group.example.threadId === null ? undefined : plain(group.example.threadId, 60),
    },
    todo: entry.todo,
  };
}

/** What is torn apart at the end of a line is hard to read. */
function unbroken(words: string): string {
  return words.replaceAll(' ', '\u00a0');
}

function standingWords(standing: Standing, time: (at: Instant) => string): string {
  if (standing.is === 'new') return 'New';
  if (standing.is === 'back') return `Back after ${durationWords(standing.after)}`;
  return `Known since ${time(standing.since)}`;
}

function recoveredView(kind: Recovered, time: (at: Instant) => string): RecoveredView {
  const entry = catalogueEntry(kind.code) ?? UNKNOWN;
  return { says: entry.says, code: codeOf(kind), seen: `last\u00a0${time(kind.lastAt)}` };
}

function codeOf({ code, subject }: { code: string; subject: string }): string {
  return plain(subject === '' ? code : `${code} (${subject})`, 120);
}

function restOf(groups: readonly KnownGroup[]): string | undefined {
  if (groups.length === 0) return undefined;
  const errors = groups.reduce((sum, { count }) => sum + count, 0);
  return `And ${counted(groups.length, 'more kind', 'more kinds')} with ${counted(errors, 'error', 'errors')}, not listed here.`;
}
