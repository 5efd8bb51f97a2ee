import type { InternalAxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { z } from 'zod';
import { Failure } from '../../services/shared/runtime/failure.ts';
import type { Thread } from '../sandbox/livechat/archive.ts';
import { formatInstant } from '../sandbox/livechat/instants.ts';
import type { CustomerSpec } from '../sandbox/livechat/spec.ts';
import { FAULTS, isFault, type Scenario, type Step } from './scenario.ts';
import type { RunOptions, World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const OVERLAP_MS = 90 * MINUTE;
export const SETTLE_MS = 10 * MINUTE;
/** A death costs the threads that were taken an attempt; nobody must be given up for it. */
const MOST_DEATHS = 4;
export const MOST_ATTEMPTS = 6;

/** The fourth has an address that Marketo refuses, which cannot be left out; the fifth one that no lead can have. */
export const PEOPLE = [
  { name: 'Ann Lee', email: 'ann@example.com' },
  { name: 'Ben Ray', email: 'ben@example.com' },
  { name: 'Cid Poe', email: 'cid@example.com' },
  { name: 'Dan Fox', email: 'dan@example.com' },
  { name: 'Eva Ost', email: 'eva@exämple.com' },
] as const;

/** What is known, as the scenario goes on, of things that LiveChat no longer tells. */
export type Played = {
  /** Every address that was ever given by any thread or profile, in lower case. */
  given: Set<string>;
  /** What each customer's address was, and from when. */
  profiles: Map<string, { from: number; email: string }[]>;
  deletedThreads: Set<string>;
  /** Whether it is worth a run to see that a further reading writes nothing: for every fourth scenario or so. */
  readsOnceMore: boolean;
};

/** Plays the steps of a scenario; what must hold at every moment is checked on the way. */
export async function play(world: World, scenario: Scenario): Promise<Played> {
  const { sandbox } = world;
  const { archive, behaviour } = sandbox.livechat;
  const { indexingMinutes, ...known } = scenario.livechat;
  Object.assign(behaviour, known, { indexingDelayMs: indexingMinutes * MINUTE });
  sandbox.clock.shift(MINUTE);
  furthest.delete(world);

  const played: Played = {
    given: new Set(),
    profiles: new Map(),
    deletedThreads: new Set(),
    readsOnceMore: scenario.steps.length % 4 === 0,
  };
  const now = () => sandbox.clock.now();
  let threads = 0;
  let deaths = 0;
  let aheadMs = 0;
  let lastStart: string | undefined;
  let lastDone = now();
  let pageFault: 'once' | 'always' | undefined;

  function give(email: string): void {
    played.given.add(email.toLowerCase());
  }

  function keepProfile(id: string, email: string): void {
    give(email);
    played.profiles.set(id, [...(played.profiles.get(id) ?? []), { from: now(), email }]);
  }

  function start(chatId: string, customer: CustomerSpec, said: string | undefined, tie: boolean): void {
    threads += 1;
    // A moment after everything before it, but for threads that begin at once.
    sandbox.clock.shift(2);
    const createdAt =
      tie && lastStart !== undefined ? lastStart : formatInstant((Math.floor(now()) - 1) * 1000 + (threads % 1000));
    lastStart = createdAt;
    if (customer.email !== undefined) keepProfile(customer.id, customer.email);
    if (said !== undefined) give(said);
    archive.addThread({
      chatId,
      threadId: `T${threads}`,
      customer,
      agents: [{ id: 'agent@shop.example', name: 'Agent' }],
      groupIds: [0],
      createdAt,
      events: [
        { type: 'message', created_at: createdAt, author_id: customer.id, visibility: 'all', text: 'Hello' },
        ...(said === undefined ? [] : [{ ...formWith(said, customer.id), created_at: createdAt }]),
      ],
    });
  }

  /** A thread by number, counted round among those that fit; undefined where none does. */
  function pick(number: number, fits: (thread: Thread) => boolean = () => true): Thread | undefined {
    const all = archive.threads().filter((thread) => !thread.id.startsWith('crowd') && fits(thread));
    return all[number % Math.max(1, all.length)];
  }

  const lastOfChat = (thread: Thread) => archive.threads(thread.chatId).at(-1) === thread;

  async function run(options: RunOptions): Promise<void> {
    if (options.death) deaths += 1;
    const dies = options.death !== undefined && deaths <= MOST_DEATHS;
    const done = await watchedRun(world, {
      ...options,
      death: dies ? options.death : undefined,
      machineTime: now() + aheadMs,
      onRequest(request) {
        if (pageFault === undefined || !String(request.data).includes('page_id')) return;
        sandbox.faults.add({
          server: 'livechat',
          endpoint: 'list_archives',
          effect: { kind: 'error', type: 'validation' },
          times: 1,
        });
        if (pageFault === 'once') pageFault = undefined;
      },
    });
    if (done && options.env === undefined) lastDone = now();
  }

  async function perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'start': {
        const { name, email } = PEOPLE[step.person] ?? PEOPLE[0];
        const id = `customer-${step.person}-${step.device}`;
        const written = step.capitals ? email.toUpperCase() : email;
        // Messaging mode: one chat for a customer; who comes back begins a new thread in it.
        const profile = archive.customer(id) ?? { id, name };
        const active = archive.threadsOf(id).some(archive.isActive);
        if (active) return;
        const customer = step.address === 'profile' ? { ...profile, email: written } : profile;
        start(`chat-${id}-${threads}`, customer, step.address === 'form' ? written : undefined, step.tie);
        return;
      }
      case 'reopen': {
        const thread = pick(step.thread, (one) => lastOfChat(one) && !archive.isActive(one));
        const customer = archive.customer(thread?.spec.customer?.id ?? '');
        if (thread && customer && !archive.threadsOf(customer.id).some(archive.isActive)) {
          start(thread.chatId, customer, undefined, false);
        }
        return;
      }
      case 'close': {
        const thread = pick(step.thread, archive.isActive);
        if (thread) archive.closeThread(thread.id, 'visitor');
        return;
      }
      case 'tag': {
        const thread = pick(step.thread);
        if (thread) archive.tag(thread.id, step.tag);
        return;
      }
      case 'rate': {
        const thread = pick(step.thread);
        if (thread) archive.rate(thread.id, step.score);
        return;
      }
      case 'correct':
      case 'profile': {
        const thread = pick(step.thread, step.do === 'correct' ? archive.isActive : undefined);
        const id = thread?.spec.customer?.id;
        const email = PEOPLE[step.person]?.email;
        if (id === undefined || email === undefined) return;
        keepProfile(id, email);
        archive.updateCustomer(id, { email }, step.do === 'correct' ? 'Agent' : undefined);
        return;
      }
      case 'form': {
        const thread = pick(step.thread);
        const email = PEOPLE[step.person]?.email;
        if (thread === undefined || email === undefined) return;
        give(email);
        archive.addEvent(thread.id, formWith(email, thread.spec.customer?.id ?? ''));
        return;
      }
      case 'delete': {
        const thread = pick(step.thread);
        if (thread === undefined) return;
        for (const { id } of archive.threads(thread.chatId)) played.deletedThreads.add(id);
        archive.deleteChat(thread.chatId);
        return;
      }
      case 'crowd':
        addCrowd(world, step.tieAt, keepProfile);
        return;
      case 'wait': {
        // A thread that began after a run, outlasted the overlap and ended so shortly before the next run that LiveChat
        // does not show it yet is one that no window reaches: outages are only longer than the overlap where LiveChat
        // shows at once what has ended.
        const longest = indexingMinutes === 0 ? Number.POSITIVE_INFINITY : lastDone + OVERLAP_MS - 40 * MINUTE - now();
        sandbox.clock.shift(Math.max(0, Math.min(step.minutes * MINUTE, longest)));
        return;
      }
      case 'set clock':
        aheadMs = step.minutesAhead * MINUTE;
        return;
      case 'fault':
        if (isFault(step.fault)) sandbox.faults.add(FAULTS[step.fault]);
        else pageFault = step.fault === 'LiveChat refuses a page’s id' ? 'once' : 'always';
        return;
      case 'run':
        await run({ death: step.death });
        return;
      case 'backfill': {
        const from = now() - step.hoursAgo * HOUR;
        const env = { SYNC_FROM: iso(from), SYNC_TO: iso(from + step.hours * HOUR) };
        await run({ death: step.death, env });
        return;
      }
    }
  }

  for (const step of scenario.steps) {
    if (step.do !== 'start') lastStart = undefined;
    await perform(step);
  }
  return played;
}

