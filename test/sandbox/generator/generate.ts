import { given } from '../livechat/given.ts';
import { formatInstant } from '../livechat/instants.ts';
import type { CustomerSpec, EventSpec, ThreadSpec, Truth } from '../livechat/spec.ts';
import { createRandom, type Random } from '../random.ts';
import { type Draft, routing, writeDraft } from './draft.ts';
import type { Kind } from './kinds.ts';
import { createPerson, hex, inOtherCase, type Person } from './people.ts';
import { PROPORTIONS, type Proportions } from './proportions.ts';

export type GenerateOptions = {
  /** The same seed and count give the same people, forms, words and tags. */
  seed: number;
  /** How many threads: entries of list_archives. */
  count: number;
  /** The threads begin between these; only times depend on them. */
  from: Date;
  to: Date;
  /** What is to occur more or less often than usual. */
  proportions?: Partial<Proportions>;
  /** Whether there is a thread of this id already; whoever would hold another one of it does not come. */
  isTaken?: (threadId: string) => boolean;
};

/** A generated thread always knows the truth about itself. */
export type GeneratedThread = ThreadSpec & { truth: Truth };

/**
 * Makes up the chats of a shop's website: people of many countries, the forms they fill in, what they say, and everything
 * that goes wrong with it in life. Every address is on a domain reserved for examples.
 *
 * @param options what, how many and when
 * @returns the threads, oldest first; each carries what a right reading of it must come to, which the API never shows
 * @throws RangeError where `to` is not after `from`
 */
export function generateChats(options: GenerateOptions): GeneratedThread[] {
  const { seed, count, from, to, isTaken = () => false } = options;
  if (to.getTime() <= from.getTime()) throw new RangeError('The chats need a range of time: to must be after from.');
  const share: Proportions = { ...PROPORTIONS, ...options.proportions };
  const range = { fromUs: from.getTime() * 1000, toUs: to.getTime() * 1000 };
  const taken = new Set<string>();
  const ids = new Set<string>();
  const threads: GeneratedThread[] = [];
  let alone: Moment | undefined;

  for (let index = 0; threads.length < count; index += 1) {
    // Every person has a source of chance of their own: what one does never changes another.
    const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
    const person = createPerson(random, index, taken, share);
    const visits = planVisits(random, person, count - threads.length, share);
    // Among some ten thousand sources of 32 bits two come to the same numbers, and so to the same ids.
    if (visits.some(({ threadId }) => ids.has(threadId) || isTaken(threadId))) continue;
    for (const { threadId } of visits) ids.add(threadId);
    const [only] = visits;
    if (only !== undefined && visits.length === 1 && !only.kinds.includes('open-at-end')) {
      if (alone !== undefined && random.chance(share.sameInstant)) {
        only.moment = alone;
        only.kinds.push('same-instant');
      }
      alone = only.moment;
    }
    threads.push(...hold(random, person, visits, range, share));
  }
  return threads.sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
}

/** A place in the range, whatever the range is: a fraction of it, and the last three digits of the microseconds. */
type Moment = { fraction: number; lastDigits: number };

/** One coming of a person. */
type Visit = {
  moment: Moment;
  chatId: string;
  threadId: string;
  customerId: string;
  /** The address they give; undefined: none this time. */
  email: string | undefined;
  kinds: Kind[];
  long: boolean;
};

type Range = { fromUs: number; toUs: number };

function planVisits(random: Random, person: Person, most: number, share: Proportions): Visit[] {
  const visits: Visit[] = [];
  do {
    visits.push({
      moment: {
        fraction: random.next(),
        lastDigits: random.chance(share.fullMicroseconds) ? random.integer(1, 999) : 0,
      },
      chatId: code(random),
      threadId: code(random),
      customerId: uuid(random),
      email: person.email,
      kinds: [],
      long: random.chance(share.longRunning),
    });
  } while (visits.length < most && random.chance(share.returning));
  visits.sort((a, b) => a.moment.fraction - b.moment.fraction);

  for (const [index, visit] of visits.entries()) {
    const before = visits[index - 1];
    if (before === undefined) continue;
    if (person.email !== undefined && random.chance(share.secondIdentity)) {
      visit.email = inOtherCase(random, person.email);
      visit.kinds.push('second-identity');
      continue;
    }
    visit.customerId = before.customerId;
    visit.email = before.email;
    if (random.chance(share.sameChat)) {
      visit.chatId = before.chatId;
      visit.kinds.push('same-chat');
    }
  }

  const [first, second] = visits;
  const comesAgainAsSame = first !== undefined && second?.customerId === first.customerId;
  if (comesAgainAsSame && first.email !== undefined && random.chance(share.addressLater)) {
    first.email = undefined;
    first.kinds.push('address-later');
  }

  const last = visits.at(-1);
  if (last !== undefined && random.chance(share.openAtEnd)) {
    // Still talking when the range ends; the later of the two, so that the order of visits holds.
    last.moment = { ...last.moment, fraction: Math.max(last.moment.fraction, 0.97 + 0.029 * random.next()) };
    last.kinds.push('open-at-end');
  }
  for (const visit of visits) if (visit.long) visit.kinds.push('long-running');
  return visits;
}

