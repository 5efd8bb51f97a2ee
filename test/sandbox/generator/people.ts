import type { Random } from '../random.ts';
import { type Phrases, phrasesOf, SHOP, spamLines } from './conversations.ts';
import type { Kind } from './kinds.ts';
import { type City, type Country, weightedCountries } from './places.ts';
import type { Proportions } from './proportions.ts';

/** Somebody who chats, however many customer ids LiveChat has for them. */
export type Person = {
  id: string;
  country: Country;
  city: City;
  phrases: Phrases;
  /** As they write it. */
  name: string;
  givenName: string;
  /** The address as they usually write it; undefined for who never leaves one. */
  email: string | undefined;
  company: string;
  phone: string | undefined;
  street: string | undefined;
  emailVerified: boolean;
  /** The profile has only the name that LiveChat gave. */
  defaultName: string | undefined;
  /** What they come to sell, if that is why they come. */
  spamLine: string | undefined;
  kinds: readonly Kind[];
};

/**
 * Makes up a person.
 *
 * @param random decides everything about them
 * @param index their number, for the id
 * @param taken addresses that are somebody's already, in lower case; theirs is added
 * @param share how often what occurs
 * @returns the person, with an address on a domain that is reserved for examples (RFC 2606), or with none
 */
export function createPerson(random: Random, index: number, taken: Set<string>, share: Proportions): Person {
  const kinds: Kind[] = [];
  const is = (kind: Kind, p: number): boolean => {
    const yes = random.chance(p);
    if (yes) kinds.push(kind);
    return yes;
  };

  const country = random.pick(weightedCountries);
  const city = random.pick(country.cities);
  const given = random.pick(country.given);
  const family = random.pick(country.family);
  const latinGiven = given.latin;
  const latinFamily = family.latin;
  // Two scripts in one name look like nobody's; whoever writes either part in their own writes both so if they can.
  const native = given.written !== given.latin && family.written !== family.latin && random.chance(0.6);
  const first = native ? given.written : latinGiven;
  const last = native ? family.written : latinFamily;
  const joined = country.familyFirst ? `${last} ${first}` : `${first} ${last}`;

  const company = makeCompany(random, country, latinFamily, is('long-company', share.longCompany));
  const spam = is('spam', share.spam);
  const colleague = !spam && is('colleague', share.colleague);
  const email =
    !spam && !colleague && is('no-address', share.noAddress)
      ? undefined
      : makeAddress(random, { first: latinGiven, last: latinFamily, company, colleague, taken, share, is });

  return {
    id: `person-${index + 1}`,
    country,
    city,
    phrases: phrasesOf(country.language),
    name: decorate(random, joined, first, last, is, share),
    givenName: first,
    email,
    company,
    phone:
      country.phone !== undefined && random.chance(share.phone * 2) ? phoneNumber(random, country.phone) : undefined,
    street: random.chance(share.postalAddress)
      ? `${random.pick(country.streets)} ${random.integer(1, 180)}`
      : undefined,
    emailVerified: random.chance(share.emailVerified),
    defaultName: is('default-name', share.defaultName)
      ? random.pick([phrasesOf(country.language).defaultName, 'Visitor', `#${hex(random, 6)}`])
      : undefined,
    spamLine: spam ? random.pick(spamLines) : undefined,
    kinds,
  };
}

/**
 * The same address as somebody writes it on another day.
 *
 * @param random decides how
 * @param email the address
 * @returns the address with other capital letters
 */
export function inOtherCase(random: Random, email: string): string {
  const capitals = email.replace(/(^|[.@_-])(\p{L})/gu, (match) => match.toUpperCase());
  const other = random.pick([email.toUpperCase(), capitals, email.toLowerCase()]);
  return other === email ? email.toUpperCase() : other;
}

/**
 * Random hexadecimal digits.
 *
 * @param random the source
 * @param length how many
 */
export function hex(random: Random, length: number): string {
  return Array.from({ length }, () => random.integer(0, 15).toString(16)).join('');
}

