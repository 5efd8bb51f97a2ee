import { createHmac, randomBytes } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type { Instant } from '../runtime/instant.ts';
import type { Database, DatabaseTransaction } from './database.ts';

/** How many rows of each table were changed or removed for one person. */
export type Forgotten = {
  chat_thread: number;
  lead_change: number;
  sync_error: number;
  run: number;
  digest: number;
  /** Whether the address had been forgotten before. */
  again: boolean;
};

/**
 * Removes one person's data from every table, in one transaction. The caller must hold the sync's lease: a run that has
 * the person's threads in memory would write them down again.
 *
 * What becomes of the person's threads: their rows stay, without address, customer, visitor and lead. What was delivered
 * stays `synced`; everything else becomes `ignored` with the reason `forgotten` and is never delivered. Threads of the same
 * LiveChat customer that have no address go with them; those under another address are another person's, and only this
 * address is taken out of them. A keyed hash of the address stays (`forgottenAddresses`), because LiveChat still shows
 * the person's chats to the next run.
 *
 * @param address one mail address, in any case.
 */
export async function forget(db: Database, address: string): Promise<Forgotten> {
  const person = normal(address);
  return db.transaction().execute(async (transaction) => {
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('forgotten_address')
      .values({ hash: hashOf(await keyOf(transaction), person) })
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .executeTakeFirst();
    const threads = await threadsOf(transaction, person);
    const ids = threads.map(({ threadId }) => threadId);
    const leads = threads.flatMap(({ leadId }) => leadId ?? []);
    return {
      lead_change: (await removeChanges(transaction, ids, leads)) + (await clearChanges(transaction, person)),
      sync_error: await clearErrors(transaction, ids, leads, person),
      chat_thread: (await clearThreads(transaction, ids)) + (await clearMentions(transaction, person)),
      run: await clearRuns(transaction, person),
      digest: await clearDigests(transaction, person),
      again: numInsertedOrUpdatedRows === 0n,
    };
  });
}

/**
 * Which of these addresses were forgotten, and when: a thread that began before that instant must be filed without
 * anything of its visitor, as `ignored` with the reason `forgotten`. One that began later is a new visit, by somebody who
 * has given their address anew.
 *
 * @param addresses in any case.
 * @returns by the address, trimmed and in lower case.
 */
export async function forgottenAddresses(
  db: Database | DatabaseTransaction,
  addresses: readonly string[],
): Promise<Map<string, Instant>> {
  const row = await db.selectFrom('forgetting_key').select('key').executeTakeFirst();
  // Nobody has ever been forgotten here.
  if (!row || addresses.length === 0) return new Map();
  const byHash = new Map(addresses.map((address) => [hashOf(row.key, normal(address)), normal(address)] as const));
  const found = await db
    .selectFrom('forgotten_address')
    .select(['hash', 'forgotten_at'])
    .where(sql<boolean>`hash = any(${[...byHash.keys()]}::text[])`)
    .execute();
  return new Map(found.map(({ hash, forgotten_at }) => [byHash.get(hash) ?? '', forgotten_at] as const));
}

function normal(address: string): string {
  return address.trim().toLowerCase();
}

/** Without the key, which is this installation's own, a hash could be looked up in a table of hashes of addresses. */
function hashOf(key: string, address: string): string {
  return createHmac('sha256', key).update(address).digest('hex');
}

async function keyOf(transaction: DatabaseTransaction): Promise<string> {
  await transaction
    .insertInto('forgetting_key')
    .values({ key: randomBytes(32).toString('hex') })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const { key } = await transaction.selectFrom('forgetting_key').select('key').executeTakeFirstOrThrow();
  return key;
}

async function threadsOf(
  transaction: DatabaseTransaction,
  person: string,
): Promise<{ threadId: string; leadId: number | null }[]> {
  const own = await transaction
    .selectFrom('chat_thread')
    .select(['thread_id as threadId', 'lead_id as leadId', 'customer_id'])
    .where(sql<boolean>`lower(email) = ${person}`)
    .forUpdate()
    .execute();
  const customers = own.flatMap(({ customer_id }) => customer_id ?? []);
  if (customers.length === 0) return own;
  const nameless = await transaction
    .selectFrom('chat_thread')
    .select(['thread_id as threadId', 'lead_id as leadId'])
    .where('email', 'is', null)
    .where(sql<boolean>`customer_id = any(${customers}::text[])`)
    .forUpdate()
    .execute();
  return [...own, ...nameless];
}

