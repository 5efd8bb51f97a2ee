import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { z } from 'zod';
import { startPostgres } from '../test/postgres/embedded.ts';
import { type Claim, claimsOf } from './claims.ts';
import { decisionClaims, timeDecisions } from './decisions.ts';
import { startClaims, timeStarts } from './image.ts';
import { contenderNameSchema } from './job.ts';
import { type Measured, type Measurement, measure } from './measure.ts';
import { type Conditions, decisionsReport, imageReport, type Part, report, statusReport, writePage } from './page.ts';
import { statusClaims, timeStatus } from './status.ts';

/**
 * Measurements at the same time. Nearly all of a measurement is waiting for a window to pass, so they do not get in each
 * other's way; the page says how busy the machine was.
 */
const AT_ONCE = 5;

/** How long saturation is counted: three whole windows. */
const SATURATION_SECONDS = 60;

/** When 1,000 visitors are given up: 2,000 calls, one by one, need 400 s at least. */
const VISITORS_SECONDS = 660;

/** Node's own measure of the delay sleeps so long between looks, and counts that as delay too. */
const LOOK_EVERY_MS = 10;

/**
 * Every contender in every scenario. Prints the tables, and writes them into docs/benchmarks.md unless flags made it a
 * quick try.
 *
 * @returns 0 where everything that this product has to show holds, else 1.
 */
async function main(): Promise<number> {
  const flags = readFlags();
  // First, while nothing else runs.
  const writes = flags.seconds === undefined;
  const isWhole = flags.only === undefined;
  const decisionsHold = isWhole && !flags.status && !flags.image && measureDecisions(writes);
  if (flags.decisions) return decisionsHold ? 0 : 1;
  const imageHolds = isWhole && !flags.status && (await measureImage(writes));
  if (flags.image) return imageHolds ? 0 : 1;
  const statusHolds = isWhole && (await measureStatus(writes));
  if (flags.status) return statusHolds ? 0 : 1;
  const measurements = plan(flags);
  say(`${measurements.length} measurements, ${AT_ONCE} at a time`);
  const postgres = await startPostgres();
  const interrupted = () => void postgres.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const conditions = watchConditions();
  const lane = pLimit(AT_ONCE);
  try {
    const results = await Promise.all(
      measurements.map((measurement) =>
        lane(async () => {
          const name = `${measurement.contender}, ${measurement.scenario}, ${measurement.processes} process(es)`;
          say(`begins: ${name}`);
          const measured = await measure(measurement, postgres.url);
          say(`   ends: ${name}: ${inShort(measured)}`);
          return measured;
        }),
      ),
    );
    const claims = claimsOf(results);
    const text = report(results, claims, conditions.end(results));
    const holds = publish('limits', text, claims, isWhole && writes);
    const othersHold = decisionsHold && imageHolds && statusHolds;
    return holds && (othersHold || !isWhole) ? 0 : 1;
  } finally {
    await postgres.stop();
  }
}

/** What the rules take. @returns whether it is as little as it has to be */
function measureDecisions(writes: boolean): boolean {
  say('begins: decisions');
  const timings = timeDecisions();
  const claims = decisionClaims(timings);
  return publish('decisions', decisionsReport(timings, claims), claims, writes);
}

/** How soon the image's programs speak. @returns whether it is as soon as it has to be */
async function measureImage(writes: boolean): Promise<boolean> {
  say('begins: image');
  const started = await withPostgres(timeStarts);
  const claims = startClaims(started);
  return publish('image', imageReport(started, claims), claims, writes);
}

/** How quickly the status service answers. @returns whether it is as quickly as it has to be */
async function measureStatus(writes: boolean): Promise<boolean> {
  say('begins: status, a database of years is being made');
  const answered = await withPostgres(timeStatus);
  const claims = statusClaims(answered);
  return publish('status', statusReport(answered, claims), claims, writes);
}

/** A Postgres for one part of the bench; ended with it. */
async function withPostgres<T>(body: (url: string) => Promise<T>): Promise<T> {
  const postgres = await startPostgres();
  try {
    return await body(postgres.url);
  } finally {
    await postgres.stop();
  }
}

/** Prints a part's report, and writes it into the page where it is wanted. @returns whether all of its claims hold */
function publish(part: Part, text: string, claims: readonly Claim[], writes: boolean): boolean {
  process.stdout.write(`\n${text}\n\n`);
  if (writes) writePage(part, text);
  return claims.every((claim) => claim.holds);
}

type Flags = z.infer<typeof flagsSchema>;
const flagsSchema = z.object({
  only: z.array(contenderNameSchema).optional(),
  seconds: z.coerce.number().int().positive().optional(),
  decisions: z.boolean().default(false),
  status: z.boolean().default(false),
  image: z.boolean().default(false),
});

/** `--only NAME` (again for more), `--seconds N`: no measurement longer than that; `--decisions`, `--image`, `--status`: nothing but these. For quick tries. */
function readFlags(): Flags {
  const options = {
    only: { type: 'string', multiple: true },
    seconds: { type: 'string' },
    decisions: { type: 'boolean' },
    status: { type: 'boolean' },
    image: { type: 'boolean' },
  } as const;
  return flagsSchema.parse(parseArgs({ options }).values);
}

/** The longest first, so that the last ones are short. */
function plan({ only = [...contenderNameSchema.options], seconds }: Flags): Measurement[] {
  const saturation = { scenario: 'saturation', mostSeconds: seconds ?? SATURATION_SECONDS } as const;
  return [
    ...only.toReversed().map(
      (contender): Measurement => ({
        contender,
        scenario: 'visitors',
        processes: 1,
        mostSeconds: seconds ?? VISITORS_SECONDS,
      }),
    ),
    ...only.map((contender): Measurement => ({ contender, ...saturation, processes: 1 })),
    ...only.map((contender): Measurement => ({ contender, ...saturation, processes: 3 })),
  ];
}

function watchConditions(): { end(results: readonly Measured[]): Conditions } {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  delay.enable();
  let load = 0;
  const look = setInterval(() => {
    load = Math.max(load, loadavg()[0] ?? 0);
  }, 5000);
  return {
    end(results) {
      clearInterval(look);
      delay.disable();
      const seconds = (performance.now() - begun) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      const cpuMs = (user + system) / 1000 + results.reduce((sum, { contest }) => sum + contest.cpuMs, 0);
      return {
        seconds,
        atOnce: AT_ONCE,
        cpuShare: cpuMs / 1000 / seconds / availableParallelism(),
        lateP99Ms: Math.max(0, delay.percentile(99) / 1e6 - LOOK_EVERY_MS),
        lateMostMs: Math.max(0, delay.max / 1e6 - LOOK_EVERY_MS),
        load,
      };
    },
  };
}

function inShort({ seen, contest, share }: Measured): string {
  const what = share === undefined ? `${seen.leadsOnce} leads` : `${(share * 100).toFixed(1)} %`;
  const failures = Object.entries(contest.failures).map(([name, count]) => `; given up ${count} times: ${name}`);
  return `${what}, ${seen.calls} calls, ${seen.rejected606} × 606, ${seen.rejected615} × 615, ${contest.seconds.toFixed(1)} s${failures.join('')}`;
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

// At the end: what is called here uses the constants above.
process.exitCode = await main();