/** Lets a person come and talk, and writes down what is true of each thread once all have taken place. */
function hold(
  random: Random,
  person: Person,
  visits: readonly Visit[],
  range: Range,
  share: Proportions,
): GeneratedThread[] {
  const profileEmails = new Map<string, string>();
  const written = visits.map((visit) => {
    const known = profileEmails.get(visit.customerId);
    const open = visit.kinds.includes('open-at-end');
    const draft = writeDraft(random, person, { ...visit, known, open }, share);
    if (draft.profileEmail !== undefined) profileEmails.set(visit.customerId, draft.profileEmail);
    return { visit, draft, profileEmail: profileEmails.get(visit.customerId) };
  });

  return written.map(({ visit, draft, profileEmail }, index) => {
    const createdUs = whenUs(visit.moment, range);
    const next = written[index + 1]?.visit;
    const roomUs = next?.chatId === visit.chatId ? whenUs(next.moment, range) - createdUs : Number.POSITIVE_INFINITY;
    const agentsOnly = random.chance(share.agentsOnly) && draft.agents.length > 0;
    const kinds: Kind[] = [
      ...person.kinds,
      ...visit.kinds,
      ...draft.kinds,
      ...(agentsOnly ? (['agents-only'] as const) : []),
    ];
    const spec = toSpec(random, { person, visit, draft, profileEmail, createdUs, roomUs, range, kinds, share });
    const { customer: _hidden, ...withoutCustomer } = spec;

    // The profile is shown as it stands at the time of reading: in the end that is the last visit's.
    const inProfile = agentsOnly ? undefined : profileEmails.get(visit.customerId);
    const inThread = spec.restrictedAccess === undefined ? draft.email : undefined;
    const email = inThread?.text ?? inProfile;
    const truth: Truth = {
      person: person.id,
      ...given({ email, emailFrom: inThread?.from ?? (inProfile === undefined ? undefined : ('profile' as const)) }),
      returning: index > 0,
      kinds,
    };
    return { ...(agentsOnly ? withoutCustomer : spec), truth };
  });
}

/** Gives a conversation its times. */
function toSpec(
  random: Random,
  about: {
    person: Person;
    visit: Visit;
    draft: Draft;
    profileEmail: string | undefined;
    createdUs: number;
    /** How long until the chat's next thread begins: of a chat's threads only the last can be active. */
    roomUs: number;
    range: Range;
    kinds: Kind[];
    share: Proportions;
  },
): ThreadSpec {
  const { person, visit, draft, createdUs, roomUs, range, kinds, share } = about;
  const open = kinds.includes('open-at-end');
  const lastUs = draft.endsAfterMs * 1000;
  const squeeze = lastUs > roomUs * 0.9 ? (roomUs * 0.9) / lastUs : 1;
  const atUs = (afterMs: number) => createdUs + Math.round(afterMs * 1000 * squeeze);
  const at = (afterMs: number) => formatInstant(atUs(afterMs));

  const endsUs = open ? openUntil(random, Math.max(range.toUs, atUs(draft.endsAfterMs))) : atUs(draft.endsAfterMs);
  const events: EventSpec[] = draft.beats.map(({ afterMs, event }) => ({ ...event, created_at: at(afterMs) }));
  if (draft.closing !== undefined && endsUs !== undefined) {
    events.push({ ...draft.closing, created_at: formatInstant(endsUs) });
  }

  const latestVisit = visitOf(random, person, at, share);
  const sessionFields = random.chance(share.sessionFields) ? makeSessionFields(random) : undefined;
  const longSession = sessionFields !== undefined && endsUs !== undefined && random.chance(share.longSession);
  if (longSession) kinds.push('long-session');
  const restricted = random.chance(share.restricted) && !open;
  if (restricted) kinds.push('restricted');
  const withheld = !restricted && !kinds.includes('no-events') && random.chance(share.withheldEvents);
  if (withheld) kinds.push('withheld-events');

  const customer: CustomerSpec = {
    id: visit.customerId,
    created_at: at(-random.integer(60_000, 90 * 86_400_000)),
    visit: latestVisit,
    visits_count: random.integer(1, 14),
    page_views_count: random.integer(1, 60),
    ...given({
      name: person.defaultName ?? person.name,
      email: about.profileEmail,
      email_verified: about.profileEmail === undefined ? undefined : person.emailVerified,
      phone_number: person.phone,
      address: person.street === undefined ? undefined : addressOf(person, person.street),
      session_fields: sessionFields,
    }),
  };
  const source = { client_id: CLIENT_ID, customer_client_id: CLIENT_ID };
  const { ip, user_agent, geolocation } = latestVisit;

  return {
    chatId: visit.chatId,
    threadId: visit.threadId,
    customer,
    agents: draft.agents,
    groupIds: draft.groupIds,
    createdAt: formatInstant(createdUs),
    events,
    tags: draft.tags,
    properties: {
      routing: routing(random, draft, share),
      source,
      ...(random.chance(0.2) ? { lc2: { greeting_id: random.integer(1, 9) } } : {}),
    },
    chatProperties: { source },
    customerVisit: given({ ip, user_agent, geolocation }),
    ...given({
      endsAt: endsUs === undefined ? undefined : formatInstant(endsUs),
      rating:
        draft.rating === undefined
          ? undefined
          : {
              at: at(draft.rating.afterMs),
              score: draft.rating.score,
              ...given({ comment: draft.rating.comment }),
            },
      summary: endsUs !== undefined && random.chance(share.summary) ? makeSummary(random, draft, endsUs) : undefined,
      sessionEndsAt:
        longSession && endsUs !== undefined ? formatInstant(endsUs + random.integer(10, 90) * MINUTE_US) : undefined,
      withholdEvents: withheld ? true : undefined,
      restrictedAccess: restricted ? "You can't access threads older than 60 days on starter plan" : undefined,
    }),
  };
}

