import { expect, test } from 'vitest';
import { recent } from './recent.ts';

/** A reading that is answered by hand. */
function byHand() {
  const asked: { answer: (value: number) => void; fail: (error: Error) => void }[] = [];
  const read = () =>
    new Promise<number>((resolve, reject) => {
      asked.push({ answer: resolve, fail: reject });
    });
  return { asked, read };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 2));

test('many who ask at once get one reading', async () => {
  const { asked, read } = byHand();
  const { get } = recent(read, 1000);
  const all = Promise.all([get(), get(), get()]);
  asked[0]?.answer(7);
  expect(await all).toEqual([7, 7, 7]);
  expect(await get()).toBe(7);
  expect(asked).toHaveLength(1);
});

test('without a time to keep it, each question is read for', async () => {
  let count = 0;
  const { get } = recent(async () => ++count, 0);
  expect([await get(), await get()]).toEqual([1, 2]);
});

test('what is a little old is given out while the next is read; a failure then is for who asks when it is too old', async () => {
  const { asked, read } = byHand();
  const { get } = recent(read, 40);
  const first = get();
  asked[0]?.answer(1);
  expect(await first).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 45));
  expect([await get(), await get(), asked.length]).toEqual([1, 1, 2]);
  asked[1]?.fail(new Error('away'));
  await new Promise((resolve) => setTimeout(resolve, 130));
  const late = get();
  asked[2]?.fail(new Error('still away'));
  await expect(late).rejects.toThrow('still away');
});

test('after a change nobody gets what was read, or asked for, before it', async () => {
  const { asked, read } = byHand();
  const { get, outdate } = recent(read, 60_000);
  const before = get();
  outdate();
  const after = get();
  asked[1]?.answer(2);
  expect(await after).toBe(2);
  asked[0]?.answer(1);
  expect(await before).toBe(1);
  await settle();
  expect(await get()).toBe(2);
});
