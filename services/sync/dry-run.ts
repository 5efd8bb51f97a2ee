import { LARGEST_PAGE, type LiveChat } from '../shared/livechat/client.ts';
import type { ChatWithThread } from '../shared/livechat/types.ts';
import { visitorOf } from '../shared/livechat/visitor.ts';
import type { Rules } from '../shared/rules/schema.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { earlier, type Instant, instantOf } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import { dueAddresses, laterThreads, openThreads, peekReady, type TakenThread } from '../shared/store/ledger.ts';
import { readWatermark } from '../shared/store/watermark.ts';
import { connectingOutsideRuns, connectLiveChat, connectMarketo, instanceOf, limitsOf } from './connect.ts';
import { chunks } from './deliver.ts';
import { estimate, LIVECHAT_DOLLARS_A_THOUSAND } from './estimate.ts';
import { type Judge, verdictsOn } from './filing.ts';
import { type Reading, whole } from './ingest.ts';
import { rulesThatFit } from './lead-fields.ts';
import { mergeByAddress } from './merge.ts';
import { type Planner, planBatch } from './plan.ts';
import { type Printer, printEstimate, printPlanned, printTotals, type Totals } from './plan-view.ts';
import { slices } from './read.ts';
import { judgeOf, type SyncConfig } from './run.ts';
import { lengthOf, settledBy, type Window, windowOf } from './window.ts';

/**
 * Says what a run would do, and does none of it: reads LiveChat, the ledger and Marketo, and writes nothing to any of
 * them, not even a run's row. What it cannot do without are Marketo's slots and the log of calls, because its look-ups
 * are calls like others.
 *
 * The cost is told before anything else is asked. A run decides about all threads of a person together; so does this,
 * but for a window of more than 20,000 threads, which is planned in parts so that it fits into memory: who was in an
 * earlier part is not planned again.
 *
 * @returns 0
 * @throws Failure as a run does.
 */
export async function dryRun({ config, db, rules, log, signal, clock }: DryRun, printer: Printer): Promise<ExitCode> {
  const dry = connectingOutsideRuns(config, db, log);
  const livechat = connectLiveChat(dry, signal);
  const now = () => {
    const ours = instantOf(clock());
    return earlier(ours, livechat.serverTime() ?? ours);
  };
  const waiting = await dueAddresses(db, undefined, now(), MOST_WAITING);
  const window = await tellCost(config, db, livechat, now, waiting.length, printer);

  const marketo = await connectMarketo(dry, signal);
  try {
    const checking = { db, marketo, instance: instanceOf(config), tell: dry.tell };
    const fitting = await rulesThatFit(checking, rules, { always: false, keep: false });
    const askAgain = () => rulesThatFit(checking, rules, { always: true, keep: false });
    const plan: Plan = { found: [], planned: new Set(), seen: new Set(), totals: nothing() };
    const judge = judgeOf(config, rules);
    const planning: Planning = { fitting, askAgain, db, marketo, plan, printer, batchSize: config.MARKETO_BATCH_SIZE };
    const file = (chats: readonly ChatWithThread[]) => collect(db, judge, plan, chats);
    const reading: Reading = {
      livechat,
      log,
      signal,
      file,
      seen: plan.seen,
      pageLimit: LARGEST_PAGE,
      tell: dry.tell,
    };
    for await (const _ of slices(reading, window, now)) if (plan.found.length > MOST_FOUND) await planFound(planning);
    await readOpen(reading, db, now());
    await planFound(planning);
    for (const batch of chunks(waiting, planning.batchSize)) await planAddresses(planning, batch, []);
    const { create, update } = plan.totals;
    const batchesOf = (leads: number) => Math.ceil(leads / planning.batchSize);
    printTotals(printer, {
      ...plan.totals,
      lookupCalls: dry.counts['lookupCalls'] ?? 0,
      writeCalls: batchesOf(create) + batchesOf(update),
    });
    return EXIT.done;
  } finally {
    marketo.close();
  }
}

export type DryRun = {
  config: SyncConfig;
  db: Database;
  rules: Rules;
  log: Logger;
  signal: AbortSignal;
  /** This machine's clock, in milliseconds since 1970. */
  clock: () => number;
};

type Plan = {
  /** Threads that were read, would be ready, and are not planned yet. */
  found: TakenThread[];
  /** Addresses, in lower case. */
  planned: Set<string>;
  seen: Set<string>;
  totals: Totals;
};

type Planning = Planner & {
  plan: Plan;
  printer: Printer;
  batchSize: number;
};

