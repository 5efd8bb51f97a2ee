import { ignoredIn } from '../../services/sync/filing.ts';
import type { Claim, RunReport } from './claims.ts';

/** Writes a line for whoever watches. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const ROWS: [string, (run: RunReport) => number | undefined][] = [
  ['threads seen in LiveChat', ({ counts }) => counts['seen']],
  ['  new', ({ counts }) => counts['new']],
  ['  changed', ({ counts }) => counts['changed']],
  ['  known already', ({ counts }) => counts['known']],
  ['  still going on', ({ counts }) => counts['open']],
  ['  ignored (no usable address, spam)', ({ counts }) => ignoredIn(counts)],
  ['visitors delivered', ({ counts }) => counts['visitors']],
  ['  leads created', ({ counts }) => counts['created']],
  ['  leads updated', ({ counts }) => counts['updated']],
  ['  left alone (nothing to add)', ({ counts }) => counts['unchanged']],
  ['  refused by Marketo', ({ counts }) => counts['refused']],
  ['look-up calls', ({ lookupCalls }) => lookupCalls],
  ['write calls', ({ writeCalls }) => writeCalls],
];

/** What each run did, side by side. */
export function printRuns(runs: readonly RunReport[]): void {
  say(`\n${' '.repeat(34)}${runs.map((_, index) => `run ${index + 1}`.padStart(9)).join('')}`);
  for (const [label, value] of ROWS) {
    say(`${label.padEnd(34)}${runs.map((run) => (value(run) ?? 0).toLocaleString('en').padStart(9)).join('')}`);
  }
}

/** Each claim with a mark, and the figures behind it. */
export function printClaims(claims: readonly Claim[]): void {
  say('');
  for (const { says, holds, detail } of claims) say(`${holds ? '✓' : '✗ NOT TRUE:'} ${says} (${detail})`);
}
