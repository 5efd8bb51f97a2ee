import { EXIT, Failure } from '../shared/runtime/failure.ts';
import { addMilliseconds, earlier, type Instant, instantOf, later, millisecondsOf } from '../shared/runtime/instant.ts';
import { dueLooks, endLook, type Look, moveLook, planLook } from '../shared/store/looks.ts';
import { setRunWindow } from '../shared/store/runs.ts';
import { dropWatermark, moveWatermark, readWatermark, type Stream } from '../shared/store/watermark.ts';
import { audit } from './audit.ts';
import { fileActive, followOpen, type Ingest, type Reading, readSlice } from './ingest.ts';
import { warnOfLag, warnOfOddChats, warnOfScope } from './warnings.ts';
import { dayOf, lengthOf, nextSlice, SLICE_MS, settledBy, type Window, windowOf } from './window.ts';

/** What is read, by the settings. */
export type ReadSettings = {
  SYNC_FROM: Instant | undefined;
  SYNC_TO: Instant | undefined;
  SYNC_INTERVAL: number;
  SYNC_OVERLAP: number;
  SYNC_SETTLE: number;
  /** A day to audit instead, `2026-11-23`. */
  SYNC_AUDIT: string | undefined;
};

/**
 * Reads LiveChat into the ledger. Each `yield` is a moment for the caller to deliver what is ready, and gives the run's
 * instant, by which what was filed is due. It is once, at the end, so that all threads of a person are decided about
 * together, whatever broke off earlier runs; only a backfill and a second look, which may take long, let the hourly part
 * be delivered before them.
 *
 * Invariant: when the watermark moves to an instant, every thread that LiveChat showed before it is in the ledger, as a
 * row that no later crash can lose. The threads that still go on are filed before everything else, then each slice's
 * pages, each in a transaction of its own, and the watermark moves last.
 *
 * @param clock this machine's clock, in milliseconds since 1970.
 * @throws Failure where LiveChat is away, after a last `yield`: what it gave before can be delivered all the same.
 */
export async function* readLiveChat(
  parts: Ingest,
  settings: ReadSettings,
  clock: () => number,
): AsyncGenerator<Instant> {
  // LiveChat's clock, where it is behind ours: what it has not seen yet cannot be read.
  const now = () => {
    const ours = instantOf(clock());
    return earlier(ours, parts.livechat.serverTime() ?? ours);
  };
  try {
    // Those of earlier runs: what this one passes over for long is looked at again by the next.
    const looks = settings.SYNC_AUDIT === undefined ? await dueLooks(parts.db, settledBy(settings, now())) : [];
    const { active, odd } = await parts.livechat.activeThreads(parts.pageLimit);
    if (odd > 0) await warnOfOddChats(parts.tell, odd);
    await fileActive(parts, active, now());
    if (settings.SYNC_AUDIT !== undefined) await auditDay(parts, settings, settings.SYNC_AUDIT, now);
    else if (settings.SYNC_FROM !== undefined && settings.SYNC_TO !== undefined) {
      yield* backfill(parts, settings, { from: settings.SYNC_FROM, to: settings.SYNC_TO }, now);
    } else {
      await catchUp(parts, settings, now);
    }
    await followOpen(parts, now());
    // What a second look may find is not worth that anything else waits for it.
    if (looks.length > 0) yield now();
    for (const look of looks) await lookAgain(parts, settings, look, now);
    const { counts } = parts;
    parts.log.info(
      counts,
      `filed ${counts.new} new and ${counts.changed} changed threads; ${counts.open} are still going on`,
    );
  } catch (error) {
    if (parts.signal.aborted || !(error instanceof Failure) || error.exitCode !== EXIT.tryLater) throw error;
    parts.log.error({ code: error.code }, error.message);
    yield now();
    throw error;
  }
  yield now();
}

/** The hourly part: from the watermark to now, in slices where it is long, each of which moves the watermark. */
async function catchUp(parts: Ingest, settings: ReadSettings, now: () => Instant): Promise<void> {
  const { db, log, runId } = parts;
  const watermark = await readWatermark(db);
  const window = windowOf(settings, watermark, now());
  if (settings.SYNC_TO === undefined) await setRunWindow(db, runId, window.from, window.to);
  tellStart(parts, settings, watermark, window);
  await warnOfLag(parts.tell, watermark, now());
  // Once a day: with the first run that ends in another day than the one before.
  if (watermark?.slice(0, 10) !== window.to.slice(0, 10)) await warnOfScope(parts, now());
  // Before the watermark moves: a run that dies in between must not leave a gap that nobody looks into again.
  const gap = { from: watermark ?? window.from, to: window.to };
  if (lengthOf(gap) > settings.SYNC_OVERLAP / 2) await planLook(db, { ...gap, due: addMilliseconds(gap.to, 1) });
  for await (const reached of slices(parts, window, now)) {
    await moveWatermark(db, runId, reached);
    if (reached < window.to) log.info(`caught up to ${reached} of ${window.to}`);
  }
}

