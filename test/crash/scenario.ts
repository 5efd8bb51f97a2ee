import fc from 'fast-check';
import type { Fault } from '../sandbox/faults.ts';
import type { Behaviour } from '../sandbox/livechat/actions.ts';
import type { Death } from './mortal.ts';

/*
 * What can happen, as data: a seed makes a scenario, and a scenario is all there is to say about a case. Where a step
 * names something by number (the third thread, say), the number counts round: every step fits every world, so that a
 * scenario that fails can be cut down to the steps that matter.
 */

export type Scenario = {
  /** What LiveChat's documentation leaves open, one way or the other. */
  livechat: Pick<Behaviour, 'windowBy' | 'windowEnds' | 'pageTies' | 'includeActiveInArchives' | 'foundChatsOff'> & {
    indexingMinutes: number;
  };
  steps: Step[];
};

export type Step =
  | {
      do: 'start';
      person: number;
      device: number;
      address: 'profile' | 'form' | 'none';
      capitals: boolean;
      tie: boolean;
    }
  | { do: 'close'; thread: number }
  | { do: 'reopen'; thread: number }
  | { do: 'tag'; thread: number; tag: string }
  | { do: 'rate'; thread: number; score: 0 | 1 }
  /** An agent corrects the address of an active thread's visitor. */
  | { do: 'correct'; thread: number; person: number }
  /** The profile gets another address, and no thread says so. */
  | { do: 'profile'; thread: number; person: number }
  /** A form with an address, in an active thread or after its end. */
  | { do: 'form'; thread: number; person: number }
  | { do: 'delete'; thread: number }
  /** More threads at once than a page holds, two of them with one time, at the page's cut or near it. */
  | { do: 'crowd'; tieAt: number }
  | { do: 'wait'; minutes: number }
  /** This machine's clock is set: so far ahead of LiveChat's. */
  | { do: 'set clock'; minutesAhead: number }
  | { do: 'fault'; fault: FaultName }
  | { do: 'run'; death: Death | undefined }
  | { do: 'backfill'; hoursAgo: number; hours: number; death: Death | undefined };

const marketo = (endpoint: string, effect: Fault['effect'], more: Partial<Fault> = {}): Fault => ({
  server: 'marketo',
  endpoint,
  effect,
  times: 1,
  ...more,
});
const livechat = (endpoint: string, effect: Fault['effect'], times = 1): Fault => ({
  server: 'livechat',
  endpoint,
  effect,
  times,
});

/** More than the client asks again: the run fails. */
const ALWAYS = 9;

export const FAULTS = {
  'the token has expired': marketo('leads-lookup', { kind: 'code', code: '602' }),
  'others use up the limit, at a look-up': marketo('leads-lookup', { kind: 'code', code: '606' }),
  'others use up the limit, at a write': marketo('leads-sync', { kind: 'code', code: '606' }),
  'Marketo is away for a moment': marketo('leads-sync', { kind: 'code', code: '608' }),
  'the quota is used up': marketo('leads-sync', { kind: 'code', code: '607' }),
  'a permission is missing': marketo('leads-sync', { kind: 'code', code: '603' }),
  'a look-up has no answer': marketo('leads-lookup', { kind: 'reset' }),
  'a look-up’s answer is cut off': marketo('leads-lookup', { kind: 'truncated' }),
  'a gateway answers a look-up': marketo('leads-lookup', { kind: 'html', status: 502 }),
  // With an answer, though not Marketo's: a call without any holds its place in flight until its lease ends.
  'look-ups do not get through': marketo('leads-lookup', { kind: 'html', status: 502 }, { times: ALWAYS }),
  'a write is lost on the way': marketo('leads-sync', { kind: 'reset' }),
  'a write’s answer is lost': marketo('leads-sync', { kind: 'reset' }, { when: 'after' }),
  'a write’s answer is cut off': marketo('leads-sync', { kind: 'truncated' }, { when: 'after' }),
  'a gateway answers a write that was done': marketo('leads-sync', { kind: 'html', status: 502 }, { when: 'after' }),
  'a write takes Marketo too long': marketo('leads-sync', { kind: 'code', code: '604' }, { when: 'after' }),
  'two writes’ answers are lost': marketo('leads-sync', { kind: 'reset' }, { when: 'after', times: 2 }),
  'a write has an answer that nobody knows': marketo('leads-sync', { kind: 'code', code: '799' }),
  'the identity service is away': marketo('identity', { kind: 'html', status: 502 }, { times: ALWAYS }),
  'LiveChat’s limit': livechat('list_archives', { kind: 'error', type: 'too_many_requests', status: 429 }, 2),
  'LiveChat takes too long': livechat('list_archives', { kind: 'error', type: 'request_timeout' }),
  'LiveChat takes too long every time': livechat('list_archives', { kind: 'error', type: 'request_timeout' }, ALWAYS),
  'LiveChat cuts the connection': livechat('list_chats', { kind: 'reset' }),
  'LiveChat’s gateway is broken': livechat('list_chats', { kind: 'html', status: 502 }, ALWAYS),
  'LiveChat’s answer is cut off': livechat('list_archives', { kind: 'truncated' }),
  'one thread cannot be had': livechat('get_chat', { kind: 'error', type: 'service_unavailable' }, ALWAYS),
  'LiveChat refuses the window': livechat('list_archives', { kind: 'error', type: 'validation' }),
} satisfies Record<string, Fault>;

