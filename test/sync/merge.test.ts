import { expect, test } from 'vitest';
import { mergeByAddress } from '../../services/sync/merge.ts';

const at = (hour: number) => `2026-11-23T${String(hour).padStart(2, '0')}:00:00.000000Z`;

function thread(hour: number, visitor: object, form: object = {}) {
  const visit = { visitor, form, thread: { id: `T${hour}` }, chat: { id: 'C' } };
  return { threadId: `T${hour}`, email: 'ann@example.com', endedAt: at(hour), attempts: 1, visit };
}

const merged = (...threads: ReturnType<typeof thread>[]) => mergeByAddress(threads, []).visitors[0]?.inputs.at(-1);

test('a place is taken as a whole: a city never comes to stand beside another country', () => {
  const input = merged(
    thread(8, { location: { country: 'Chile', region: 'RM', city: 'Santiago' } }),
    thread(9, { location: { country: 'Peru', region: '', city: '' } }),
    thread(10, { location: { country: '', region: '', city: '' } }),
  );
  expect(input?.visitor).toEqual({ location: { country: 'Peru', region: '', city: '' } });
});

test('a name is taken as a whole: Ann Lee and Bob do not become Bob Lee', () => {
  const input = merged(
    thread(8, { name: 'Ann Lee', firstName: 'Ann', lastName: 'Lee', phone: '+1' }),
    thread(9, { name: 'Bob', firstName: 'Bob', lastName: '', phone: '' }),
    thread(10, { name: '', firstName: '', lastName: '', phone: '' }),
  );
  expect(input?.visitor).toEqual({ name: 'Bob', firstName: 'Bob', lastName: '', phone: '+1' });
});

test('answers and variables of all threads come together, the latest of each; the thread is the latest', () => {
  const input = merged(
    thread(8, { variables: { plan: 'free', seats: '3' } }, { byId: { a: 'first' } }),
    thread(9, { variables: { plan: 'gold' } }, { byId: { a: '', b: 'second' } }),
  );
  expect(input).toMatchObject({
    visitor: { variables: { plan: 'gold', seats: '3' } },
    form: { byId: { a: 'first', b: 'second' } },
    thread: { id: 'T9' },
  });
});

test('a later thread that was delivered before goes first, though it is not taken again', () => {
  const later = thread(12, { phone: '+2' });
  const { visitors } = mergeByAddress([thread(8, { phone: '+1' })], [later]);
  expect(visitors).toHaveLength(1);
  expect(visitors[0]?.inputs.at(-1)).toMatchObject({ visitor: { phone: '+2' }, thread: { id: 'T12' } });
  expect(visitors[0]?.threads.map(({ threadId }) => threadId)).toEqual(['T8']);
});

test('forty thousand threads of one address are merged in no time', () => {
  const threads = Array.from({ length: 40_000 }, (_, index) => ({
    ...thread(8, { phone: String(index) }),
    threadId: `T${index}`,
  }));
  const began = performance.now();
  expect(mergeByAddress(threads, []).visitors[0]?.threads).toHaveLength(40_000);
  // Not a figure, but a bound far from it: growing with the square, this took seven seconds.
  expect(performance.now() - began).toBeLessThan(5000);
});
