import { type CatalogueEntry, catalogueEntry } from '../shared/runtime/catalogue.ts';
import { earlier, type Instant, later, millisecondsOf } from '../shared/runtime/instant.ts';
import type { DigestContents, DigestMail, ErrorGroup, SyncHealth } from '../shared/store/digests.ts';
import { htmlPart } from './html.ts';
import { plain } from './plain.ts';
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
};

/** What both parts of the mail say, in the order in which they say it; all of it is plain text, nothing is escaped; where a line must not break there is a no-break space. */
export type DigestView = {
  headline: string;
  /** The day of the digest, in words. */
  day: string;
  /** What the headline counts, and over which time. */
  summary: string;
  groups: readonly GroupView[];
  /** What is not shown in `groups`. */
  rest: string | undefined;
  health: readonly HealthView[];
  statusUrl: string | undefined;
  footer: string;
};

export type GroupView = {
  severity: CatalogueEntry['severity'];
  says: string;
  code: string;
  /** `once`, `12 times in 9 threads` */
  often: string;
  /** `first …, last …` */
  seen: string;
  example: { message: string; threadId: string | undefined };
  todo: string;
};

export type HealthView = { label: string; value: string; needsAttention: boolean };

/**
 * Composes the mail of a digest: pure, so that it says the same for the same facts.
 *
 * What comes from the error log is shown as text only: control characters and marks that turn the direction of text
 * are taken out, long messages are cut, and the HTML part escapes everything.
 */
export function composeEmail(facts: DigestFacts): DigestMail {
  const groups = sortedGroups(facts.contents.groups);
  const view = viewOf(facts, groups);
  return { subject: subjectOf(facts.contents.errors, groups), html: htmlPart(view), text: textPart(view) };
}

/** A mail with more is read by nobody; the status page has them all. */
const SHOWN_GROUPS = 200;

/** So many intervals without a successful sync are no delay any more: someone should look. */
const INTERVALS_UNTIL_LATE = 3;

type KnownGroup = ErrorGroup & { entry: CatalogueEntry };

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
    .map((group) => ({ ...group, entry: catalogueEntry(group.code) ?? UNKNOWN }))
    .sort(
      (a, b) =>
        RANK[a.entry.severity] - RANK[b.entry.severity] ||
        b.count - a.count ||
        (a.fingerprint < b.fingerprint ? -1 : 1),
    );
}

function subjectOf(errors: number, groups: readonly KnownGroup[]): string {
  const [worst, ...others] = groups;
  const about = worst?.subject ? ` (${worst.subject})` : '';
  const kind = worst ? `: ${worst.entry.says.replace(/\.$/, '')}${about}` : '';
  const more = others.length === 0 ? '' : `, and ${counted(others.length, 'more kind', 'more kinds')}`;
  return plain(`[livechat-marketo-sync] ${headlineOf(errors)}${kind}${more}`, 200);
}

function headlineOf(errors: number): string {
  return errors === 0 ? 'No new errors' : counted(errors, 'new error', 'new errors');
}

function viewOf(facts: DigestFacts, groups: readonly KnownGroup[]): DigestView {
  const { contents, now, timeZone, statusUrl } = facts;
  const time = (at: Instant) => timeWords(at, { timeZone, now });
  return {
    headline: headlineOf(contents.errors),
    day: dateWords(now, timeZone),
    summary: summaryOf(groups, time),
    groups: groups.slice(0, SHOWN_GROUPS).map((group) => groupView(group, time)),
    rest: restOf(groups.slice(SHOWN_GROUPS)),
    health: healthView(contents.health, facts, time),
    statusUrl,
    footer: `Every error is in one digest only. Times are those of ${timeZone}. You get this mail because DIGEST_TO names your address.`,
  };
}

function summaryOf(groups: readonly KnownGroup[], time: (at: Instant) => string): string {
  const [any] = groups;
  if (!any) return 'Nothing went wrong since the last digest.';
  const first = groups.map((group) => group.firstAt).reduce(earlier, any.firstAt);
  const last = groups.map((group) => group.lastAt).reduce(later, any.lastAt);
  const kinds = counted(groups.length, 'kind', 'kinds');
  return first === last ? `${kinds}, ${time(first)}` : `${kinds}, from ${time(first)} to ${time(last)}`;
}

function groupView({ entry, ...group }: KnownGroup, time: (at: Instant) => string): GroupView {
  const times = group.count === 1 ? 'once' : `${inThousands(group.count)} times`;
  return {
    severity: entry.severity,
    says: entry.says,
    code: plain(group.subject === '' ? group.code : `${group.code} (${group.subject})`, 120),
    often:
      group.threads === 0 || group.count === 1 ? times : `${times} in ${counted(group.threads, 'thread', 'threads')}`,
    seen:
      group.count === 1 ? time(group.firstAt) : `first\u00a0${time(group.firstAt)}, last\u00a0${time(group.lastAt)}`,
    example: {
      message: plain(group.example.message, 300),
      threadId: group.example.threadId === null ? undefined : plain(group.example.threadId, 60),
    },
    todo: entry.todo,
  };
}

function restOf(groups: readonly KnownGroup[]): string | undefined {
  if (groups.length === 0) return undefined;
  const errors = groups.reduce((sum, { count }) => sum + count, 0);
  return `And ${counted(groups.length, 'more kind', 'more kinds')} with ${counted(errors, 'error', 'errors')}, not listed here.`;
}

function healthView(health: SyncHealth, facts: DigestFacts, time: (at: Instant) => string): HealthView[] {
  const age = (at: Instant) => Math.max(0, millisecondsOf(facts.now) - millisecondsOf(at));
  const isLate = (at: Instant | null) => at === null || age(at) > INTERVALS_UNTIL_LATE * facts.syncInterval;
  const { lastSuccessAt, watermark, dead, ready } = health;
  return [
    {
      label: 'Last successful sync',
      value: lastSuccessAt === null ? 'never' : `${durationWords(age(lastSuccessAt))} ago (${time(lastSuccessAt)})`,
      needsAttention: isLate(lastSuccessAt),
    },
    {
      label: 'LiveChat read until',
      value: watermark === null ? 'not read yet' : `${durationWords(age(watermark))} ago (${time(watermark)})`,
      needsAttention: isLate(watermark),
    },
    {
      label: 'Dead threads',
      value: inThousands(dead),
      needsAttention: dead > 0,
    },
    { label: 'Ready threads', value: inThousands(ready), needsAttention: false },
  ];
}

function counted(count: number, one: string, many: string): string {
  return `${inThousands(count)} ${count === 1 ? one : many}`;
}

function inThousands(count: number): string {
  return count.toLocaleString('en-GB');
}