/** Armed when the second page is asked for, which no fault of the sandbox's can be. */
const PAGE_FAULTS = ['LiveChat refuses a page’s id', 'LiveChat refuses every page’s id'] as const;
export type FaultName = keyof typeof FAULTS | (typeof PAGE_FAULTS)[number];

const FAULT_NAMES: readonly FaultName[] = [...Object.keys(FAULTS).filter((name) => isFault(name)), ...PAGE_FAULTS];

export function isFault(name: string): name is keyof typeof FAULTS {
  return Object.hasOwn(FAULTS, name);
}

const which = fc.nat(9);
const person = fc.oneof(
  { weight: 12, arbitrary: fc.nat(1) },
  { weight: 2, arbitrary: fc.constant(2) },
  { weight: 1, arbitrary: fc.constantFrom(3, 4) },
);
const death = fc.option(
  fc.record({ at: fc.integer({ min: 1, max: 70 }), when: fc.constantFrom<Death['when']>('before', 'after') }),
  { nil: undefined, freq: 1 },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('start'),
      person,
      device: fc.nat(1),
      address: fc.constantFrom('profile', 'profile', 'form', 'none'),
      capitals: fc.boolean(),
      tie: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('close'), thread: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reopen'), thread: which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tag'), thread: which, tag: fc.constantFrom('sales', 'spam') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('rate'), thread: which, score: fc.constantFrom(0, 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('correct'), thread: which, person }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('profile'), thread: which, person }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('form'), thread: which, person }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete'), thread: which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), minutes: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait'), minutes: fc.integer({ min: 100, max: 300 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('set clock'), minutesAhead: fc.integer({ min: -400, max: 400 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fault'), fault: fc.constantFrom(...FAULT_NAMES) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('run'), death }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('backfill'),
      hoursAgo: fc.integer({ min: 1, max: 30 }),
      hours: fc.integer({ min: 1, max: 30 }),
      death,
    }),
  },
);

const crowd: fc.Arbitrary<Step> = fc.record({ do: fc.constant('crowd'), tieAt: fc.integer({ min: 96, max: 104 }) });

/** In one scenario of twenty there is a crowd, which costs as much as all the others. */
const steps = fc
  .tuple(
    fc.array(step, { minLength: 6, maxLength: 18, size: 'max' }),
    fc.oneof(
      { weight: 19, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.record({ crowd, place: fc.nat(20) }) },
    ),
  )
  .map(([all, rare]) => (rare === undefined ? all : all.toSpliced(rare.place, 0, rare.crowd)));

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  livechat: fc.record({
    windowBy: fc.constantFrom('created_at', 'last_activity'),
    windowEnds: fc.constantFrom('inclusive', 'exclusive'),
    pageTies: fc.constantFrom('drop', 'keep'),
    includeActiveInArchives: fc.boolean(),
    foundChatsOff: fc.constantFrom(0, 0, 0, 2, 7),
    indexingMinutes: fc.constantFrom(0, 0, 0, 0, 3, 20),
  }),
  steps,
});