const iso = (time: number) => new Date(time).toISOString();

function formWith(email: string, author: string) {
  return {
    type: 'filled_form' as const,
    author_id: author,
    visibility: 'all' as const,
    form_id: 'form',
    form_type: 'postchat',
    fields: [{ type: 'email' as const, id: '1', label: 'E-mail', answer: email }],
  };
}

/** A hundred and six threads that have ended, few of them with an address. */
function addCrowd(world: World, tieAt: number, keepProfile: (id: string, email: string) => void): void {
  const { archive } = world.sandbox.livechat;
  if (archive.thread('crowd-1')) return;
  world.sandbox.clock.shift(41 * MINUTE);
  const beginning = Math.floor(world.sandbox.clock.now() - 40 * MINUTE) * 1000;
  archive.addThreads(
    Array.from({ length: 106 }, (_, index) => {
      const at = formatInstant(beginning + (index === tieAt + 1 ? tieAt : index) * CROWD_SPACING_US);
      const id = `customer-crowd-${index}`;
      const email = index % 40 === 0 ? `crowd${index}@example.com` : undefined;
      if (email !== undefined) keepProfile(id, email);
      return {
        chatId: `chat-crowd-${index}`,
        threadId: `crowd-${index}`,
        customer: { id, name: `Crowd ${index}`, ...(email === undefined ? {} : { email }) },
        agents: [],
        groupIds: [0],
        createdAt: at,
        endsAt: at,
        events: [
          { type: 'message' as const, created_at: at, author_id: id, visibility: 'all' as const, text: 'Hello' },
        ],
      };
    }),
  );
}

