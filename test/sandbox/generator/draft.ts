import { given } from '../livechat/given.ts';
import type { AgentSpec } from '../livechat/spec.ts';
import { type Closer, closingMessage, correctionMessage, type NewEvent } from '../livechat/systemMessages.ts';
import type { Random } from '../random.ts';
import { internalNotes, rant, type Topic } from './conversations.ts';
import { askForEmailForm, postChatForm, preChatForm } from './forms.ts';
import type { Kind } from './kinds.ts';
import type { Person } from './people.ts';
import type { Proportions } from './proportions.ts';
import { bot, desks, frontDesk } from './staff.ts';

/** A conversation without a date: everything that is said, so many milliseconds after its beginning. */
export type Draft = {
  agents: AgentSpec[];
  groupIds: number[];
  beats: { afterMs: number; event: NewEvent }[];
  /** When it is closed. */
  endsAfterMs: number;
  /** The closing system message comes then, too; none where the visitor just vanished. */
  closing: NewEvent | undefined;
  rating: { afterMs: number; score: 0 | 1; comment: string | undefined } | undefined;
  tags: string[];
  topic: Topic;
  /** The address that this very thread leads to, by correction or form. */
  email: { text: string; from: 'correction' | 'form' } | undefined;
  /** What the profile's address is from this thread on; undefined: no news. */
  profileEmail: string | undefined;
  /** The visitor wanted the transcript sent there. */
  transcriptEmail: string | undefined;
  kinds: Kind[];
};

/**
 * Writes one conversation.
 *
 * @param random decides its course
 * @param person the visitor
 * @param visit who LiveChat takes them for: the customer's id, the address they give this time (undefined: none), and the
 *   one in the profile before; whether it drags on, and whether it is still open when the range ends
 * @param share how often what occurs
 * @returns the conversation, still without times of its own
 */