/** A plan for more is read by nobody; what waits beyond is delivered by runs all the same. */
const MOST_WAITING = 10_000;

const MOST_FOUND = 20_000;

function nothing(): Totals {
  return { create: 0, update: 0, 'leave alone': 0, refused: 0, ignored: {}, lookupCalls: 0, writeCalls: 0 };
}

/** @returns the window that a run would read. */
async function tellCost(
  config: SyncConfig,
  db: Database,
  livechat: LiveChat,
  now: () => Instant,
  waiting: number,
  printer: Printer,
): Promise<Window> {
  const watermark = await readWatermark(db);
  const { SYNC_FROM: from, SYNC_TO: to } = config;
  const windowAt = (instant: Instant): Window =>
    from !== undefined && to !== undefined
      ? { from, to: earlier(to, settledBy(config, instant)) }
      : windowOf(config, watermark, instant);
  const asked = windowAt(now());
  const threads = asked.from < asked.to ? await livechat.announced(asked.from, asked.to) : 0;
  const { callsPerWindow, concurrency } = limitsOf(config);
  const windowSeconds = config.MARKETO_WINDOW_SECONDS;
  const isBackfill = from !== undefined && to !== undefined;
  const gap = lengthOf({ from: watermark ?? asked.from, to: asked.to });
  const readings = !isBackfill && gap > config.SYNC_OVERLAP / 2 ? 3 : 1;
  const cost = estimate(threads, readings, waiting, {
    callsPerWindow,
    windowSeconds,
    concurrency,
    batchSize: config.MARKETO_BATCH_SIZE,
  });
  // By now LiveChat's clock is known.
  const window = windowAt(now());
  const dollars = (cost.livechatCalls / 1000) * LIVECHAT_DOLLARS_A_THOUSAND;
  printEstimate(printer, window, { threads, waiting }, cost, dollars);
  return window;
}

/** Keeps what would be filed as ready, and counts why the others would be ignored. */
async function collect(db: Database, judge: Judge, plan: Plan, chats: readonly ChatWithThread[]): Promise<void> {
  const threads = chats.map((chat) => visitorOf(chat)).filter(({ threadId }) => !plan.seen.has(threadId));
  for (const { threadId } of threads) plan.seen.add(threadId);
  for (const { filed, write } of await verdictsOn(db, threads, judge)) {
    if (write !== 'file') continue;
    const { threadId, email = '', endedAt = '', visit, reason } = filed;
    if (filed.state === 'ready') plan.found.push({ threadId, email, endedAt, attempts: 0, visit });
    if (reason !== undefined) plan.totals.ignored[reason] = (plan.totals.ignored[reason] ?? 0) + 1;
  }
}

/** The threads that were going on when the last run saw them: some have ended by now. */
async function readOpen(reading: Reading, db: Database, now: Instant): Promise<void> {
  const open = (await openThreads(db)).filter(({ threadId }) => !reading.seen.has(threadId));
  for (const some of chunks(open, 20)) {
    const chats = await reading.livechat.threadsById(some.map(({ threadId }) => threadId));
    await reading.file(await whole(reading, chats), now);
  }
}

async function planFound(planning: Planning): Promise<void> {
  const found = planning.plan.found.splice(0);
  const addresses = [...new Set(found.map(({ email }) => email.toLowerCase()))];
  for (const batch of chunks(addresses, planning.batchSize)) await planAddresses(planning, batch, found);
}

/** Decides about some visitors as deliver would: with what waits for them in the ledger, and what is known from later. */
async function planAddresses(planning: Planning, addresses: string[], found: readonly TakenThread[]): Promise<void> {
  const { db, plan, printer } = planning;
  const wanted = new Set(addresses.filter((address) => !plan.planned.has(address)));
  const fresh = found.filter(({ email }) => wanted.has(email.toLowerCase()));
  const freshIds = new Set(fresh.map(({ threadId }) => threadId));
  const waiting = (await peekReady(db, [...wanted])).filter(({ threadId }) => !freshIds.has(threadId));
  const threads = [...waiting, ...fresh].sort((a, b) => (a.endedAt + a.threadId < b.endedAt + b.threadId ? -1 : 1));
  const { visitors } = mergeByAddress(threads, await laterThreads(db, threads));
  for (const planned of await planBatch(planning, visitors)) {
    printPlanned(printer, planned);
    plan.totals[planned.action] += 1;
  }
  for (const address of wanted) plan.planned.add(address);
}