const CROWD_SPACING_US = 20_000_000;

export const RUN_SETTINGS = {
  SYNC_OVERLAP: `${OVERLAP_MS / MINUTE}m`,
  SYNC_SETTLE: `${SETTLE_MS / MINUTE}m`,
  SYNC_MAX_ATTEMPTS: String(MOST_ATTEMPTS),
};

/**
 * A run, and what must hold after every run, however it ended: the watermark never goes back, and is never ahead of
 * LiveChat's clock; nobody is a lead twice; the run ended as a run may. And where it is done: what it says of itself adds
 * up, and the ledger has every thread that its window showed, as LiveChat shows it now.
 *
 * @returns whether it was done
 */
export async function watchedRun(world: World, options: RunOptions): Promise<boolean> {
  const lived = await world.run({
    ...options,
    env: { ...RUN_SETTINGS, ...options.env },
    onRequest(request) {
      options.onRequest?.(request);
      checkWrite(world, request);
    },
  });
  const before = furthest.get(world);
  const after = await watermark(world);
  expect(before === undefined || (after !== undefined && after >= before), `watermark ${before} → ${after}`).toBe(true);
  expect(after === undefined || Date.parse(after) <= world.sandbox.clock.now() - SETTLE_MS, `watermark ${after}`).toBe(
    true,
  );
  if (after !== undefined) furthest.set(world, after);
  const addresses = world.sandbox.marketo.leads().map((lead) => String(lead['email']).toLowerCase());
  expect(addresses.toSorted()).toEqual([...new Set(addresses)].sort());
  if (lived.result?.status === 'rejected' && !(lived.result.reason instanceof Failure)) throw lived.result.reason;

  const run = await world.db
    .selectFrom('run')
    .select(['outcome', 'counts', 'window_from', 'window_to'])
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
  if (lived.died || run.outcome !== 'done') return false;
  checkCounts(run.counts);
  await checkWindow(world, run.window_from ?? '', run.window_to ?? '');
  return true;
}

