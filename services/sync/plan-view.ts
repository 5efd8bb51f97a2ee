import { maskAddress } from '../shared/runtime/mask.ts';
import { table } from '../shared/runtime/table.ts';
import type { Estimate } from './estimate.ts';
import type { Planned } from './plan.ts';
import type { Window } from './window.ts';

/** Where a plan is printed. */
export type Printer = {
  write: (text: string) => void;
  /** JSON lines instead of tables. */
  json: boolean;
  /** Whether addresses and values are shown; else they are masked, because what a pod prints is kept by others. */
  showValues: boolean;
};

/** What the run would read, and what it would cost, before anything is asked of Marketo. */
export function printEstimate(
  { write, json }: Printer,
  window: Window,
  counts: { threads: number; waiting: number },
  { livechatCalls, lookupCalls, writeCalls, minutes }: Estimate,
  dollars: number,
): void {
  if (json) {
    write(line({ kind: 'estimate', ...window, ...counts, livechatCalls, lookupCalls, writeCalls, minutes, dollars }));
    return;
  }
  write(
    `Dry run: nothing is written, to Marketo or to the ledger.\n\n${table(
      [],
      [
        ['Window', `${window.from} to ${window.to}`],
        ['LiveChat announces', `${number(counts.threads)} threads`],
        ['Waiting in the ledger', `${number(counts.waiting)} addresses`],
        [
          'A run would cost',
          `about ${number(livechatCalls)} calls to LiveChat (${dollars < 0.01 ? 'less than $0.01' : `$${dollars.toFixed(2)}`})`,
        ],
        ['', `at most ${number(lookupCalls)} look-up and ${number(writeCalls)} write calls to Marketo`],
        ['', `about ${number(minutes)} ${minutes === 1 ? 'minute' : 'minutes'}`],
      ],
    )}\n`,
  );
}

/** What would be done to one visitor's lead: each field from → to with its rule, and what is left alone and why. */
export function printPlanned({ write, json, showValues }: Printer, planned: Planned): void {
  const { visitor, action, lead, leads, decision } = planned;
  const address = showValues ? visitor.email : maskAddress(visitor.email);
  const threads = visitor.threads.map(({ threadId }) => threadId);
  const shown = (value: unknown) => (json ? masked(value, showValues) : shownValue(value, { showValues }));
  const changes = decision.changes.map((change) => ({ ...change, from: shown(change.from), to: shown(change.to) }));
  if (json) {
    const leadId = lead?.id ?? null;
    write(line({ kind: action, address, threads, leadId, leads, changes, leftAlone: decision.leftAlone }));
    return;
  }
  const who = lead ? `${address}, lead ${lead.id}${leads > 1 ? ` (of ${leads} with this address)` : ''}` : address;
  const rows = [
    ...changes.map(({ field, from, to, rule, mode }) => [`  ${field}`, `${from} → ${to}`, `rule ${rule}, ${mode}`]),
    ...decision.leftAlone.map(({ field, reason }) => [`  ${field}`, 'left alone', reason]),
  ];
  write(`${action}  ${who}  (threads ${threads.join(', ')})\n${rows.length > 0 ? table([], rows) : ''}\n`);
}

export type Totals = {
  create: number;
  update: number;
  'leave alone': number;
  refused: number;
  /** Threads, by the reason. */
  ignored: Record<string, number>;
  /** Look-ups that this dry run made. */
  lookupCalls: number;
  /** Writes that a run would make. */
  writeCalls: number;
};

/** The end of the plan. */
export function printTotals({ write, json }: Printer, totals: Totals): void {
  if (json) {
    write(line({ kind: 'totals', ...totals }));
    return;
  }
  const ignored = Object.entries(totals.ignored).map(([reason, count]) => `${number(count)} ${reason}`);
  write(
    table(
      [],
      [
        ['Leads to create', number(totals.create)],
        ['Leads to update', number(totals.update)],
        ['Leads left alone', number(totals['leave alone'])],
        [
          'Refused',
          `${number(totals.refused)}${totals.refused > 0 ? ' (more leads have the address than Marketo lists)' : ''}`,
        ],
        ['Threads ignored', ignored.length === 0 ? 'none' : ignored.join(', ')],
        ['Look-ups made', number(totals.lookupCalls)],
        ['Writes that a run would make', number(totals.writeCalls)],
      ],
    ),
  );
}

/** A field's value for a reader, masked where it must be. */
export function shownValue(value: unknown, { showValues }: Pick<Printer, 'showValues'>): string {
  return value === null || value === undefined || value === '' ? '(empty)' : String(masked(value, showValues));
}

function masked(value: unknown, showValues: boolean): unknown {
  return showValues || typeof value !== 'string' ? value : '•••';
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
