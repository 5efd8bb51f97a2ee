import { pino } from 'pino';
import { readConfig } from '../../services/shared/runtime/config.ts';
import type { ExitCode } from '../../services/shared/runtime/failure.ts';
import { instantOf } from '../../services/shared/runtime/instant.ts';
import type { Database } from '../../services/shared/store/database.ts';
import { runSync, SYNC_SETTINGS } from '../../services/sync/run.ts';

/** One line of a run's log. */
export type Line = { level: number; msg: string; [key: string]: unknown };

/**
 * One sync within this process: the real run, without the half second that a process takes to start.
 *
 * @param env as sandboxEnvironment makes it, and more.
 * @param clock this machine's clock as the run sees it, in milliseconds.
 */
export async function syncHere(
  db: Database,
  env: Record<string, string>,
  clock: () => number = Date.now,
): Promise<{ code: ExitCode; lines: Line[] }> {
  const lines: Line[] = [];
  const log = pino({ level: 'info' }, { write: (text: string) => lines.push(JSON.parse(text)) });
  const config = readConfig(env, SYNC_SETTINGS);
  const code = await runSync(config, db, log, new AbortController().signal, clock);
  return { code, lines };
}

/** An instant so many milliseconds before another, as a setting wants it. */
export function ago(now: number, milliseconds: number): string {
  return instantOf(now - milliseconds);
}
