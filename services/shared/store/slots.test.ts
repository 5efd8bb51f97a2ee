import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../../test/postgres/database.ts';
import type { Instant } from '../runtime/instant.ts';
import { type SlotRule, slotStore } from './slots.ts';

const { db, empty } = await testDatabase();
beforeEach(empty);

const RULE: SlotRule = {
  instance: 'x',
  callsPerWindow: 20,
  windowMs: 20_000,
  concurrency: 4,
  leaseMs: 100_000,
  marginMs: 250,
};

/** The slots at so many milliseconds after the start of a time that only the test moves. */
const at = (milliseconds: number, rule: Partial<SlotRule> = {}) =>
  slotStore(
    db,
    { ...RULE, ...rule },
    sql<Instant>`${new Date(Date.UTC(2030, 0, 1) + milliseconds).toISOString()}::timestamptz`,
  );

const names = (count: number, prefix = 'h') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

test('no more are granted than may be in flight, and an answer makes room for one', async () => {
  await at(0).prepare();
  expect(await at(0).take(names(6))).toEqual({ granted: names(4), waitMs: 50, short: 'in-flight' });
  await at(100).giveBack('h0', 'answered');
  expect(await at(100).take(['next', 'one more'])).toMatchObject({ granted: ['next'], short: 'in-flight' });
});

test('a rate row is held until its answer and a window, and waiting is told to the millisecond', async () => {
  await at(0, { concurrency: 30 }).prepare();
  expect((await at(0, { concurrency: 30 }).take(names(20))).granted).toHaveLength(20);
  for (const name of names(20)) await at(3000, { concurrency: 30 }).giveBack(name, 'answered');
  const refused = await at(4000, { concurrency: 30 }).take(['late']);
  expect(refused).toEqual({ granted: [], waitMs: 19_250, short: 'rate' });
  expect((await at(23_249, { concurrency: 30 }).take(['late'])).granted).toEqual([]);
  expect((await at(23_250, { concurrency: 30 }).take(['late'])).granted).toEqual(['late']);
});

test('a call without an answer is held until its lease ends, and a late answer then frees nothing of another’s', async () => {
  await at(0, { concurrency: 1 }).prepare();
  await at(0, { concurrency: 1 }).take(['dead']);
  expect((await at(99_999, { concurrency: 1 }).take(['heir'])).granted).toEqual([]);
  expect((await at(100_000, { concurrency: 1 }).take(['heir'])).granted).toEqual(['heir']);
  await at(100_001, { concurrency: 1 }).giveBack('dead', 'answered');
  expect((await at(100_002, { concurrency: 1 }).take(['third'])).granted).toEqual([]);
});

test('one that was never sent is free at once', async () => {
  await at(0, { callsPerWindow: 1, concurrency: 1 }).prepare();
  await at(0, { callsPerWindow: 1, concurrency: 1 }).take(['a']);
  await at(1, { callsPerWindow: 1, concurrency: 1 }).giveBack('a', 'unsent');
  expect((await at(2, { callsPerWindow: 1, concurrency: 1 }).take(['b'])).granted).toEqual(['b']);
});

test('throttled: nothing for a moment, half the cap for a window, then half a call more each second, never below ten', async () => {
  const wide = { callsPerWindow: 50, concurrency: 60 };
  await at(0, wide).prepare();
  await at(0, wide).throttled();
  const paused = await at(0, wide).take(['a']);
  expect(paused).toMatchObject({ granted: [], short: 'rate' });
  expect(paused.waitMs).toBeGreaterThanOrEqual(500);
  expect(paused.waitMs).toBeLessThanOrEqual(1500);
  expect(await granted(1600)).toBe(25);
  await at(10_000, wide).throttled();
  expect(await granted(19_999)).toBe(25);
  expect(await granted(24_000)).toBe(27);
  expect(await granted(20_000 + 50_000)).toBe(50);
  for (const second of [100, 121, 142, 163]) await at(second * 1000, wide).throttled();
  expect(await granted(166_000)).toBe(10);

  /** How many are granted to somebody who asks for sixty with all rows free. */
  async function granted(milliseconds: number): Promise<number> {
    await db.updateTable('slot').set({ free_at: sql<Instant>`'-infinity'` }).execute();
    return (await at(milliseconds, wide).take(names(60, `at${milliseconds}-`))).granted.length;
  }
});

test('twenty at once, each wanting three: none is granted twice, and together no more than there are', async () => {
  const store = slotStore(db, { ...RULE, callsPerWindow: 30, concurrency: 30 });
  await store.prepare();
  const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => store.take(names(3, `p${index}-`))));
  const granted = taken.flatMap((one) => one.granted);
  const held = await db.selectFrom('slot').select(['kind', 'holder']).where('holder', 'is not', null).execute();
  expect(granted.length).toBeLessThanOrEqual(30);
  expect(
    held
      .filter(({ kind }) => kind === 'rate')
      .map(({ holder }) => holder)
      .sort(),
  ).toEqual([...granted].sort());
  expect(
    held
      .filter(({ kind }) => kind === 'in-flight')
      .map(({ holder }) => holder)
      .sort(),
  ).toEqual([...granted].sort());
});

test('preparing again, with another rule, leaves what is held alone', async () => {
  await at(0).prepare();
  await at(0).take(names(4));
  await at(0, { callsPerWindow: 50, concurrency: 5 }).prepare();
  expect((await at(1, { callsPerWindow: 50, concurrency: 5 }).take(names(3, 'n'))).granted).toEqual(['n0']);
});
