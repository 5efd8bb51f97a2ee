import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';
import { type SyncHealth, syncHealth } from './health.ts';

/** A mail as it was composed; every sending of its digest is this text, unchanged. */
export type DigestMail = { subject: string; html: string; text: string };

/** A digest that holds its errors. */
export type Digest = {
  id: number;
  localDate: string;
  messageId: string;
  errorCount: number;
  mail: DigestMail;
  /** When its errors were claimed: the date of every mail that is sent for it. */
  createdAt: Instant;
};

/** The errors of one digest that are the same trouble. */
export type ErrorGroup = {
  fingerprint: string;
  code: string;
  /** What they have in common beside the code, such as Marketo's code and the field; may be blank. */
  subject: string;
  count: number;
  /** How many different threads it happened to; 0 where it belongs to none. */
  threads: number;
  firstAt: Instant;
  lastAt: Instant;
  /** The last one of them. */
  example: { message: string; threadId: string | null };
  /** What is known of this trouble beyond the digest's own errors. */
  kind: {
    /** When it happened for the first time. */
    firstAt: Instant;
    /** How often it has happened, these errors among them. */
    count: number;
    /** The last time that an earlier digest told of; null where none has. */
    toldUntil: Instant | null;
  };
};

/** A trouble that the digest before has told of, and that has not happened since. */
export type Recovered = { code: string; subject: string; lastAt: Instant };

export type DigestContents = { errors: number; groups: ErrorGroup[]; recovered: Recovered[]; health: SyncHealth };

export type DigestClaim = {
  /** `2026-11-23`, in the digest's time zone; there is one digest for each. */
  localDate: string;
  messageId: string;
  recipients: readonly string[];
  now: Instant;
  /** Whether there is to be a digest with these contents; pure. */
  isWanted: (contents: DigestContents) => boolean;
  compose: (contents: DigestContents) => DigestMail;
};

/**
 * Claims every error that no digest has carried, and composes the mail about them, in one transaction: from then on it
 * is fixed which errors the digest holds and what its mail says, before anything is sent. A process that dies at any
 * moment leaves either nothing at all, or a digest that the next run sends as it is.
 *
 * An error that another transaction is about to commit is not seen here; it is the next digest's.
 *
 * @param claim `compose` must be pure: it is called within the transaction.
 * @returns the digest, or undefined where none is wanted, or where the date has its digest already.
 */
export async function claimDigest(db: Database, claim: DigestClaim): Promise<Digest | undefined> {
  const claiming = db.transaction().execute(async (transaction) => {
    const row = await transaction
      .insertInto('digest')
      .values({
        local_date: claim.localDate,
        state: 'claimed',
        message_id: claim.messageId,
        recipients: JSON.stringify(claim.recipients),
        error_count: 0,
        mail: '{}',
        created_at: claim.now,
        sent_at: null,
      })
      .onConflict((conflict) => conflict.column('local_date').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!row) return undefined;
    await transaction.updateTable('sync_error').set({ digest_id: row.id }).where('digest_id', 'is', null).execute();
    const contents = await contentsOf(transaction, row.id);
    if (!claim.isWanted(contents)) throw new NotWanted();
    await rememberTold(transaction, row.id, contents.groups);
    const mail = claim.compose(contents);
    return transaction
      .updateTable('digest')
      .set({ error_count: contents.errors, mail: JSON.stringify(mail) })
      .where('id', '=', row.id)
      .returning(DIGEST_COLUMNS)
      .executeTakeFirstOrThrow();
  });
  return claiming.catch((error: unknown) => {
    if (error instanceof NotWanted) return undefined;
    throw error;
  });
}

/** Rolls a claim back: what it took is as if it had never begun. */
class NotWanted extends Error {}

/** What a digest would say now; read at one instant, and nothing is changed. */
export async function previewDigest(db: Database): Promise<DigestContents> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((transaction) => contentsOf(transaction, null));
}

/** The digests that are claimed and not known to be sent, oldest first. */
export async function unsentDigests(db: Database): Promise<Digest[]> {
  return db
    .selectFrom('digest')
    .select(DIGEST_COLUMNS)
    .where('state', '=', 'claimed')
    .orderBy('local_date')
    .orderBy('id')
    .execute();
}

/** Whether the date has its digest already, sent or not. */
export async function hasDigest(db: Database, localDate: string): Promise<boolean> {
  const row = await db.selectFrom('digest').select('id').where('local_date', '=', localDate).executeTakeFirst();
  return row !== undefined;
}

/**
 * Writes down that the mail server has taken a digest's mail.
 *
 * @param recipients whom it was taken for: they may be others than those at the claim, where the configuration was
 *   corrected in between.
 */
