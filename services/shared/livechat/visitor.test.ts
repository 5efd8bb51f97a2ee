import { expect, test } from 'vitest';
import { chatAnswer } from './types.ts';
import { addressProblem, contentHash, visitorOf } from './visitor.ts';

type Raw = { events?: object[]; users?: object[]; thread?: object };

/** A thread as LiveChat's answers have it, read as the client reads it. */
function read({ events = [], users = [], thread = {} }: Raw = {}) {
  return visitorOf(
    chatAnswer.parse({
      id: 'CHAT',
      users,
      thread: { id: 'THREAD', active: false, created_at: '2026-11-23T14:07:11.383001Z', events, ...thread },
    }),
  );
}

const customer = (more: object = {}) => ({ id: 'c1', type: 'customer', ...more });
const form = (fields: object[], at = '2026-11-23T14:08:00.000000Z') => ({
  type: 'filled_form',
  created_at: at,
  fields,
});
const system = (type: string, vars: object = {}, at = '2026-11-23T14:20:00.000000Z') => ({
  type: 'system_message',
  created_at: at,
  system_message_type: type,
  text_vars: vars,
});

test('the agent’s correction goes before the form’s answer, and that before the profile', () => {
  const users = [customer({ email: 'profile@example.com' })];
  const answered = form([{ type: 'email', id: '1', label: 'E-mail:', answer: 'form@example.com' }]);
  expect(read({ users }).visit.visitor.email).toBe('profile@example.com');
  expect(read({ users, events: [answered] }).visit.visitor.email).toBe('form@example.com');
  for (const name of ['customer_email', 'customers_email']) {
    const corrected = system('customer_updated', { [name]: 'agent@example.com' });
    expect(read({ users, events: [answered, corrected] }).visit.visitor.email).toBe('agent@example.com');
  }
});

test('an empty answer does not hide an address that was given elsewhere', () => {
  const events = [
    form([{ type: 'email', id: '1', answer: 'first@example.com' }]),
    form([{ type: 'email', id: '1', answer: '' }]),
  ];
  expect(read({ events }).visit.visitor.email).toBe('first@example.com');
});

test('answers are read whatever their shape: text, choice, several choices, ids as numbers, no answer at all', () => {
  const { form: answers } = read({
    events: [
      form([
        { type: 'question', id: '2', label: 'Company', answer: ' Acme ' },
        { type: 'select', id: 3, label: 'Size', answer: { id: 1, label: 'Large' } },
        {
          type: 'checkbox',
          id: '4',
          label: 'Topics',
          answers: [
            { id: '0', label: 'Price' },
            { id: 1, label: 'Delivery' },
          ],
        },
        { type: 'textarea', id: '5', label: 'Text' },
      ]),
    ],
  }).visit;
  expect(answers.byId).toEqual({ '2': 'Acme', '3': 'Large', '4': 'Price, Delivery' });
});

test('LiveChat’s default names are no names', () => {
  for (const name of ['Visitor', 'Customer', '#4fa2c1', 'Unnamed customer']) {
    expect(read({ users: [customer({ name })] }).visit.visitor).toMatchObject({
      name: '',
      firstName: '',
      lastName: '',
    });
  }
  expect(read({ users: [customer({ name: 'Ana  de la Cruz' })] }).visit.visitor).toMatchObject({
    firstName: 'Ana',
    lastName: 'de la Cruz',
  });
});

test('what is missing is empty, and nothing throws: no users, no events, no properties', () => {
  const { visit, customerId } = read();
  expect(customerId).toBeUndefined();
  expect(visit.visitor).toMatchObject({ email: '', name: '', variables: {}, location: { city: '' } });
  expect(visit.thread).toMatchObject({ tags: [], agents: [], rating: { score: '', comment: '' }, utm: { source: '' } });
});

test('the customer’s id and statistics are taken, and what is missing or odd of them is 0', () => {
  const statistics = { chats_count: 2, threads_count: 5, visits_count: 9, page_views_count: 41, tickets_count: 1 };
  expect(read({ users: [customer({ statistics })] }).visit.visitor).toMatchObject({
    id: 'c1',
    counts: { chats: 2, threads: 5, visits: 9, pageViews: 41 },
  });
  const none = { chats: 0, threads: 0, visits: 0, pageViews: 0 };
  expect(read().visit.visitor).toMatchObject({ id: '', counts: none });
  const odd = { chats_count: -1, threads_count: '5', visits_count: 1.5, page_views_count: null };
  expect(read({ users: [customer({ statistics: odd })] }).visit.visitor.counts).toEqual(none);
});

