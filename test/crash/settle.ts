import { expect } from 'vitest';
import type { Thread } from '../sandbox/livechat/archive.ts';
import { PEOPLE, type Played, SETTLE_MS, scoreOf, watchedRun } from './play.ts';
import { BEGINNING, type World } from './world.ts';

const HOUR = 3_600_000;

/**
 * After the scenario: everything ends, all trouble is over, time passes, and runs come as they are scheduled. Then every
 * ended thread is in the ledger, in a state that is final, and its visitor is a lead; whatever happened on the way.
 */
export async function settleAndCheck(world: World, played: Played): Promise<void> {
  const { clock, faults, livechat } = world.sandbox;
  faults.clear();
  for (const thread of livechat.archive.threads())
    if (livechat.archive.isActive(thread)) livechat.archive.closeThread(thread.id);
  clock.shift(Math.max(livechat.behaviour.indexingDelayMs, SETTLE_MS) + 60_000);
  for (let runs = 0; runs === 0 || (await unfinished(world)) > 0; runs += 1) {
    expect(runs, 'runs until nothing is left to do').toBeLessThan(10);
    if (runs > 0) clock.shift(25 * HOUR);
    expect(await watchedRun(world, {})).toBe(true);
  }
  const scheduled = await ledger(world);
  for (const thread of livechat.archive.threads()) {
    expect(scheduled.has(thread.id), `thread ${thread.id} was never seen by a scheduled run`).toBe(true);
  }

  // What changed after the overlap had passed is taken in by reading everything once more; and once it is, a further
  // reading finds nothing to do.
  await backfillEverything(world);
  while ((await unfinished(world)) > 0) {
    clock.shift(25 * HOUR);
    expect(await watchedRun(world, {})).toBe(true);
  }
  await checkEnd(world, played);
  if (!played.readsOnceMore) return;
  const writes = world.sandbox.marketo.report().byEndpoint['leads-sync'];
  await backfillEverything(world);
  expect(world.sandbox.marketo.report().byEndpoint['leads-sync'], 'writes though nothing has changed').toBe(writes);
}

async function backfillEverything(world: World): Promise<void> {
  const env = {
    SYNC_FROM: new Date(BEGINNING.getTime() - HOUR).toISOString(),
    SYNC_TO: new Date(world.sandbox.clock.now()).toISOString(),
  };
  expect(await watchedRun(world, { env })).toBe(true);
}

async function unfinished(world: World): Promise<number> {
  const rows = await world.db
    .selectFrom('chat_thread')
    .select('thread_id')
    .where('state', 'in', ['open', 'ready'])
    .execute();
  return rows.length;
}

async function ledger(world: World) {
  const rows = await world.db
    .selectFrom('chat_thread')
    .select(['thread_id', 'state', 'reason', 'email', 'lead_id', 'ended_at', 'visitor'])
    .execute();
  return new Map(rows.map((row) => [row.thread_id, row]));
}

async function checkEnd(world: World, played: Played): Promise<void> {
  const { archive } = world.sandbox.livechat;
  const threads = new Map(archive.threads().map((thread) => [thread.id, thread]));
  const rows = await ledger(world);
  for (const id of rows.keys())
    expect(threads.has(id) || played.deletedThreads.has(id), `thread ${id} never was`).toBe(true);

  const leads = world.sandbox.marketo.leads();
  for (const lead of leads)
    expect(played.given, 'a lead that nobody is').toContain(String(lead['email']).toLowerCase());

  for (const [id, thread] of threads) {
    const row = rows.get(id);
    const about = `thread ${id}, ${row?.state} ${row?.reason ?? ''} ${row?.email ?? ''}`;
    expect(row?.state, about).toMatch(/^(?:synced|ignored|dead)$/);
    const possible = addressesOf(played, archive, thread);
    if (row?.email == null) {
      expect(row?.reason, about).toBe('no-address');
      expect(possible, about).toContain('');
      continue;
    }
    expect(
      possible.includes('') ? [...possible, ...laterAddressesOf(played, archive, thread)] : possible,
      about,
    ).toContain(row.email);
    const isAscii = /^[\x21-\x7e]+$/.test(row.email);
    if (row.state === 'ignored') expect([isAscii, row.reason], about).toEqual([false, 'address-not-ascii']);
    if (row.state !== 'synced') continue;
    expect(leads.find((lead) => lead['id'] === row.lead_id)?.['email'], about).toMatch(
      new RegExp(`^${row.email}$`, 'i'),
    );
  }
  for (const lead of leads) checkLead(lead, [...rows.values()], threads);
  // Marketo refuses one person, and nobody is given up but them and who shares their address.
  for (const row of rows.values())
    if (row.state === 'dead') expect(row.email?.toLowerCase(), row.thread_id).toBe('dan@example.com');
}