/** Most open chats close within hours; some wait for an agent for more than a day, a few for ever. */
function openUntil(random: Random, afterUs: number): number | undefined {
  if (random.chance(0.12)) return undefined;
  const minutes = random.chance(0.75) ? random.integer(5, 170) : random.integer(26 * 60, 50 * 60);
  return afterUs + minutes * MINUTE_US;
}

function whenUs({ fraction, lastDigits }: Moment, { fromUs, toUs }: Range): number {
  return fromUs + Math.floor(((toUs - fromUs) * fraction) / 1000) * 1000 + lastDigits;
}

function visitOf(random: Random, person: Person, at: (afterMs: number) => string, share: Proportions) {
  const { country, city } = person;
  return {
    started_at: at(-random.integer(20_000, 900_000)),
    ip: `${random.pick(['192.0.2', '198.51.100', '203.0.113'])}.${random.integer(1, 254)}`,
    user_agent: random.pick(USER_AGENTS),
    geolocation: {
      country: country.name,
      country_code: country.code,
      region: city.region,
      city: city.city,
      timezone: city.timezone,
      latitude: city.latitude,
      longitude: city.longitude,
    },
    last_pages: [
      {
        opened_at: at(-15_000),
        url: 'https://www.larkfield.example/',
        title: 'Larkfield: know what is in your warehouse',
      },
      { opened_at: at(-5_000), url: 'https://www.larkfield.example/pricing', title: 'Prices – Larkfield' },
    ],
    ...given({ referrer: random.chance(share.referrer) ? 'https://search.example/' : undefined }),
  };
}

function addressOf({ country, city }: Person, street: string) {
  return {
    address: street,
    city: city.city,
    state: city.region,
    country: country.name,
    ...given({ postal_code: city.postalCode === '' ? undefined : city.postalCode }),
  };
}

function makeSessionFields(random: Random): Record<string, string>[] {
  const all = [
    { plan: random.pick(['trial', 'team', 'business']) },
    { account_id: String(random.integer(10_000, 99_999)) },
    {
      _mkto_trk: `id:123-ABC-456&token:_mch-larkfield.example-${random.integer(1_600_000_000, 1_799_999_999)}-${hex(random, 5)}`,
    },
  ];
  return all.slice(0, random.integer(1, all.length));
}

/** The documentation shows one shape of a summary, the vendor's own sample code reads another: both occur. */
function makeSummary(random: Random, draft: Draft, endsUs: number) {
  const updated_at = formatInstant(endsUs + 40_000_000);
  const text = `The visitor asked about ${draft.topic.label.toLowerCase()} and was answered.`;
  if (random.chance(0.5)) return { status: 'ok', text, updated_at };
  return { status: 'ok', content: { title: draft.topic.label, summary_bullets: [text] }, version: 1, updated_at };
}

function code(random: Random): string {
  return Array.from({ length: 10 }, () => LETTERS[random.integer(0, LETTERS.length - 1)]).join('');
}

function uuid(random: Random): string {
  return `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 12)}`;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const MINUTE_US = 60_000_000;

/** The application the visitor chats from; it is the website's widget for all of them. */
const CLIENT_ID = '0805e283233042b37f460ed8fbf22160';

const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
];