test('properties of thread and chat are taken as they are, unknown namespaces too', () => {
  const answer = {
    id: 'CHAT',
    thread: {
      id: 'THREAD',
      active: false,
      created_at: '2026-11-23T14:07:11.383001Z',
      properties: { lc2: { greeting_id: 7 }, my_app: { note: ' a ', paid: true, list: [1], nothing: null }, odd: 3 },
    },
    properties: { source: { customer_client_id: 'web' }, bare: {} },
  };
  const { thread, chat } = visitorOf(chatAnswer.parse(answer)).visit;
  expect(thread.properties).toEqual({ lc2: { greeting_id: 7 }, my_app: { note: 'a', paid: true } });
  expect(chat.properties).toEqual({ source: { customer_client_id: 'web' } });
  expect(read().visit.thread.properties).toEqual({});
});

test('odd events and users cost nothing: unknown types, wrong shapes', () => {
  const events = [
    { type: 'brand_new' },
    'nonsense',
    { type: 'filled_form', fields: 'none' },
    form([{ type: 'email', id: '1', answer: 'a@example.com' }]),
  ];
  const users = [{ id: 5 }, customer({ session_fields: [{ plan: 'gold' }, { seats: 3 }, 'x'] })];
  const { visit } = read({ events: events as object[], users });
  expect(visit.visitor).toMatchObject({ email: 'a@example.com', variables: { plan: 'gold' } });
});

test('NUL and half surrogates, which the database refuses, are taken out', () => {
  const { visit } = read({ users: [customer({ name: 'A\u0000nn \ud800Lee' })] });
  expect(visit.visitor.name).toBe('Ann \ufffdLee');
});

test('a thread’s end is its closing message, and keeps its microseconds', () => {
  const events = [
    form([], '2026-11-23T14:08:00.000001Z'),
    system('manual_archived_agent', {}, '2026-11-23T14:21:22.123456Z'),
    form([], '2026-11-23T14:40:00.000000Z'),
  ];
  const thread = read({ events });
  expect(thread.startedAt).toBe('2026-11-23T14:07:11.383001Z');
  expect(thread.endedAt).toBe('2026-11-23T14:21:22.123456Z');
  expect(read({ thread: { active: true } }).endedAt).toBeUndefined();
});

test('the place is the chat’s own, not that of the visitor’s latest visit', () => {
  const users = [customer({ visit: { geolocation: { country: 'Peru', city: 'Lima' } } })];
  const thread = { customer_visit: { geolocation: { country: 'Chile', country_code: 'CL', city: 'Santiago' } } };
  expect(read({ users, thread }).visit.visitor.location).toMatchObject({
    country: 'Chile',
    countryCode: 'CL',
    city: 'Santiago',
  });
  expect(read({ users }).visit.visitor.location.country).toBe('Peru');
});

test('only the agents of this thread are named, and the campaign comes from the start page', () => {
  const users = [
    { id: 'a@shop.example', type: 'agent', name: 'Ada' },
    { id: 'b@shop.example', type: 'agent', name: 'Bob' },
  ];
  const thread = {
    user_ids: ['a@shop.example'],
    properties: {
      routing: { start_url: 'https://shop.example/?utm_source=mail&utm_campaign=spring%20sale' },
      rating: { score: 1 },
    },
  };
  expect(read({ users, thread }).visit.thread).toMatchObject({
    agents: ['Ada'],
    rating: { score: 'good' },
    utm: { source: 'mail', campaign: 'spring sale', medium: '' },
  });
});

test('the same content has the same hash, and a late rating has another', () => {
  const rated = read({ thread: { properties: { rating: { score: 0 } } } }).visit;
  expect(contentHash(read().visit)).toBe(contentHash(read().visit));
  expect(contentHash(rated)).not.toBe(contentHash(read().visit));
});

test.each([
  ['', 'no-address'],
  ['jörg@example.com', 'address-not-ascii'],
  ['a b@example.com', 'address-not-ascii'],
  ['a,b@example.com', 'address-with-comma'],
  ['example.com', 'address-malformed'],
  ['a@', 'address-malformed'],
  ['me@Shop.Example', 'address-excluded'],
  ['me@eu.shop.example', 'address-excluded'],
  ['me@workshop.example', undefined],
  ["o'neil+chat@example.com", undefined],
])('%j is told apart: %s', (address, problem) => {
  expect(addressProblem(address, ['shop.example'])).toBe(problem);
});
