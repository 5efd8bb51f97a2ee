import { beforeEach, expect, test } from 'vitest';
import { formatInstant } from '../sandbox/livechat/instants.ts';
import { OVERLAP_MS, RUN_SETTINGS } from './play.ts';
import { BEGINNING, startWorld } from './world.ts';

const world = await startWorld();
beforeEach(() => world.reset());

const MINUTE = 60_000;

test('no run for longer than the overlap, and a chat that began after the last one and ended just before the next, so that LiveChat does not list it yet: it is not lost', async () => {
  const { archive, behaviour } = world.sandbox.livechat;
  behaviour.indexingDelayMs = 5 * MINUTE;
  behaviour.includeActiveInArchives = false;
  const lastRun = BEGINNING.getTime() + 60 * MINUTE;
  const nextRun = lastRun + 2 * OVERLAP_MS;
  const at = formatInstant((lastRun + MINUTE) * 1000);
  archive.addThread({
    chatId: 'chat',
    threadId: 'thread',
    customer: { id: 'customer', name: 'Ann Lee', email: 'ann@example.com' },
    agents: [],
    groupIds: [0],
    createdAt: at,
    endsAt: formatInstant((nextRun - 2 * MINUTE) * 1000),
    events: [{ type: 'message', created_at: at, author_id: 'customer', visibility: 'all', text: 'Hello' }],
  });
  for (const time of [lastRun, nextRun, nextRun + 60 * MINUTE, nextRun + 120 * MINUTE]) {
    world.sandbox.clock.set(time);
    expect(await world.run({ env: RUN_SETTINGS })).toMatchObject({ result: { status: 'fulfilled', value: 0 } });
  }
  const rows = await world.db.selectFrom('chat_thread').select(['thread_id', 'state']).execute();
  expect(rows).toEqual([{ thread_id: 'thread', state: 'synced' }]);
});
