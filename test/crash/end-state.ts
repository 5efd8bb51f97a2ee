import type { World } from './world.ts';

/** Everything that the runs are for: who is a lead with which values, where each thread stands, up to where was read. */
export async function endState(world: World) {
  const leads = world.sandbox.marketo
    .leads()
    .map(({ id, email, firstName, lastName, leadSource, lastChatRating, chatTags }) => ({
      id: Number(id),
      about: { email, firstName, lastName, leadSource, lastChatRating, chatTags },
    }));
  const addresses = new Map(leads.map(({ id, about }) => [id, String(about.email)]));
  const threads = await world.db
    .selectFrom('chat_thread')
    .select(['thread_id', 'state', 'reason', 'email', 'ended_at', 'lead_id'])
    .orderBy('thread_id')
    .execute();
  const watermark = await world.db
    .selectFrom('watermark')
    .select('position')
    .where('stream', '=', 'livechat')
    .execute();
  return {
    leads: leads.map(({ about }) => about).sort((a, b) => (String(a.email) < String(b.email) ? -1 : 1)),
    threads: threads.map(({ lead_id: lead, ...thread }) => ({ ...thread, lead: addresses.get(lead ?? 0) })),
    watermark,
  };
}