async function clearThreads(transaction: DatabaseTransaction, ids: readonly string[]): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('chat_thread')
    .where(ofThreads(ids))
    .set({
      email: null,
      customer_id: null,
      visitor: null,
      lead_id: null,
      next_attempt_at: null,
      state: sql`case when state = 'synced' then state else 'ignored' end`,
      reason: sql`case when state = 'synced' then reason else 'forgotten' end`,
    })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** The address in what others have said, in a form or a variable, say. */
async function clearMentions(transaction: DatabaseTransaction, person: string): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('chat_thread')
    .where(mentions(sql`visitor::text`, inJson(person)))
    .set({ visitor: sql<string>`${without(sql`visitor::text`, inJson(person), '')}::jsonb` })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

async function removeChanges(
  transaction: DatabaseTransaction,
  ids: readonly string[],
  leads: readonly number[],
): Promise<number> {
  const { numDeletedRows } = await transaction
    .deleteFrom('lead_change')
    .where((either) => either.or([ofThreads(ids), sql<boolean>`lead_id = any(${[...leads]}::bigint[])`]))
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** The address in what was written to others' leads; elsewhere than in a visit, it may be told that something stood there. */
async function clearChanges(transaction: DatabaseTransaction, person: string): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('lead_change')
    .where(mentions(sql`changes::text`, inJson(person)))
    .set({ changes: sql<string>`${without(sql`changes::text`, inJson(person))}::jsonb` })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** An error stays, because a digest is to tell of it; whom it happened to goes. */
async function clearErrors(
  transaction: DatabaseTransaction,
  ids: readonly string[],
  leads: readonly number[],
  person: string,
): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('sync_error')
    .where((either) =>
      either.or([
        either.and([ofThreads(ids), sql<boolean>`lead_id is not null`]),
        sql<boolean>`lead_id = any(${[...leads]}::bigint[])`,
        mentions(sql`message`, person),
      ]),
    )
    .set({ lead_id: null, message: without(sql`message`, person) })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** No address gets into a run's sentence; a release that has since been mended may have let one in. */
async function clearRuns(transaction: DatabaseTransaction, person: string): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('run')
    .where(mentions(sql`error`, person))
    .set({ error: without(sql`error`, person) })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/**
 * Nor does one get into a mail. Who forgets somebody who received digests forgets that, too; a digest that is not sent
 * yet stays as it is, because what was sent under its Message-ID must not be sent otherwise.
 */
async function clearDigests(transaction: DatabaseTransaction, person: string): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('digest')
    .where('state', '=', 'sent')
    .where((either) =>
      either.or([mentions(sql`mail::text`, inJson(person)), mentions(sql`recipients::text`, inJson(person))]),
    )
    .set({
      mail: sql<string>`${without(sql`mail::text`, inJson(person))}::jsonb`,
      recipients: sql<string>`${without(sql`recipients::text`, inJson(person))}::jsonb`,
    })
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** The address as it stands in the text of a JSON value. */
function inJson(person: string): string {
  return JSON.stringify(person).slice(1, -1);
}

/**
 * Whether a text has the address in it, as a whole: `ann@example.com` is not in `joann@example.com`, who is somebody
 * else.
 */
function mentions(text: RawBuilder<unknown>, person: string): RawBuilder<boolean> {
  return sql<boolean>`${text} ~* ${pattern(person)}`;
}

function without(text: RawBuilder<unknown>, person: string, instead = '•••'): RawBuilder<string> {
  return sql<string>`regexp_replace(${text}, ${pattern(person)}, ${instead}, 'gi')`;
}

/**
 * Postgres' regular expressions; every character that is not a letter or a digit is taken literally.
 *
 * In the text of a JSON value, a line break before the address is written `\n` (and other signs `\u0001`): then the letter
 * before the address is none of the address's. That is also so where a text quotes JSON; who really has a backslash and
 * such a letter before their address is taken for the person, because the other mistake would leave the person's there.
 */
function pattern(person: string): string {
  const literal = person.replace(/[^\p{L}\p{N}]/gu, String.raw`\$&`);
  return String.raw`(?:(?<![a-z0-9._%+-])|(?<=${ESCAPE}))${literal}(?![a-z0-9-]|\.[a-z0-9])`;
}

/** A sign that JSON writes with a backslash and a letter or four digits. */
const ESCAPE = String.raw`\\[nrtbf]|\\u[0-9a-f]{4}`;

function ofThreads(ids: readonly string[]) {
  return sql<boolean>`thread_id = any(${[...ids]}::text[])`;
}
