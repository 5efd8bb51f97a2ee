import type { LiveChat } from '../shared/livechat/client.ts';
import { LiveChatRefusal } from '../shared/livechat/errors.ts';
import { Failure } from '../shared/runtime/failure.ts';
import { addMilliseconds, type Instant, millisecondsOf } from '../shared/runtime/instant.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import { type LoggedError, logErrors } from '../shared/store/errors.ts';
import { groupsSeen } from '../shared/store/ledger.ts';
import { logOnce } from '../shared/store/warnings.ts';
import type { Window } from './window.ts';

/** Logs an error; `once`, where it tells of a state that lasts: then not again for a week. */
export type Tell = (error: LoggedError, often?: 'once') => Promise<void>;

/** Errors go into the log and, for the digest, into the database. */
export function tellInto(db: Database, log: Logger, runId: number): Tell {
  return async (error, often) => {
    log.warn({ code: error.code, ...(error.threadId ? { threadId: error.threadId } : {}) }, error.message);
    if (often === 'once') await logOnce(db, runId, error);
    else await logErrors(db, runId, [error]);
  };
}

/** LiveChat's plans keep 60 days at the least: long before, somebody should see that nothing is read any more. */
const OLD_WATERMARK_MS = 3 * 86_400_000;

/** Says that LiveChat was last read days ago: the schedule does not run, or every run fails. */
export async function warnOfLag(tell: Tell, watermark: Instant | undefined, now: Instant): Promise<void> {
  if (watermark === undefined || millisecondsOf(now) - millisecondsOf(watermark) < OLD_WATERMARK_MS) return;
  await tell(
    {
      code: 'livechat-lag',
      message: `LiveChat had been read up to ${watermark} only: the runs from then on are caught up with now.`,
    },
    'once',
  );
}

/** Says which header announces the end of the API version, and for when. */
export async function warnOfVersion(tell: Tell, header: string, date: string): Promise<void> {
  await tell(
    {
      code: 'livechat-version',
      message: `LiveChat's header ${header} names ${date} as the end of this stage.`,
      subject: `${header} ${date}`,
    },
    'once',
  );
}

/** Says that LiveChat's plan withholds a part of the history. */
export async function warnOfHistoryCut(tell: Tell, withheld: number, cut: Window | undefined): Promise<void> {
  if (withheld > 0) {
    await tell(
      {
        code: 'livechat-history-cut',
        message: `LiveChat withholds what was said in ${threadsIn(withheld)}, because the plan does not reach so far back: forms and addresses in them are not known.`,
        subject: 'withheld',
      },
      'once',
    );
  }
  if (!cut) return;
  await tell(
    {
      code: 'livechat-history-cut',
      message: `LiveChat shows no threads from ${cut.from} to ${cut.to}, because the plan does not reach so far back: they were passed over.`,
      subject: 'cut',
    },
    'once',
  );
}

/** Says that threads that were going on are in no group that the token sees any more. */
export async function warnOfHiddenThreads(tell: Tell, hidden: number): Promise<void> {
  if (hidden === 0) return;
  await tell(
    {
      code: 'livechat-scope',
      message: `LiveChat no longer shows ${threadsIn(hidden)} to this token: they went to groups that it does not see.`,
      subject: 'hidden threads',
    },
    'once',
  );
}

/** Says that chats go on of which LiveChat gives nothing that can be read: they are asked for again by every run. */
export async function warnOfOddChats(tell: Tell, odd: number): Promise<void> {
  await tell(
    {
      code: 'livechat-answer',
      message: `LiveChat gave ${odd} chats that go on in a shape that is not documented: they are asked for again by the next run.`,
      subject: 'chats that go on',
    },
    'once',
  );
}

/** So many threads must have been seen before a group's absence among them says anything. */
const ENOUGH_THREADS = 100;

/**
 * Says that the token may see only some groups. One with the scope chats--access:ro is not refused: the chats of all
 * groups but its owner's are silently absent. Where the token may list the groups, those that have agents are held
 * against those that threads have come from in the last 30 days; where it may not, nothing can be said.
 */
export async function warnOfScope(parts: Asking & { db: Database; tell: Tell }, now: Instant): Promise<void> {
  const { threads, groupIds } = await groupsSeen(parts.db, addMilliseconds(now, -30 * 86_400_000));
  if (threads < ENOUGH_THREADS) return;
  const expected = await groupsWithAgents(parts);
  const absent = (expected ?? []).filter((id) => !groupIds.includes(id));
  if (absent.length === 0) return;
  await parts.tell(
    {
      code: 'livechat-scope',
      message: `Of the ${threads} threads of the last 30 days none came from the groups ${absent.slice(0, 20).join(', ')}${absent.length > 20 ? ' and others' : ''}, which have agents.`,
      subject: 'groups',
    },
    'once',
  );
}

/** It is a precaution, no part of the sync: where it fails, the run goes on without. */
async function groupsWithAgents({ livechat, log }: Asking): Promise<number[] | undefined> {
  try {
    return await livechat.groupsWithAgents();
  } catch (error) {
    if (!(error instanceof Failure || error instanceof LiveChatRefusal)) throw error;
    log.info({ err: error }, 'the groups could not be listed: whether the token sees all of them is not known');
    return undefined;
  }
}

type Asking = { livechat: LiveChat; log: Logger };

function threadsIn(count: number): string {
  return count === 1 ? 'one thread' : `${count} threads`;
}
