import { expect, test } from 'vitest';
import { startService } from '../services.ts';
import { endState } from './end-state.ts';
import { postgresProxy } from './postgres-proxy.ts';
import { firstHour, SOMETHING_OF_EVERYTHING, secondAt, TWO_HOURS_SETTINGS } from './two-hours.ts';
import { startWorld, type World } from './world.ts';

/*
 * A real process of the sync gets a real SIGKILL at each of its commits, in the moment when Postgres has done it and the
 * process does not know yet. Then the next run comes to the end that it would have come to.
 */

const worlds = await Promise.all([startWorld(), startWorld()]);

/** A world in which the first hour has been, and the second run is due. */
async function beginAgain(world: World): Promise<void> {
  await world.reset();
  await firstHour(world, SOMETHING_OF_EVERYTHING);
  world.sandbox.clock.set(secondAt);
}

/** A little later than the process, so that the watermark ends where this run takes it. */
async function nextRun(world: World) {
  world.sandbox.clock.set(secondAt + 60_000);
  const { result } = await world.run({ env: TWO_HOURS_SETTINGS, machineTime: secondAt + 30_000 });
  expect(result).toMatchObject({ status: 'fulfilled', value: 0 });
  return endState(world);
}

/** @returns false where the process had ended before its commit came */
async function killAt(world: World, commit: number): Promise<boolean> {
  await beginAgain(world);
  const proxy = await postgresProxy(world.env['DATABASE_URL'] ?? '', commit, () => running.kill('SIGKILL'));
  const running = startService('sync', { ...world.env, ...TWO_HOURS_SETTINGS, DATABASE_URL: proxy.url });
  const ended = await running.ended;
  await proxy.close();
  await world.passTime();
  if (ended.signal === 'SIGKILL') return true;
  expect(ended.code, ended.output).toBe(0);
  return false;
}

test('a SIGKILL at each commit of a real run, then a normal run: the end is the same as without', async () => {
  await beginAgain(worlds[0]);
  const expected = await nextRun(worlds[0]);
  expect(expected.leads).toHaveLength(7);
  const kills = await Promise.all(
    worlds.map(async (world, index) => {
      let commit = index + 1;
      for (; await killAt(world, commit); commit += worlds.length) {
        expect(await nextRun(world), `killed at commit ${commit}`).toEqual(expected);
      }
      expect(await nextRun(world), 'not killed').toEqual(expected);
      return (commit - index - 1) / worlds.length;
    }),
  );
  expect(kills.reduce((sum, count) => sum + count)).toBeGreaterThan(30);
}, 600_000);
