import type { Clock } from '../clock.ts';

/** One HTTP call, as the server saw it. */
export type Call = {
  endpoint: string;
  method: string;
  path: string;
  /** Milliseconds of real, monotonic time: compare with other calls of the same process only. */
  arrivedAt: number;
  answeredAt: number | null;
  /** The same instants on the sandbox clock, RFC 3339. */
  arrivedOn: string;
  answeredOn: string | null;
  /** HTTP status; 0 where the connection was cut, null while the call is being worked on. */
  status: number | null;
  /** The code of errors[0], for a call that failed as a whole. */
  code: string | null;
  /** Input records or filter values. */
  records: number;
};

export type CallEnd = { status: number; code?: string; records?: number };

export type CallLog = {
  /** Opens a line; what it returns completes it. */
  begin(endpoint: string, method: string, path: string): (end: CallEnd) => void;
  all(): Call[];
  clear(): void;
};

export type Report = {
  /** Calls of the REST API, whatever their answer; identity is not one. */
  calls: number;
  byEndpoint: Record<string, number>;
  /** The most REST calls that arrived within any window, refused ones included. */
  maxInAnyWindow: number;
  /** The most REST calls that were with the server at once, refused ones included. */
  maxConcurrent: number;
  throttled: Record<'606' | '607' | '615', number>;
};

/** Keeps a line for every call, bodies left out. */
export function createCallLog(clock: Clock): CallLog {
  let calls: Call[] = [];
  return {
    begin(endpoint, method, path) {
      const call: Call = {
        endpoint,
        method,
        path,
        arrivedAt: performance.now(),
        answeredAt: null,
        arrivedOn: new Date(clock.now()).toISOString(),
        answeredOn: null,
        status: null,
        code: null,
        records: 0,
      };
      calls.push(call);
      return (end) => {
        call.answeredAt = performance.now();
        call.answeredOn = new Date(clock.now()).toISOString();
        call.status = end.status;
        call.code = end.code ?? null;
        call.records = end.records ?? 0;
      };
    },
    all: () => calls.map((call) => ({ ...call })),
    clear() {
      calls = [];
    },
  };
}

/**
 * Sums up a log.
 *
 * @param calls the log, in order of arrival
 * @param windowMs the length of the window to slide over it, in milliseconds
 */
export function reportOf(calls: readonly Call[], windowMs: number): Report {
  const rest = calls.filter((call) => call.endpoint !== 'identity');
  const byEndpoint: Record<string, number> = {};
  for (const call of calls) byEndpoint[call.endpoint] = (byEndpoint[call.endpoint] ?? 0) + 1;
  const withCode = (code: string) => rest.filter((call) => call.code === code).length;
  return {
    calls: rest.length,
    byEndpoint,
    maxInAnyWindow: mostInAnyWindow(
      rest.map((call) => call.arrivedAt),
      windowMs,
    ),
    maxConcurrent: mostAtOnce(rest),
    throttled: { '606': withCode('606'), '607': withCode('607'), '615': withCode('615') },
  };
}

function mostInAnyWindow(arrivals: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, at] of arrivals.entries()) {
    while ((arrivals[first] ?? at) <= at - windowMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** A call that ends in the very moment another begins is not counted as beside it: ends sort before beginnings. */
function mostAtOnce(calls: readonly Call[]): number {
  const events = calls
    .flatMap((call) => [
      { at: call.arrivedAt, by: 1 },
      { at: call.answeredAt ?? Number.POSITIVE_INFINITY, by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const event of events) {
    now += event.by;
    most = Math.max(most, now);
  }
  return most;
}
