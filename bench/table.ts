import { DECISIONS, type Timed } from './decisions.ts';
import { STARTS, type Started } from './image.ts';
import type { ContenderName } from './job.ts';
import { type Measured, VISITORS } from './measure.ts';
import { type Answered, PER_SECOND } from './status.ts';

/** The contenders as the tables call them. */
export const LABELS: Record<ContenderName, string> = {
  ours: '**this product**',
  'p-queue-divided': 'p-queue strict, 90 / n',
  'p-queue': 'p-queue strict, 100',
  bottleneck: 'bottleneck',
  'rate-limiter-flexible': 'rate-limiter-flexible',
  'node-marketo-rest': 'node-marketo-rest',
  'hand-script': 'hand-written script',
};

/** 1,000 visitors, one process. */
export function visitorsTable(results: readonly Measured[]): string {
  return markdown(
    ['', 'visitors done', 'API calls', '606', '615', 'most in any 20 s', 'most in flight', 'seconds'],
    inOrder(results).map(({ contender, seen, contest }) => [
      LABELS[contender],
      done(seen.leadsOnce, seen.leadsDoubled),
      number(seen.calls),
      number(seen.rejected606),
      number(seen.rejected615),
      number(seen.mostInAnyWindow),
      number(seen.mostInFlight),
      contest.finished
        ? contest.seconds.toFixed(contest.seconds < 100 ? 1 : 0)
        : `stopped at ${contest.seconds.toFixed(0)}`,
    ]),
  );
}

/** As many calls as there is room for. */
export function saturationTable(results: readonly Measured[]): string {
  return markdown(
    ['', 'calls accepted', 'share of the limit', '606', '615', 'most in any 20 s', 'most in flight'],
    inOrder(results).map(({ contender, seen, share = 0 }) => [
      LABELS[contender],
      number(seen.accepted),
      `${(share * 100).toFixed(1)} %`,
      number(seen.rejected606),
      number(seen.rejected615),
      number(seen.mostInAnyWindow),
      number(seen.mostInFlight),
    ]),
  );
}

/** What the rules take. */
export function decisionsTable(timings: readonly Timed[]): string {
  return markdown(
    [`${number(DECISIONS)} times`, 'seconds of one core', 'seconds by the clock', 'in a second of one core'],
    timings.map(({ what, seconds, cpuSeconds }) => [
      what,
      cpuSeconds.toFixed(2),
      seconds.toFixed(2),
      number(Math.round(DECISIONS / cpuSeconds / 1000) * 1000),
    ]),
  );
}

/** How soon the image's programs speak. */
export function startsTable(started: readonly Started[]): string {
  return markdown(
    [`first line of the log, of ${STARTS} starts`, 'soonest, ms', 'median, ms', 'latest, ms'],
    started.map(({ command, firstLine: { least, median, most } }) => [
      `\`${command}\``,
      least.toFixed(0),
      median.toFixed(0),
      most.toFixed(0),
    ]),
  );
}

/** How quickly the status service answers. */
export function statusTable(answered: readonly Answered[]): string {
  return markdown(
    [
      `${PER_SECOND} requests a second`,
      'answers',
      'failed',
      'first alone, ms',
      'median, ms',
      '99 of 100 within, ms',
      'slowest, ms',
      'kB',
    ],
    answered.map(({ path, answers, failures, firstMs, medianMs, p99Ms, mostMs, bytes }) => [
      `\`${path}\``,
      number(answers),
      number(failures),
      firstMs.toFixed(0),
      medianMs.toFixed(1),
      p99Ms.toFixed(1),
      mostMs.toFixed(1),
      number(Math.round(bytes / 1000)),
    ]),
  );
}

function done(once: number, doubled: number): string {
  const text = `${number(once)} of ${number(VISITORS)}`;
  return doubled > 0 ? `${text}, ${doubled} twice` : text;
}

function inOrder(results: readonly Measured[]): Measured[] {
  const order = Object.keys(LABELS);
  return results.toSorted((a, b) => order.indexOf(a.contender) - order.indexOf(b.contender));
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** A Markdown table whose columns are aligned in the source too; all but the first are figures. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
