import { beforeEach, describe, expect, test } from 'vitest';
import { endState } from './end-state.ts';
import type { Death } from './mortal.ts';
import { firstHour, SOMETHING_OF_EVERYTHING, type Story, secondHour, TWO_PAGES } from './two-hours.ts';
import { startWorld } from './world.ts';

/*
 * One run with something of everything in it is killed at each of its effects on the world, before the effect and after
 * it, and then the next run comes: the end is that of a run that nobody disturbed.
 */

const world = await startWorld();
beforeEach(() => world.reset());

/** @returns false where the run ended before it could die */
async function dieAndGoOn(story: Story, death: Death | undefined): Promise<boolean> {
  await world.reset();
  await firstHour(world, story);
  const { died } = await secondHour(world, death);
  if (!died) return false;
  const next = await secondHour(world);
  expect(next.result).toMatchObject({ status: 'fulfilled', value: 0 });
  return true;
}

// To whoever comes next, a death before an effect is one after the effect before it, but where several are under way at
// once: so the longer story is told with one of them only.
const STORIES = [
  {
    name: 'something of everything',
    story: SOMETHING_OF_EVERYTHING,
    deaths: ['after'],
    threads: 11,
    leads: 7,
    effects: 100,
  },
  { name: 'two pages', story: TWO_PAGES, deaths: ['before', 'after'], threads: 103, leads: 4, effects: 50 },
] as const;

describe.each(STORIES)('a run over $name', ({ story, deaths, threads, leads, effects }) => {
  test.each<'before' | 'after'>(deaths)(
    'killed %s each of its effects: the next one comes to the end that it would',
    async (when) => {
      await dieAndGoOn(story, undefined);
      const expected = await endState(world);
      expect(expected.threads).toHaveLength(threads);
      expect(expected.leads).toHaveLength(leads);
      let at = 1;
      for (; await dieAndGoOn(story, { at, when }); at += 1) {
        expect(await endState(world), `killed ${when} effect ${at}`).toEqual(expected);
      }
      expect(at).toBeGreaterThan(effects);
    },
    600_000,
  );
});
