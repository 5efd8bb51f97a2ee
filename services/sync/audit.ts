import { LARGEST_PAGE } from '../shared/livechat/client.ts';
import type { Instant } from '../shared/runtime/instant.ts';
import { knownThreads } from '../shared/store/ledger.ts';
import { askForOdd, type Ingest, whole } from './ingest.ts';
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
  const listed = new Set<string>();
  const missing: string[] = [];
  for await (const page of parts.livechat.archive(day.from, day.to, { order: 'desc', limit: LARGEST_PAGE })) {
    parts.signal.throwIfAborted();
    const chats = [...page.chats, ...(await askForOdd(parts, page.odd))];
    const known = await knownThreads(
      parts.db,
      chats.map(({ thread }) => thread.id),
    );
    const unknown = chats.filter(({ thread }) => !known.has(thread.id));
    for (const { thread } of chats) listed.add(thread.id);
    for (const { thread } of unknown) missing.push(thread.id);
    await parts.file(await whole(parts, unknown), now);
  }
  await tell(parts, day, listed.size, missing);
  return { listed: listed.size, missing };
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
