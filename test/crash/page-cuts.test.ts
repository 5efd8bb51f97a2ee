import { beforeEach, expect, test } from 'vitest';
import { formatInstant } from '../sandbox/livechat/instants.ts';
import type { ThreadSpec } from '../sandbox/livechat/spec.ts';
import { RUN_SETTINGS } from './play.ts';
import { BEGINNING, startWorld } from './world.ts';

/*
 * LiveChat's pages go on strictly after the last thread's time, so that of two threads with one time on a page's cut the
 * second is on no page. No such thread may be lost, wherever the cut is.
 */

const world = await startWorld();
beforeEach(() => world.reset());

const HOUR = 3_600_000;

/** A hundred and three threads, so close together; the last of the first page and the next one have one time. */
function crowd(from: number, apartMs: number, endsAt: number | undefined): ThreadSpec[] {
  return Array.from({ length: 103 }, (_, index) => {
    const at = formatInstant((from + (index === 100 ? 99 : index) * apartMs) * 1000);
    const number = String(index).padStart(3, '0');
    return {
      chatId: `chat-${number}`,
      threadId: `thread-${number}`,
      customer: { id: `customer-${number}`, name: `Crowd ${number}` },
      agents: [],
      groupIds: [0],
      createdAt: at,
      ...(endsAt === undefined ? {} : { endsAt: formatInstant(endsAt * 1000) }),
      events: [{ type: 'message', created_at: at, author_id: `customer-${number}`, visibility: 'all', text: 'Hello' }],
    };
  });
}

async function filed(): Promise<number> {
  return (await world.db.selectFrom('chat_thread').select('thread_id').execute()).length;
}

async function runAt(time: number): Promise<void> {
  world.sandbox.clock.set(time);
  expect(await world.run({ env: RUN_SETTINGS })).toMatchObject({ result: { status: 'fulfilled', value: 0 } });
}

test.each([
  ['twenty seconds', 20_000],
  ['one second', 1000],
  ['a millisecond', 1],
])('threads %s apart, two at once on the cut: all are found', async (_name, apartMs) => {
  const from = BEGINNING.getTime() + HOUR;
  world.sandbox.livechat.archive.addThreads(crowd(from, apartMs, from + HOUR));
  await runAt(from + 3 * HOUR);
  expect(await filed()).toBe(103);
});

test('the same where LiveChat announces fewer than there are, as its estimate may', async () => {
  const from = BEGINNING.getTime() + HOUR;
  world.sandbox.livechat.archive.addThreads(crowd(from, 20_000, from + HOUR));
  world.sandbox.livechat.behaviour.foundChatsOff = -3;
  for (let hour = 3; hour < 7; hour += 1) await runAt(from + hour * HOUR);
  expect(await filed()).toBe(103);
});

test('the same among chats that go on, of which the archive shows nothing: none is lost when it ends after the overlap', async () => {
  const from = BEGINNING.getTime() + HOUR;
  // The list of chats is newest first: its cut is between the third and the fourth.
  const specs = crowd(from, 1000, from + 9 * HOUR).map((spec, index, all) =>
    index === 3 ? { ...spec, createdAt: all[2]?.createdAt ?? '' } : spec,
  );
  world.sandbox.livechat.archive.addThreads(specs);
  world.sandbox.livechat.behaviour.includeActiveInArchives = false;
  for (let hour = 1; hour < 12; hour += 1) await runAt(from + hour * HOUR);
  expect(await filed()).toBe(103);
});
