import { EXIT, Failure } from '../shared/runtime/failure.ts';
import type { Instant } from '../shared/runtime/instant.ts';
import { knownThreads } from '../shared/store/ledger.ts';
import { type Ingest, readAll, type Slice } from './ingest.ts';
import type { Window } from './window.ts';

/**
 * Holds a day of LiveChat against the ledger: lists it in the other order, newest first, so that its pages are cut where
 * no run has cut them, and compares the ids. What is missing is named and taken in.
 *
 * @param day the day, or as much of it as has settled.
 * @param now the run's instant.
 * @returns how many threads LiveChat has of the day, and the ids of those that the ledger did not have.
 */
export async function audit(parts: Ingest, day: Window, now: Instant): Promise<{ listed: number; missing: string[] }> {
  const missing: string[] = [];
  const file: Ingest['file'] = async (chats, at) => {
    const known = await knownThreads(
      parts.db,
      chats.map(({ thread }) => thread.id),
    );
    const unknown = chats.filter(({ thread }) => !known.has(thread.id));
    for (const { thread } of unknown) missing.push(thread.id);
    await parts.file(unknown, at);
  };
  const slice: Slice = { withheld: 0, cut: undefined };
  const read = await readAll({ ...parts, file }, day, now, slice, 'desc');
  if (read === 'beyond the plan') {
    throw new Failure(
      EXIT.usage,
      `LiveChat’s plan does not show ${day.from.slice(0, 10)} any more: it cannot be audited.`,
    );
  }
  const listed = read.ids.size;
  await tell(parts, day, listed, missing);
  if (read.found > listed) {
    parts.log.warn({ announced: read.found }, `audit: LiveChat announced ${read.found} threads and listed ${listed}`);
  }
  return { listed, missing };
}

async function tell(parts: Ingest, day: Window, listed: number, missing: readonly string[]): Promise<void> {
  const { log } = parts;
  if (missing.length === 0) {
    log.info(
      { listed },
      `audit: the ledger has all ${listed} threads that LiveChat lists from ${day.from} to ${day.to}`,
    );
    return;
  }
  for (const threadId of missing) log.warn({ threadId }, 'audit: missing in the ledger; taken in');
  await parts.tell({
    code: 'livechat-missed',
    message: `Of ${listed} threads from ${day.from} to ${day.to} the ledger lacked ${missing.length}; the audit took them in.`,
  });
}
