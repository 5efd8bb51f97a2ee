import fc from 'fast-check';
import { play } from './play.ts';
import { type Scenario, scenarios } from './scenario.ts';
import { settleAndCheck } from './settle.ts';
import type { World } from './world.ts';

/*
 * A seed makes a scenario (scenario.ts): chats that begin, end, come back, are tagged and rated, people who share
 * addresses and devices, clocks that are set, vendors that fail, runs that die at one of their effects. It is played
 * against the real sync (play.ts), then everything ends and settles, and the end is held against what LiveChat knows
 * (settle.ts).
 *
 *     vitest run test/crash/model                          # 2,000 seeds, in two files side by side
 *     MODEL_SEEDS=100000 vitest run test/crash/model       # more of them
 *     MODEL_SEED=4711 vitest run test/crash/model          # one of them again, cut down to what matters
 */
const SEEDS = Number(process.env['MODEL_SEEDS'] ?? 2000);
const ONE = process.env['MODEL_SEED'];

/** The seeds of one of several files: those whose remainder is its number. */
export function seedsOf(file: number, files: number): number[] {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONE)];
  return seeds.filter((seed) => seed % files === file);
}

/**
 * Plays the scenarios of these seeds. The first that fails is cut down to what matters, and told with its seed.
 *
 * @param shrinkMs for how long a scenario that fails is cut down.
 */
export async function playSeeds(world: World, seeds: readonly number[], shrinkMs = 60_000): Promise<void> {
  for (const seed of seeds) {
    const property = fc.asyncProperty(scenarios, async (scenario: Scenario) => {
      await world.reset();
      const played = await play(world, scenario);
      await settleAndCheck(world, played);
    });
    try {
      await fc.assert(property, { seed, numRuns: 1, interruptAfterTimeLimit: shrinkMs, includeErrorInReport: true });
    } catch (error) {
      throw new Error(`Seed ${seed} failed; play it again with MODEL_SEED=${seed}.`, { cause: error });
    }
  }
}