/** Where the watermark of each world stood last. */
const furthest = new WeakMap<World, string>();

async function watermark(world: World): Promise<string | undefined> {
  const row = await world.db
    .selectFrom('watermark')
    .select('position')
    .where('stream', '=', 'livechat')
    .executeTakeFirst();
  return row?.position;
}

const countsShape = z
  .object({
    seen: z.number(),
    new: z.number(),
    changed: z.number(),
    known: z.number(),
    open: z.number(),
    ready: z.number(),
    delivered: z.number(),
    failed: z.number(),
  })
  .catchall(z.number());

/** What a run that is done says of itself: every thread that it saw, and every one that was ready, came to something. */
function checkCounts(told: unknown): void {
  const { seen, new: fresh, changed, known, open, ready, delivered, failed, ...rest } = countsShape.parse(told);
  expect(seen, JSON.stringify(told)).toBe(fresh + changed + known + open);
  const reasons = Object.entries(rest).filter(([key]) => key.startsWith('ignored:'));
  const ignored = reasons.reduce((sum, [, count]) => sum + count, 0);
  expect(ready, JSON.stringify(told)).toBe(delivered + ignored + failed);
}

const writeShape = z.object({
  action: z.enum(['createOnly', 'updateOnly']),
  input: z.array(z.record(z.string(), z.unknown())),
});

/** No lead is written without cause: a create is for somebody who is no lead, an update changes each lead in it. */
function checkWrite(world: World, request: InternalAxiosRequestConfig): void {
  if (!request.url?.endsWith('/leads.json') || request.method !== 'post') return;
  const { action, input } = writeShape.parse(JSON.parse(String(request.data)));
  for (const record of input) {
    if (action === 'createOnly') {
      expect(world.sandbox.marketo.leads(String(record['email'])), `created again: ${record['email']}`).toEqual([]);
      continue;
    }
    const lead = world.sandbox.marketo.leads().find(({ id }) => id === record['id']);
    expect(lead, `lead ${record['id']}`).toBeDefined();
    const changes = Object.entries(record).filter(([field, value]) => lead?.[field] !== value);
    expect(changes, `an update of ${lead?.['email']} that changes nothing`).not.toEqual([]);
  }
}

export const filedVisit = z.object({
  visitor: z.object({ name: z.string() }),
  thread: z.object({ tags: z.array(z.string()), rating: z.object({ score: z.string() }) }),
});

/** Whichever way LiveChat reads the ends of a window, what is within them was there to be read. */
async function checkWindow(world: World, from: string, to: string): Promise<void> {
  const { archive, behaviour } = world.sandbox.livechat;
  const shown = archive.threads().filter((thread) => {
    const us = behaviour.windowBy === 'created_at' ? thread.createdUs : archive.lastActivityUs(thread);
    const at = formatInstant(us);
    const ended = !archive.isActive(thread);
    const indexed = (thread.endsUs ?? 0) / 1000 + behaviour.indexingDelayMs <= world.sandbox.clock.now() - 1000;
    return ended && indexed && at > from && at < to;
  });
  const rows = await world.db.selectFrom('chat_thread').select(['thread_id', 'state', 'visitor']).execute();
  const filed = new Map(rows.map((row) => [row.thread_id, row]));
  for (const thread of shown) {
    const row = filed.get(thread.id);
    expect(row?.state, `thread ${thread.id} is in the window and not in the ledger`).toMatch(
      /ready|synced|ignored|dead/,
    );
    const visit = filedVisit.parse(row?.visitor);
    expect([visit.thread.tags, visit.thread.rating.score], `thread ${thread.id}, as it is now`).toEqual([
      thread.tags,
      scoreOf(thread),
    ]);
  }
}

export function scoreOf(thread: Thread): string {
  return thread.rating === undefined ? '' : thread.rating.score === 1 ? 'good' : 'bad';
}
