import type { ExitCode } from '../../services/shared/runtime/failure.ts';
import type { ThreadSpec } from '../sandbox/livechat/spec.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Death, Lived } from './mortal.ts';
import { BEGINNING, type World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const firstAt = BEGINNING.getTime() + 8 * HOUR;
/** When the second run comes. */
export const secondAt = firstAt + HOUR;
export const TWO_HOURS_SETTINGS = { SYNC_OVERLAP: '2h', MARKETO_BATCH_SIZE: '3' };

/** What is there before the first of two runs, and what happens in the hour between them. */
export type Story = { before(sandbox: Sandbox): void; between(sandbox: Sandbox): void };

/** Makes the story's world and the first run. */
export async function firstHour(world: World, story: Story): Promise<void> {
  story.before(world.sandbox);
  await runAt(world, firstAt);
  world.sandbox.clock.set(firstAt + 30 * MINUTE);
  story.between(world.sandbox);
}

/** The run an hour later, as often as it is called. */
export function secondHour(world: World, death?: Death, signal?: AbortSignal): Promise<Lived<ExitCode>> {
  return runAt(world, secondAt, death, signal);
}

/** This machine's clock is a little behind LiveChat's, so that the instant of a run is the same whenever it is made. */
function runAt(world: World, time: number, death?: Death, signal?: AbortSignal): Promise<Lived<ExitCode>> {
  world.sandbox.clock.set(time + MINUTE);
  return world.run({ env: TWO_HOURS_SETTINGS, machineTime: time, death, signal });
}

/**
 * Something of everything: threads that go on, one that has outlasted the overlap, one that is gone, a late rating, a
 * visitor who comes back, leads that others have made, a lead that Marketo refuses, an address that comes late, an ended
 * thread without its events.
 */
export const SOMETHING_OF_EVERYTHING: Story = {
  before({ livechat, marketo }) {
    livechat.behaviour.includeActiveInArchives = false;
    marketo.addLeads([
      { email: 'known@example.com', firstName: 'Known', updatedAt: BEGINNING.toISOString() },
      { email: 'twin@example.com', lastName: 'Elder', updatedAt: BEGINNING.toISOString() },
      { email: 'twin@example.com', lastName: 'Younger', updatedAt: new Date(BEGINNING.getTime() + HOUR).toISOString() },
    ]);
    livechat.archive.addThreads([
      thread('ann', firstAt - 40 * MINUTE, firstAt - 30 * MINUTE, { name: 'Ann Lee', email: 'ann@example.com' }),
      thread('silent', firstAt - 50 * MINUTE, firstAt - 45 * MINUTE, { name: 'Si Lent' }),
      // Begins long before the overlap of either run, and ends between them.
      thread('long', BEGINNING.getTime() + MINUTE, firstAt + 20 * MINUTE, {
        name: 'Lou Long',
        email: 'long@example.com',
      }),
      thread('endless', firstAt - 5 * HOUR, undefined, { name: 'End Less', email: 'endless@example.com' }),
      thread('deleted', firstAt - 4 * HOUR, undefined, { name: 'Del Eted', email: 'deleted@example.com' }),
      thread('known', firstAt + 10 * MINUTE, firstAt + 12 * MINUTE, { name: 'New Name', email: 'known@example.com' }),
      thread('twin', firstAt + 11 * MINUTE, firstAt + 15 * MINUTE, { name: 'Tia Twin', email: 'twin@example.com' }),
      thread('refused', firstAt + 13 * MINUTE, firstAt + 16 * MINUTE, {
        name: 'Re Fused',
        email: 'refused@example.com',
      }),
      thread('ann-again', firstAt + 17 * MINUTE, firstAt + 19 * MINUTE, { name: 'Ann Lee', email: 'ANN@example.com' }),
      {
        ...thread('bare', firstAt + 21 * MINUTE, firstAt + 23 * MINUTE, { name: 'Ba Re', email: 'bare@example.com' }),
        withholdEvents: true,
      },
      thread('young', secondAt - 15 * MINUTE, undefined, { name: 'You Ng', email: 'young@example.com' }),
    ]);
  },
  between({ livechat: { archive } }) {
    archive.rate('ann', 1, 'Thank you');
    archive.tag('ann', 'late');
    archive.updateCustomer('customer-silent', { email: 'silent@example.com' });
    archive.deleteChat('chat-deleted');
  },
};

/** More threads than a page holds. */
export const TWO_PAGES: Story = {
  before() {},
  between({ livechat }) {
    livechat.archive.addThreads(
      Array.from({ length: 103 }, (_, index) =>
        thread(`crowd-${index}`, firstAt + index * 20_000, firstAt + 40 * MINUTE, {
          name: `Crowd ${index}`,
          ...(index % 33 === 0 ? { email: `crowd${index}@example.com` } : {}),
        }),
      ),
    );
  },
};

function thread(
  name: string,
  from: number,
  to: number | undefined,
  profile: { name: string; email?: string },
): ThreadSpec {
  const at = (time: number) => new Date(time).toISOString().replace('Z', '001Z');
  return {
    chatId: `chat-${name}`,
    threadId: name,
    customer: { id: `customer-${name}`, ...profile },
    agents: [{ id: 'agent@shop.example', name: 'Agent' }],
    groupIds: [0],
    createdAt: at(from),
    ...(to === undefined ? {} : { endsAt: at(to) }),
    events: [
      { type: 'message', created_at: at(from), author_id: `customer-${name}`, visibility: 'all', text: 'Hello' },
      ...(to === undefined
        ? []
        : [
            {
              type: 'system_message' as const,
              created_at: at(to),
              system_message_type: 'manual_archived_agent',
              text: 'Agent archived the chat',
            },
          ]),
    ],
  };
}
