import { createDatabase } from './database.ts';
import type { ContenderName, Job, Scenario } from './job.ts';
import { type Contest, launch } from './launch.ts';
import { mostAcceptable, type Seen, startReferee } from './referee.ts';

/** One cell of the tables: who does what, in how many processes. */
export type Measurement = { contender: ContenderName; scenario: Scenario; processes: number; mostSeconds: number };

export type Measured = Measurement & {
  seen: Seen;
  contest: Contest;
  /** Calls accepted, of the most that anybody could have had accepted; saturation only. */
  share: number | undefined;
};

export const VISITORS = 1000;

/**
 * Saturation goes on for so much longer than is counted: the span begins when the first call arrives, and a token has to
 * be had before that.
 */
const LEAD_SECONDS = 5;

/**
 * Makes one measurement against a referee of its own.
 *
 * @param server a Postgres on which a database of its own is made for it.
 */
export async function measure(measurement: Measurement, server: string): Promise<Measured> {
  const { contender, scenario, processes, mostSeconds } = measurement;
  const referee = await startReferee();
  try {
    const databaseUrl = await createDatabase(server, `${contender} ${scenario} ${processes}`);
    const jobs = Array.from(
      { length: processes },
      (_, process): Job => ({
        contender,
        scenario,
        marketo: referee.address,
        databaseUrl,
        process,
        processes,
        visitors: VISITORS,
      }),
    );
    const seconds = scenario === 'saturation' ? mostSeconds + LEAD_SECONDS : mostSeconds;
    let seen: Seen | undefined;
    const contest = await launch(jobs, seconds, () => {
      seen = referee.seen(scenario === 'saturation' ? mostSeconds : undefined);
    });
    if (!seen) throw new Error('the referee was not asked');
    const share = scenario === 'saturation' ? seen.accepted / mostAcceptable(mostSeconds) : undefined;
    return { ...measurement, seen, contest, share };
  } finally {
    await referee.close();
  }
}