/**
 * Reads a part of the past once more that was not read for long, after an outage or in the first run: a chat that began in
 * it, and ended so shortly before it was read that LiveChat did not show it, may have begun too long ago for the overlap.
 * This is done with the next run, and for the last time when the overlap has passed.
 */
async function lookAgain(parts: Ingest, settings: ReadSettings, look: Look, now: () => Instant): Promise<void> {
  const { db, log } = parts;
  const from = look.reached ?? look.from;
  log.info(`reading again what was not read for long: ${from} to ${look.to}`);
  for await (const reached of slices(parts, { from, to: look.to }, now)) await moveLook(db, look, reached);
  const last = addMilliseconds(look.to, settings.SYNC_OVERLAP);
  await endLook(db, look, look.due < last ? last : undefined);
}

/**
 * Reads a window slice by slice, and yields the end of each once it is in the ledger. Where little happened the slices
 * grow, to a month: a quiet year costs fifteen calls to LiveChat, not two hundred, and where it gets busy after that, a
 * run that is broken off has no more than a month to read again.
 */
export async function* slices(parts: Reading, window: Window, now: () => Instant): AsyncGenerator<Instant> {
  let length = SLICE_MS;
  for (let slice = nextSlice(window, undefined, length); slice; slice = nextSlice(window, slice.to, length)) {
    const threads = await readSlice(parts, slice, now());
    parts.signal.throwIfAborted();
    length = threads < FEW_THREADS ? Math.min(length * 2, LONGEST_SLICE_MS) : SLICE_MS;
    yield slice.to;
  }
}

const FEW_THREADS = 500;
const LONGEST_SLICE_MS = 16 * SLICE_MS;

/**
 * A past range. The watermark stays where it is; how far the backfill itself has come is remembered, so that one that
 * was broken off goes on from there when it is asked for again. Between its slices the hourly part is done where it is
 * due: scheduled runs find this one at work and leave theirs to it.
 */
async function* backfill(
  parts: Ingest,
  settings: ReadSettings,
  range: Window,
  now: () => Instant,
): AsyncGenerator<Instant> {
  const { db, log, runId } = parts;
  const stream: Stream = `backfill ${range.from} ${range.to}`;
  const reached = await readWatermark(db, stream);
  const from = reached === undefined ? range.from : later(range.from, addMilliseconds(reached, -1));
  const window = { from, to: earlier(range.to, settledBy(settings, now())) };
  if (range.from >= settledBy(settings, now())) {
    throw new Failure(EXIT.usage, `The backfill begins at ${range.from}, which LiveChat has not come to yet.`);
  }
  await setRunWindow(db, runId, window.from, window.to);
  if (reached !== undefined) log.info(`this backfill was broken off at ${reached}: going on from there`);
  yield* hourlyPart(parts, settings, now);
  for await (const end of slices(parts, window, now)) {
    await moveWatermark(db, runId, end, stream);
    log.info(`backfill: read up to ${end} of ${window.to}`);
    yield* hourlyPart(parts, settings, now);
  }
  await dropWatermark(db, stream);
}

/** The hourly part, where it is due and the first run has been. */
async function* hourlyPart(parts: Ingest, settings: ReadSettings, now: () => Instant): AsyncGenerator<Instant> {
  const watermark = await readWatermark(parts.db);
  if (watermark === undefined) return;
  const behind = millisecondsOf(settledBy(settings, now())) - millisecondsOf(watermark);
  if (behind < settings.SYNC_INTERVAL) return;
  await catchUp(parts, settings, now);
  yield now();
}

async function auditDay(parts: Ingest, settings: ReadSettings, date: string, now: () => Instant): Promise<void> {
  const day = dayOf(date);
  const settled = { from: day.from, to: earlier(day.to, settledBy(settings, now())) };
  if (settled.to <= settled.from) {
    throw new Failure(EXIT.usage, `The day ${date} has not begun in LiveChat: audit one that has.`);
  }
  await setRunWindow(parts.db, parts.runId, settled.from, settled.to);
  const { listed, missing } = await audit(parts, settled, now());
  Object.assign(parts.counts, { listed, missing: missing.length });
}

function tellStart(parts: Ingest, settings: ReadSettings, watermark: Instant | undefined, { from, to }: Window): void {
  if (watermark === undefined) {
    const why = settings.SYNC_FROM === undefined ? 'one interval back (SYNC_FROM sets another start)' : 'SYNC_FROM';
    if (from < to) parts.log.info(`the first run: reading from ${from}, ${why}, to ${to}`);
    else parts.log.warn(`the first run reads from ${from} on, ${why}: that has not come yet, so nothing is read`);
  } else if (settings.SYNC_FROM !== undefined && settings.SYNC_TO === undefined) {
    parts.log.info(`SYNC_FROM (--from) is where a first run starts; this one starts at the watermark, ${watermark}`);
  }
}