export async function markDigestSent(db: Database, id: number, recipients: readonly string[]): Promise<void> {
  await db
    .updateTable('digest')
    .set({ state: 'sent', sent_at: sql<Instant>`clock_timestamp()`, recipients: JSON.stringify(recipients) })
    .where('id', '=', id)
    .where('state', '=', 'claimed')
    .execute();
}

/** How many errors no digest has carried yet. */
export async function countNewErrors(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('sync_error')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('digest_id', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}

const DIGEST_COLUMNS = [
  'id',
  'local_date as localDate',
  'message_id as messageId',
  'error_count as errorCount',
  'mail',
  'created_at as createdAt',
] as const;

/** A mail shows a few hundred characters of an example; a message that grew wild must not fill the memory with all. */
const EXAMPLE_CHARACTERS = 2000;

/** @param digestId the digest whose errors are meant; null: those that no digest has carried. */
async function contentsOf(db: DatabaseTransaction, digestId: number | null): Promise<DigestContents> {
  const groups = await errorGroups(db, digestId);
  return {
    errors: groups.reduce((sum, { count }) => sum + count, 0),
    groups,
    recovered: await recoveredKinds(db, digestId, groups),
    health: await syncHealth(db),
  };
}

async function errorGroups(db: DatabaseTransaction, digestId: number | null): Promise<ErrorGroup[]> {
  const rows = await db
    .with('grouped', (query) =>
      query
        .selectFrom('sync_error')
        .select((select) => [
          'fingerprint',
          select.fn.countAll<number>().as('count'),
          select.fn.count<number>('thread_id').distinct().as('threads'),
          select.fn.min('at').as('first_at'),
          select.fn.max('at').as('last_at'),
          select.fn.max('id').as('last_id'),
        ])
        .where('digest_id', digestId === null ? 'is' : '=', digestId)
        .groupBy('fingerprint'),
    )
    .selectFrom('grouped')
    .innerJoin('sync_error', 'sync_error.id', 'grouped.last_id')
    .innerJoin('error_kind', 'error_kind.fingerprint', 'grouped.fingerprint')
    .select([
      'grouped.fingerprint',
      'grouped.count',
      'grouped.threads',
      'grouped.first_at as firstAt',
      'grouped.last_at as lastAt',
      'sync_error.code',
      'sync_error.subject',
      'sync_error.thread_id as threadId',
      sql<string>`left(sync_error.message, ${EXAMPLE_CHARACTERS})`.as('message'),
      'error_kind.first_at as everFirstAt',
      'error_kind.count as everCount',
      'error_kind.told_until as toldUntil',
    ])
    .orderBy('grouped.last_id')
    .execute();
  return rows.map(({ message, threadId, everFirstAt, everCount, toldUntil, ...group }) => ({
    ...group,
    example: { message, threadId },
    kind: { firstAt: everFirstAt, count: everCount, toldUntil },
  }));
}

async function recoveredKinds(
  db: DatabaseTransaction,
  digestId: number | null,
  groups: readonly ErrorGroup[],
): Promise<Recovered[]> {
  const here = groups.map(({ fingerprint }) => fingerprint);
  return db
    .selectFrom('error_kind')
    .select(['code', 'subject', 'last_at as lastAt'])
    .where('told_in', '=', (before) =>
      before
        .selectFrom('digest')
        .select((select) => select.fn.max('id').as('id'))
        .where('id', 'is distinct from', digestId),
    )
    .where(sql<boolean>`fingerprint <> all(${here}::text[])`)
    .orderBy('last_at', 'desc')
    .orderBy('fingerprint')
    .execute();
}

async function rememberTold(db: DatabaseTransaction, digestId: number, groups: readonly ErrorGroup[]): Promise<void> {
  const fingerprints = groups.map((group) => group.fingerprint);
  const until = groups.map((group) => group.lastAt);
  // In the order in which runs log, so that neither can wait for the other for ever.
  await db
    .selectFrom('error_kind')
    .select('fingerprint')
    .where(sql<boolean>`fingerprint = any(${fingerprints}::text[])`)
    .orderBy('fingerprint')
    .forUpdate()
    .execute();
  await db
    .updateTable('error_kind')
    .from(
      sql<{
        fingerprint: string;
        until: Instant;
      }>`unnest(${fingerprints}::text[], ${until}::timestamptz[])`.as<'told'>(sql`told(fingerprint, until)`),
    )
    .whereRef('error_kind.fingerprint', '=', 'told.fingerprint')
    .set((row) => ({ told_until: row.ref('told.until'), told_in: digestId }))
    .execute();
}
