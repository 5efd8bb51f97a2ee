import { test } from 'vitest';
import { playSeeds, seedsOf } from './model.ts';
import { startWorld } from './world.ts';

const world = await startWorld();

test('no chat is ever missed, and none is taken twice, whatever happens (even seeds)', async () => {
  await playSeeds(world, seedsOf(0, 2));
}, 1_800_000);
