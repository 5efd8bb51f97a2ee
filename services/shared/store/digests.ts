import { sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';

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
};

/** What goes wrong without an error being logged. */
export type SyncHealth = {
  /** The end of the last sync that was done; null where there was none yet. */
  lastSuccessAt: Instant | null;
  /** Up to when LiveChat has been read; null before the first sync. */
  watermark: Instant | null;
  dead: number;
  ready: number;
};

export type DigestContents = { errors: number; groups: ErrorGroup[]; health: SyncHealth };

export type DigestClaim = {
  /** `2026-11-23`, in the digest's time zone; there is one digest for each. */
  localDate: string;
  messageId: string;
  recipients: readonly string[];
  now: Instant;
  /** Whether there is to be a digest with no error in it. */
  evenIfNothing: boolean;
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
 * @returns the digest, or undefined where there is nothing new, or where the date has its digest already.
 */
export async function claimDigest(db: Database, claim: DigestClaim): Promise<Digest | undefined> {
  return db.transaction().execute(async (transaction) => {
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
    const { numUpdatedRows } = await transaction
      .updateTable('sync_error')
      .set({ digest_id: row.id })
      .where('digest_id', 'is', null)
      .executeTakeFirst();
    const errors = Number(numUpdatedRows);
    if (errors === 0 && !claim.evenIfNothing) {
      await transaction.deleteFrom('digest').where('id', '=', row.id).execute();
      return undefined;
    }
    const groups = await errorGroups(transaction, row.id);
    const mail = claim.compose({ errors, groups, health: await syncHealth(transaction) });
    return transaction
      .updateTable('digest')
      .set({ error_count: errors, mail: JSON.stringify(mail) })
      .where('id', '=', row.id)
      .returning(DIGEST_COLUMNS)
      .executeTakeFirstOrThrow();
  });
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

/** How the sync is, apart from its errors. */
export async function syncHealth(db: Database | DatabaseTransaction): Promise<SyncHealth> {
  const success = await db
    .selectFrom('run')
    .select('finished_at')
    .where('job', '=', 'sync')
    .where('outcome', '=', 'done')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const watermark = await db
    .selectFrom('watermark')
    .select('position')
    .where('stream', '=', 'livechat')
    .executeTakeFirst();
  const threads = await db
    .selectFrom('chat_thread')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .where('state', 'in', ['dead', 'ready'])
    .groupBy('state')
    .execute();
  const inState = (state: 'dead' | 'ready') => threads.find((row) => row.state === state)?.count ?? 0;
  return {
    lastSuccessAt: success?.finished_at ?? null,
    watermark: watermark?.position ?? null,
    dead: inState('dead'),
    ready: inState('ready'),
  };
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

async function errorGroups(db: DatabaseTransaction, digestId: number): Promise<ErrorGroup[]> {
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
        .where('digest_id', '=', digestId)
        .groupBy('fingerprint'),
    )
    .selectFrom('grouped')
    .innerJoin('sync_error', 'sync_error.id', 'grouped.last_id')
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
    ])
    .orderBy('grouped.last_id')
    .execute();
  return rows.map(({ message, threadId, ...group }) => ({ ...group, example: { message, threadId } }));
}