type Is = (kind: Kind, p: number) => boolean;

function decorate(random: Random, joined: string, first: string, last: string, is: Is, share: Proportions): string {
  if (is('quoted-name', share.quotedName)) return `${first} "${first.slice(0, 3)}" ${last}`;
  if (is('markup-name', share.markupName)) {
    return random.pick([`<b>${first}</b> ${last}`, `${first} <script>alert("${last}")</script>`]);
  }
  if (is('emoji-name', share.emojiName)) return `${joined} ${random.pick(['🌻', '🚚', '👩‍🔧'])}`;
  return joined;
}

function makeCompany(random: Random, country: Country, family: string, long: boolean): string {
  const trade = random.pick(['Logistics', 'Foods', 'Trading', 'Textil', 'Pharma', 'Parts', 'Marine', 'Tools', 'Paper']);
  const name = `${family} ${trade}`;
  const legalForm = random.pick(country.company);
  if (!long) return `${name} ${legalForm}`;
  // Some people paste the whole letterhead: 400 characters, more than a lead's company field holds.
  const letterhead = `${name} ${'& Partners International Holding '.repeat(20)}`;
  return `${letterhead.slice(0, 399 - legalForm.length)} ${legalForm}`;
}

function makeAddress(
  random: Random,
  about: {
    first: string;
    last: string;
    company: string;
    colleague: boolean;
    taken: Set<string>;
    share: Proportions;
    is: Is;
  },
): string {
  const { company, colleague, taken, share, is } = about;
  const keepsApostrophe = about.last.includes("'") && is('apostrophe-address', 0.3);
  const first = letters(about.first);
  const last = letters(about.last, keepsApostrophe ? "'" : '');
  const local = random.pick([
    `${first}.${last}`,
    `${first.slice(0, 1)}.${last}`,
    `${first}_${last}`,
    `${last}${first.slice(0, 2)}`,
  ]);
  const domain = colleague
    ? SHOP.domain
    : random.chance(share.companyAddress)
      ? `${letters(company.split(' ').slice(0, 2).join(' '), '-')}.example`
      : random.pick(FREE_MAIL);

  let unique = local;
  for (let n = 2; taken.has(`${unique}@${domain}`); n += 1) unique = `${local}${n}`;
  taken.add(`${unique}@${domain}`);

  if (is('non-ascii-address', share.nonAsciiAddress)) return `${unique}@bücher-${letters(about.last)}.example`;
  const address = is('plus-address', share.plusAddress)
    ? `${unique}+${random.pick(['livechat', 'larkfield', 'shop'])}@${domain}`
    : `${unique}@${domain}`;
  return is('mixed-case-address', share.mixedCaseAddress) ? inOtherCase(random, address) : address;
}

/** Domains that can never belong to anybody (RFC 2606, RFC 6761). */
const FREE_MAIL = [
  'webmail.example',
  'mailbox.example',
  'inbox.example.net',
  'post.example.org',
  'example.com',
  'mail.example',
];

/** The ASCII letters of a name, as in an address: no accents, and blanks joined by what is allowed beside letters. */
function letters(name: string, allowed = ''): string {
  const plain = name
    .toLowerCase()
    .replace(/[łøßđıæœðþəʻ’]/g, (letter) => WITHOUT_ACCENT[letter] ?? '')
    .normalize('NFD');
  const joiner = allowed === '-' ? '-' : '';
  return [...plain.replace(/[\s-]+/g, joiner)]
    .filter((letter) => /[a-z0-9]/.test(letter) || allowed.includes(letter))
    .join('');
}

const WITHOUT_ACCENT: Record<string, string> = {
  ł: 'l',
  ø: 'o',
  ß: 'ss',
  đ: 'd',
  ı: 'i',
  æ: 'ae',
  œ: 'oe',
  ð: 'd',
  þ: 'th',
};

function phoneNumber(random: Random, range: { prefix: string; digits: number }): string {
  return range.prefix + Array.from({ length: range.digits }, () => random.integer(0, 9)).join('');
}