export function writeDraft(
  random: Random,
  person: Person,
  visit: {
    customerId: string;
    email: string | undefined;
    known: string | undefined;
    long: boolean;
    open: boolean;
  },
  share: Proportions,
): Draft {
  const topic = random.pick(person.phrases.topics);
  const desk = person.spamLine === undefined ? (desks[topic.tag] ?? frontDesk) : frontDesk;
  const agent = random.pick(desk.agents);
  const kinds: Kind[] = [];
  const is = (kind: Kind, p: number): boolean => {
    const yes = random.chance(p);
    if (yes) kinds.push(kind);
    return yes;
  };

  if (is('no-events', share.noEvents)) return vanished(random, topic, desk.groupId, visit, kinds);

  const beats: Draft['beats'] = [];
  // An hour of pauses between the lines makes a conversation of a few minutes one of a day.
  const pace = visit.long ? random.integer(120, 300) : 1;
  let afterMs = 0;
  const say = (fromMs: number, toMs: number, event: NewEvent) => {
    afterMs += random.integer(fromMs, toMs) * pace;
    beats.push({ afterMs, event });
  };
  const visitorSays = (text: string) =>
    say(4_000, 70_000, { type: 'message', author_id: visit.customerId, visibility: 'all', text });
  const agentSays = (who: AgentSpec, text: string) =>
    say(6_000, 90_000, { type: 'message', author_id: who.id, visibility: 'all', text: fill(text, person, who) });

  const withForm = random.chance(share.preChatForm);
  const mistyped = withForm && visit.email !== undefined && is('correction', share.correction);
  let email: Draft['email'];
  let profileEmail: string | undefined;

  if (withForm) {
    const written = visit.email ?? '';
    const form = preChatForm(
      random,
      person,
      {
        name: person.defaultName === undefined ? person.name : undefined,
        email: mistyped ? mistype(written) : written,
        topic,
      },
      share,
      visit.customerId,
    );
    if (form.old) kinds.push('old-form');
    // LiveChat's samples date the form one microsecond after the thread.
    beats.push({ afterMs: 0.001, event: form.event });
    if (visit.email !== undefined) {
      email = { text: mistyped ? mistype(written) : written, from: 'form' };
      profileEmail = email.text;
    }
  }

  const missed = person.spamLine === undefined && !mistyped && is('missed', share.missed);
  const helpedByBot = !missed && random.chance(share.bot);
  const agents = missed ? [] : helpedByBot ? [bot, agent] : [agent];

  const hello = random.pick(person.phrases.hello);
  const opening = person.spamLine ?? topic.visitor[0] ?? '';
  visitorSays(hello === '' ? opening : `${hello}, ${opening}`);
  if (is('long-message', share.longMessage)) visitorSays(rant.repeat(12).slice(0, 3000));

  const asks = email === undefined && visit.email !== undefined && visit.known === undefined;
  if (helpedByBot) {
    if (random.chance(share.richMessage * 2)) say(500, 1_500, quickReplies(topic));
    else agentSays(bot, 'Hi, I am Fieldbot. I get you to the right person.');
    say(1_000, 4_000, transfer(agent));
  }
  if (asks && visit.email !== undefined) {
    if (!missed && random.chance(share.askForEmail)) {
      kinds.push('asked-in-chat');
      say(9_000, 40_000, askForEmailForm(person, visit.email, visit.customerId));
      email = { text: visit.email, from: 'form' };
    } else {
      // The site knew who it was and told the widget: nothing in the thread shows the address.
      kinds.push('profile-address');
    }
    profileEmail = visit.email;
  }

  if (!missed) {
    agentSays(agent, random.pick(person.phrases.greeting));
    const turns = person.spamLine === undefined ? topic.visitor.length : 0;
    for (let turn = 0; turn < turns; turn += 1) {
      if (turn > 0 && random.chance(0.12)) continue;
      if (turn > 0) visitorSays(topic.visitor[turn] ?? '');
      agentSays(agent, topic.agent[turn] ?? topic.agent.at(-1) ?? '');
    }
    if (mistyped && visit.email !== undefined) {
      const combined = is('combined-correction', share.combinedCorrection);
      const message = correctionMessage(agent.name, { email: visit.email, ...(combined ? { name: person.name } : {}) });
      if (message !== undefined) say(3_000, 20_000, message);
      email = { text: visit.email, from: 'correction' };
      profileEmail = visit.email;
    }
    if (random.chance(share.internalNote)) {
      const text = random.pick(internalNotes);
      say(2_000, 9_000, { type: 'message', author_id: agent.id, visibility: 'agents', text });
    }
    if (random.chance(share.file)) say(5_000, 30_000, screenshot(random, visit.customerId));
    if (is('deleted-message', share.deletedMessage)) {
      say(2_000, 9_000, { type: 'message', author_id: visit.customerId, visibility: 'all', deleted: true });
    }
    const thanks = random.pick(person.phrases.thanks);
    visitorSays(
      is('emoji-message', share.emojiMessage) ? `${thanks} ${random.pick(['🙏', '👍🏽', '😀', '❤️'])}` : thanks,
    );
    agentSays(agent, random.pick(person.phrases.bye));
  }

  const closer: Closer = missed ? 'disconnection' : random.pick(CLOSERS);
  afterMs += closer === 'inactivity' ? 30 * 60_000 : random.integer(2_000, 120_000);
  const endsAfterMs = afterMs;

  if (!missed && !visit.open && random.chance(share.postChatForm)) {
    const asksAgain = visit.email !== undefined && random.chance(share.postChatFormWithEmail);
    const answer = asksAgain ? visit.email : undefined;
    const event = postChatForm(random, person, answer, visit.customerId);
    beats.push({ afterMs: endsAfterMs + random.integer(15_000, 180_000), event });
    if (answer !== undefined && email === undefined) {
      kinds.push('post-chat-address');
      email = { text: answer, from: 'form' };
    }
  }

  return {
    agents,
    groupIds: [desk.groupId],
    beats,
    endsAfterMs,
    closing: closingMessage({ agents, customer: { id: visit.customerId, name: person.name } }, closer),
    rating: missed || visit.open ? undefined : makeRating(random, person, agent, endsAfterMs, share),
    tags: makeTags(random, person, topic, missed, share),
    topic,
    email,
    profileEmail,
    transcriptEmail: random.chance(share.transcriptEmail) ? visit.email : undefined,
    kinds,
  };
}

const CLOSERS: readonly Closer[] = ['agent', 'agent', 'agent', 'visitor', 'visitor', 'inactivity', 'disconnection'];

/** The visitor opened the chat and left before a word was said. */
function vanished(
  random: Random,
  topic: Topic,
  groupId: number,
  visit: { email: string | undefined; known: string | undefined },
  kinds: Kind[],
): Draft {
  if (visit.email !== undefined && visit.known === undefined) kinds.push('profile-address');
  return {
    agents: [],
    groupIds: [groupId],
    beats: [],
    endsAfterMs: random.integer(10_000, 60_000),
    closing: undefined,
    rating: undefined,
    tags: [],
    topic,
    email: undefined,
    profileEmail: visit.known === undefined ? visit.email : undefined,
    transcriptEmail: undefined,
    kinds,
  };
}

