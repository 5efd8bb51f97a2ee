import { z } from 'zod';
import type { Rules } from '../shared/rules/schema.ts';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { maskAddress } from '../shared/runtime/mask.ts';
import { table } from '../shared/runtime/table.ts';
import type { Database } from '../shared/store/database.ts';
import { laterThreads } from '../shared/store/ledger.ts';
import { readThreadStory, type ThreadStory } from '../shared/store/story.ts';
import { connectingOutsideRuns, connectMarketo, instanceOf } from './connect.ts';
import { rulesThatFit } from './lead-fields.ts';
import { mergeByAddress } from './merge.ts';
import { type Planned, planBatch } from './plan.ts';
import { type Printer, printPlanned, shownValue } from './plan-view.ts';
import type { SyncConfig } from './run.ts';

/**
 * Tells one thread's story: where it stands in the ledger, what was written for it by which rule, what went wrong, and
 * what the rules say of its visitor's lead as Marketo has it now. Reads only.
 *
 * @throws Failure (64) where the ledger does not have the thread.
 */
export async function explain(
  { config, rules, db, log, signal }: Explain,
  threadId: string,
  printer: Printer,
): Promise<ExitCode> {
  const story = await readThreadStory(db, threadId);
  if (!story) {
    throw new Failure(
      EXIT.usage,
      `The ledger has no thread ${threadId}: check the id, or backfill the time it is from.`,
    );
  }
  if (printer.json) printer.write(`${JSON.stringify(jsonOf(story, printer))}\n`);
  else printer.write(textOf(story, printer));
  const planned = await planNow({ config, rules, db, log, signal }, story);
  if (!planned) return EXIT.done;
  if (!printer.json) printer.write('By the rules and the lead as they are now:\n\n');
  printPlanned(printer, planned);
  return EXIT.done;
}

export type Explain = { config: SyncConfig; rules: Rules; db: Database; log: Logger; signal: AbortSignal };

/** What a run would do for the thread's visitor now; undefined where there is no address, or no content any more. */
async function planNow(parts: Explain, { thread }: ThreadStory): Promise<Planned | undefined> {
  if (thread.email === null || thread.endedAt === null || thread.state === 'ignored') return undefined;
  const { config, db, log, signal, rules } = parts;
  const { threadId, email, endedAt, attempts, visit } = thread;
  const asTaken = { threadId, email, endedAt, attempts, visit };
  const { visitors } = mergeByAddress([asTaken], await laterThreads(db, [asTaken]));
  if (visitors.length === 0) return undefined;
  const connecting = connectingOutsideRuns(config, db, log);
  const marketo = await connectMarketo(connecting, signal);
  try {
    const checking = { db, marketo, instance: instanceOf(config), tell: connecting.tell };
    const fitting = await rulesThatFit(checking, rules, { always: false, keep: false });
    const askAgain = () => rulesThatFit(checking, rules, { always: true, keep: false });
    const [planned] = await planBatch({ db, marketo, fitting, askAgain }, visitors);
    return planned;
  } finally {
    marketo.close();
  }
}

/** Where the visitor's data was erased (`RETENTION_VISITORS`), the values went with it, and which field it was stays. */
const change = z.object({
  field: z.string(),
  from: z.unknown().optional(),
  to: z.unknown().optional(),
  rule: z.string(),
  mode: z.string().optional(),
});

function changesOf(changes: unknown): z.infer<typeof change>[] {
  return z.array(change).safeParse(changes).data ?? [];
}

function textOf({ thread, changes, errors }: ThreadStory, printer: Printer): string {
  const { email, state, reason, leadId, attempts, nextAttemptAt } = thread;
  const address = email === null ? 'none' : printer.showValues ? email : maskAddress(email);
  const standing = [state, reason === null ? '' : `(${reason})`, leadId === null ? '' : `lead ${leadId}`];
  const facts = table(
    [],
    [
      ['Thread', `${thread.threadId} of chat ${thread.chatId}`],
      ['Began', thread.startedAt],
      ['Ended', thread.endedAt ?? 'not yet'],
      ['Address', address],
      ['First seen', thread.firstSeenAt],
      ['State', `${standing.filter(Boolean).join(' ')}, since ${thread.updatedAt}`],
      ['Attempts', `${attempts}${nextAttemptAt === null ? '' : `, the next from ${nextAttemptAt} on`}`],
    ],
  );
  const keptUnder = (id: string | null) =>
    id === null || id === thread.threadId ? '' : `(kept under thread ${id}, delivered together)`;
  const written = changes.flatMap(({ at, runId, threadId, leadId: lead, action, changes: all }) =>
    changesOf(all).map(({ field, from, to, rule, mode }) => [
      at,
      `run ${runId}`,
      `${action} ${lead ?? ''}`,
      field,
      to === undefined ? 'values erased' : `${shownValue(from, printer)} → ${shownValue(to, printer)}`,
      `rule ${rule}${mode === undefined ? '' : `, ${mode}`}`,
      keptUnder(threadId),
    ]),
  );
  const wrong = errors.map(({ at, runId, threadId, code, message }) => [
    at,
    runId === null ? '' : `run ${runId}`,
    code,
    message,
    keptUnder(threadId),
  ]);
  return [
    facts,
    written.length === 0 ? 'Nothing was written for it.\n' : `Written:\n\n${table([], written)}`,
    wrong.length === 0 ? 'Nothing went wrong with it.\n' : `Went wrong:\n\n${table([], wrong)}`,
    '',
  ].join('\n');
}

function jsonOf({ thread, changes, errors }: ThreadStory, printer: Printer): object {
  const { visit: _, email, ...rest } = thread;
  const masked = changes.map(({ changes: all, ...one }) => ({
    ...one,
    changes: changesOf(all).map((each) => ({
      ...each,
      ...(each.to === undefined ? {} : { from: shownValue(each.from, printer), to: shownValue(each.to, printer) }),
    })),
  }));
  const address = email === null ? null : printer.showValues ? email : maskAddress(email);
  return { kind: 'story', ...rest, address, written: masked, errors };
}
