import { readFileSync } from 'node:fs';
import { chatAnswer } from '../services/shared/livechat/types.ts';
import { type Visit, visitorOf } from '../services/shared/livechat/visitor.ts';
import { decide } from '../services/shared/rules/decide.ts';
import { ineligible } from '../services/shared/rules/eligible.ts';
import { parseRules } from '../services/shared/rules/load.ts';
import { usedOf } from '../services/shared/rules/used.ts';
import { withEveryRule } from '../test/every-rule.ts';
import { createClock } from '../test/sandbox/clock.ts';
import { generateChats } from '../test/sandbox/generator/generate.ts';
import { createArchive } from '../test/sandbox/livechat/archive.ts';
import { chatWithThread } from '../test/sandbox/livechat/wire.ts';
import { instanceFields } from '../test/sandbox/marketo/fields.ts';
import { createRandom } from '../test/sandbox/random.ts';
import type { Claim } from './claims.ts';

export const DECISIONS = 100_000;
/** What the product promises for them, on one core. */
export const MOST_SECONDS = 2;

/** So many visitors are decided about, again and again: more than any cache near the core holds, less than memory. */
const VISITORS = 2000;
const SEED = 7;
const START = new Date(Date.UTC(2026, 10, 22));
const END = new Date(Date.UTC(2026, 10, 23));

/**
 * How long something took for all decisions, in seconds: by the clock, and of the processor, the compiler's and the
 * collector's threads with it.
 */
export type Timed = { what: string; seconds: number; cpuSeconds: number; changes: number };

/**
 * Times 100,000 decisions on one core with the ready-made rules, as they are and with every rule on; and what ingest does
 * with as many threads: whether they are eligible, and what of them the rules use.
 */
export function timeDecisions(): Timed[] {
  const visits = visitsOf(VISITORS);
  const facts = new Map(
    [...instanceFields().values()].map(({ name, dataType, length, readOnly = false }) => [
      name,
      { name, type: dataType, length, readOnly },
    ]),
  );
  const text = readFileSync('rules.yaml', 'utf8');
  const ready = parseRules(text, 'rules.yaml');
  const every = parseRules(withEveryRule(text), 'rules.yaml');
  const decisionsWith = (rules: typeof ready) => (index: number) => {
    const visit = visits[index % visits.length] ?? visits[0];
    return visit ? decide(rules, visit, leadFor(index, visit), facts).changes.length : 0;
  };
  return [
    timed('decide, ready-made rules as they are', decisionsWith(ready)),
    timed('decide, ready-made rules with every rule on', decisionsWith(every)),
    timed('eligible, and what the rules use, every rule on', (index) => {
      const visit = visits[index % visits.length] ?? visits[0];
      return visit && ineligible(every, visit) === undefined ? Object.keys(usedOf(every, visit)).length : 0;
    }),
  ];
}

/** What the decisions have to show. */
export function decisionClaims(timings: readonly Timed[]): Claim[] {
  return timings
    .filter(({ what }) => what.startsWith('decide'))
    .map(({ what, cpuSeconds }) => ({
      text: `100,000 times ${what}: less than ${MOST_SECONDS} s of one core`,
      holds: cpuSeconds < MOST_SECONDS,
      found: `${cpuSeconds.toFixed(2)} s`,
    }));
}

/** Measured once after a tenth of it, which makes the compiler ready; nothing else runs in this process meanwhile. */
function timed(what: string, step: (index: number) => number): Timed {
  for (let index = 0; index < DECISIONS / 10; index += 1) step(index);
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let changes = 0;
  for (let index = 0; index < DECISIONS; index += 1) changes += step(index);
  const { user, system } = process.cpuUsage(cpu);
  return { what, seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6, changes };
}

/** Visits as ingest reads them out of the sandbox's answers. */
function visitsOf(count: number): Visit[] {
  const clock = createClock(END);
  const archive = createArchive(clock, createRandom(SEED));
  const threads = generateChats({ seed: SEED, count, from: START, to: END });
  archive.addThreads(threads);
  return threads.flatMap(({ threadId }) => {
    const thread = archive.thread(threadId);
    if (!thread) return [];
    const answer = chatWithThread(archive, thread, () => true, false);
    return [visitorOf(chatAnswer.parse(JSON.parse(JSON.stringify(answer)))).visit];
  });
}

/** In turn: no lead yet, an empty one, one that has all of it, one with values of its own. */
function leadFor(index: number, { visitor, thread }: Visit): Record<string, unknown> | undefined {
  switch (index % 4) {
    case 0:
      return undefined;
    case 1:
      return { firstName: null, lastName: null, country: null, state: null, city: null, phone: null, chatCount: null };
    case 2:
      return {
        leadSource: 'LiveChat',
        firstName: visitor.firstName,
        lastName: visitor.lastName,
        ...visitor.location,
        lastChatAt: thread.endedAt,
        chatCount: visitor.counts.threads,
        chatTags: thread.tags.join('; '),
      };
    default:
      return {
        leadSource: 'Trade fair',
        firstName: 'Known',
        country: 'Iceland',
        lastChatAt: '2020-01-01T00:00:00Z',
        chatCount: 1,
        chatTags: 'vip; partner',
      };
  }
}
