import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { z } from 'zod';
import type { Claim } from './claims.ts';
import type { Timed } from './decisions.ts';
import type { Started } from './image.ts';
import type { Measured } from './measure.ts';
import type { Answered } from './status.ts';
import { decisionsTable, saturationTable, startsTable, statusTable, visitorsTable } from './table.ts';

const PAGE = 'docs/benchmarks.md';

/** What the bench writes of the page: side by side with others, the rules' own time, the image's, and the status service's. */
export type Part = 'limits' | 'decisions' | 'image' | 'status';
const MARKERS: Record<Part, { begin: string; end: string }> = {
  limits: { begin: '<!-- written by make bench: begin -->', end: '<!-- written by make bench: end -->' },
  decisions: {
    begin: '<!-- decisions, written by make bench: begin -->',
    end: '<!-- decisions, written by make bench: end -->',
  },
  image: {
    begin: '<!-- image, written by make bench: begin -->',
    end: '<!-- image, written by make bench: end -->',
  },
  status: {
    begin: '<!-- status, written by make bench: begin -->',
    end: '<!-- status, written by make bench: end -->',
  },
};

/** How the machine fared while it measured. */
export type Conditions = {
  /** Seconds that the whole bench took. */
  seconds: number;
  /** Measurements at the same time. */
  atOnce: number;
  /** CPU time of bench and contenders, as a share of what the machine had; Postgres is not in it. */
  cpuShare: number;
  /** Milliseconds that the referees' event loop was late, 99 % of the time at most and at the worst. */
  lateP99Ms: number;
  lateMostMs: number;
  /** The machine's load over the last minute, at its highest. */
  load: number;
};

/** The tables, and under which conditions they came to be, as Markdown. */
export function report(results: readonly Measured[], claims: readonly Claim[], conditions: Conditions): string {
  const of = (scenario: Measured['scenario'], processes: number) =>
    results.filter((result) => result.scenario === scenario && result.processes === processes);
  return [
    `Measured on ${today()} by \`make bench\`: ${machine()},`,
    `${versions()}.`,
    `The bench took ${Math.round(conditions.seconds / 60)} minutes, ${conditions.atOnce} measurements at a time, each against a referee of its own. Bench and contenders used`,
    `${(conditions.cpuShare * 100).toFixed(0)} % of the machine's CPU time; its load was ${conditions.load.toFixed(1)} at its highest. The referees' event loop was at most ${conditions.lateP99Ms.toFixed(0)} ms late`,
    `for 99 % of the time, and ${conditions.lateMostMs.toFixed(0)} ms at the worst.`,
    '',
    '### 1,000 visitors',
    '',
    visitorsTable(of('visitors', 1)),
    '',
    '### Saturation, one process',
    '',
    saturationTable(of('saturation', 1)),
    '',
    '### Saturation, three processes',
    '',
    saturationTable(of('saturation', 3)),
    '',
    '### What the bench insists on',
    '',
    ...claims.map(insistence),
  ].join('\n');
}

/** What the rules take, as Markdown. */
export function decisionsReport(timings: readonly Timed[], claims: readonly Claim[]): string {
  return [
    `Measured on ${today()} by \`make bench\`: one process, ${machine()}; the machine's load`,
    `over the last minute was ${(loadavg()[0] ?? 0).toFixed(1)}.`,
    '',
    decisionsTable(timings),
    '',
    ...claims.map(insistence),
  ].join('\n');
}

/** How soon the image's programs speak, as Markdown. */
export function imageReport(started: readonly Started[], claims: readonly Claim[]): string {
  return [
    `Measured on ${today()} by \`make bench\`: ${machine()}, shared by the program, its Postgres, the`,
    `sandbox and whatever else runs there; the machine's load over the last minute was ${(started[0]?.load ?? 0).toFixed(1)} at the end.`,
    '',
    startsTable(started),
    '',
    ...claims.map(insistence),
  ].join('\n');
}

/** How quickly the status service answers, as Markdown. */
export function statusReport(answered: readonly Answered[], claims: readonly Claim[]): string {
  return [
    `Measured on ${today()} by \`make bench\`: ${machine()}, shared by the service, its Postgres, the bench`,
    `and whatever else runs there; the machine's load over the last minute was ${answered.map(({ load }) => load.toFixed(1)).join(' and ')} after each.`,
    '',
    statusTable(answered),
    '',
    ...claims.map(insistence),
  ].join('\n');
}

/** Puts a report between its markers, and leaves the rest of the page alone. */
export function writePage(part: Part, text: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const { begin, end } = MARKERS[part];
  const [before, after] = [page.indexOf(begin), page.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${PAGE} has lost its markers`);
  writeFileSync(PAGE, `${page.slice(0, before + begin.length)}\n\n${text}\n\n${page.slice(after)}`);
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function machine(): string {
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`;
}

function insistence(claim: Claim): string {
  return `- ${claim.holds ? 'holds' : '**does not hold**'}: ${claim.text} (${claim.found})`;
}

/** As installed, the peers' and the axios that all but node-marketo-rest call with. */
function versions(): string {
  const installed = (folder: string) => packageJson.parse(JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')));
  const { dependencies = {} } = installed('bench');
  const folders = [...Object.keys(dependencies).map((name) => `bench/node_modules/${name}`), 'node_modules/axios'];
  return folders
    .map((folder) => installed(folder))
    .map(({ name, version }) => `${name} ${version}`)
    .join(', ');
}

const packageJson = z.object({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).optional(),
});