/** Two letters change places, as they do in haste. Left of the @, so that the domain stays one that is nobody's. */
function mistype(email: string): string {
  const [first = '', second = '', third = ''] = email;
  const swapped = `${first}${third}${second}${email.slice(3)}`;
  return swapped === email || third === '@' ? `${first}${email}` : swapped;
}

function fill(text: string, person: Person, agent: AgentSpec): string {
  return text.replaceAll('{name}', person.givenName).replaceAll('{agent}', agent.name.split(' ')[0] ?? agent.name);
}

function transfer(agent: AgentSpec): NewEvent {
  return {
    type: 'system_message',
    visibility: 'all',
    system_message_type: 'chat_transferred',
    text: `${bot.name} transferred the chat to ${agent.name}`,
    text_vars: { initiator: bot.name, targets: agent.name },
  };
}

function quickReplies(topic: Topic): NewEvent {
  return {
    type: 'rich_message',
    author_id: bot.id,
    visibility: 'all',
    template_id: 'quick_replies',
    elements: [
      {
        title: 'What can I do for you?',
        buttons: [
          { type: 'message', text: topic.label, postback_id: 'topic', user_ids: [] },
          { type: 'message', text: 'Something else', postback_id: 'other', user_ids: [] },
        ],
      },
    ],
  };
}

function screenshot(random: Random, author: string): NewEvent {
  const name = random.pick(['screenshot.png', 'Bildschirmfoto 2.png', 'import (3).csv', '注文書.pdf']);
  return {
    type: 'file',
    author_id: author,
    visibility: 'all',
    name,
    url: `https://files.example.com/api/file/${encodeURIComponent(name)}`,
    content_type: name.endsWith('.png') ? 'image/png' : name.endsWith('.pdf') ? 'application/pdf' : 'text/csv',
    size: random.integer(9_000, 900_000),
  };
}

function makeRating(
  random: Random,
  person: Person,
  agent: AgentSpec,
  endsAfterMs: number,
  share: Proportions,
): Draft['rating'] {
  if (person.spamLine !== undefined || !random.chance(share.rated)) return undefined;
  const comment = random.chance(share.ratingComment)
    ? fill(random.pick(person.phrases.ratingComments), person, agent)
    : undefined;
  const score = random.chance(0.82) ? 1 : 0;
  // Some rate while they talk, most after the end, a few much later.
  const afterMs = random.chance(0.3) ? endsAfterMs * 0.9 : endsAfterMs + random.lognormal(60_000, 3_600_000);
  return { afterMs: Math.round(afterMs), score, comment };
}

function makeTags(random: Random, person: Person, topic: Topic, missed: boolean, share: Proportions): string[] {
  if (person.spamLine !== undefined) return ['spam'];
  if (missed || !random.chance(share.tagged)) return [];
  return [
    topic.tag,
    ...(random.chance(0.15) ? [random.pick(['positive feedback', 'follow-up', 'vip', 'upsell'])] : []),
  ];
}

/**
 * What page and campaign brought the visitor, as the thread's `routing` properties have it (LiveChat developer docs,
 * 'Default properties').
 *
 * @param random decides them
 * @param draft the conversation: one without agents is unassigned and unreplied
 * @param share how often what occurs
 */
export function routing(random: Random, draft: Draft, share: Proportions): Record<string, string | number | boolean> {
  const page = random.pick([
    '/',
    '/pricing',
    '/product',
    '/scanners/lf-2',
    '/blog/inventory-count?ref=k%C3%B6ln',
    '/contact',
  ]);
  const campaign = random.pick(['brand', 'warehouse-q4', 'lf2-launch', 'Herbst 2026']);
  const source = random.pick(['search', 'newsletter', 'social', 'partner-site']);
  const utm = new URLSearchParams({
    utm_source: source,
    utm_medium: source === 'newsletter' ? 'email' : 'cpc',
    utm_campaign: campaign,
  });
  const tagged = random.chance(share.utm) ? `${page}${page.includes('?') ? '&' : '?'}${utm}` : page;
  const referrer = random.pick([
    'https://search.example/',
    'https://news.example.org/warehouse-trends',
    'https://social.example.net/',
  ]);
  return {
    start_url: `https://www.larkfield.example${tagged}`,
    continuous: false,
    idle: false,
    ...given({
      referrer: random.chance(share.referrer) ? referrer : undefined,
      unreplied: draft.agents.length === 0 ? true : undefined,
      unassigned: draft.agents.length === 0 ? true : undefined,
      transcript_email: draft.transcriptEmail,
    }),
  };
}