type Row = Awaited<ReturnType<typeof ledger>> extends Map<string, infer R> ? R : never;

/** A lead has what its latest thread says, under the rules of these tests. */
function checkLead(lead: Record<string, unknown>, rows: readonly Row[], threads: ReadonlyMap<string, Thread>): void {
  const email = String(lead['email']).toLowerCase();
  const own = rows.filter((row) => row.state === 'synced' && row.email?.toLowerCase() === email);
  expect(lead['leadSource'], email).toBe('LiveChat');
  expect(PEOPLE.map(({ name }) => name.split(' ')[0]).concat('Crowd'), email).toContain(lead['firstName']);
  const [last, other] = own.toSorted((a, b) => ((a.ended_at ?? '') > (b.ended_at ?? '') ? -1 : 1));
  const thread = threads.get(last?.thread_id ?? '');
  if (thread === undefined || other?.ended_at === last?.ended_at) return;
  if (thread.rating) expect(lead['lastChatRating'], `${email}, by ${thread.id}`).toBe(scoreOf(thread));
  if (thread.tags.length > 0) expect(lead['chatTags'], `${email}, by ${thread.id}`).toBe(thread.tags.join(', '));
}

/** Who gave no address is told by their next threads: the customer is the same. */
function laterAddressesOf(played: Played, archive: World['sandbox']['livechat']['archive'], thread: Thread): string[] {
  const { customer } = thread.spec;
  if (!customer) return [];
  const later = archive.threadsOf(customer.id).filter(({ createdUs }) => createdUs > thread.createdUs);
  return later.flatMap((one) => addressesOf(played, archive, one));
}

/**
 * Every address that a thread may rightly stand for: what it says itself is all that counts; else it is the profile's,
 * at whichever moment since its end a run first saw one there. The blank means that it may stand for nobody.
 */
function addressesOf(played: Played, archive: World['sandbox']['livechat']['archive'], thread: Thread): string[] {
  const said = saidIn(archive, thread);
  if (said !== undefined) return [said];
  const id = thread.spec.customer?.id ?? '';
  const endedAt = (thread.endsUs ?? 0) / 1000;
  const versions = played.profiles.get(id) ?? [];
  const since = versions.filter(
    ({ from }, index) => (versions[index + 1]?.from ?? Number.POSITIVE_INFINITY) >= Math.floor(endedAt) && from >= 0,
  );
  const profile = since.map(({ email }) => email);
  return archive.customer(id)?.email === undefined ? [...profile, ''] : profile;
}

/** The last correction by an agent, else the last answer in a form. */
function saidIn(archive: World['sandbox']['livechat']['archive'], thread: Thread): string | undefined {
  const events = archive.events(thread).map(({ event }) => event);
  const corrected = events.flatMap((event) =>
    event.type === 'system_message' ? (event.text_vars?.['customer_email'] ?? []) : [],
  );
  const answered = events.flatMap((event) =>
    event.type === 'filled_form'
      ? event.fields.flatMap((field) => (field.type === 'email' ? (field.answer ?? []) : []))
      : [],
  );
  return corrected.at(-1) ?? answered.at(-1);
}
