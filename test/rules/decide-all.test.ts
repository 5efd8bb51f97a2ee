import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../services/shared/rules/decide.ts';
import { decideAll } from '../../services/shared/rules/decide-all.ts';
import { parseRules } from '../../services/shared/rules/load.ts';
import { isEmpty, isSame } from '../../services/shared/rules/value.ts';
import { applied, FIELDS, inputs, leads, rules } from './arbitrary.ts';

const RUNS = { numRuns: 1000 };
const several = fc.array(inputs, { minLength: 1, maxLength: 4 });
const some = leads.filter((lead) => lead !== undefined);

describe('for all rules, leads and threads of one person', () => {
  test('one thread is decided about as by itself', () => {
    fc.assert(
      fc.property(rules, inputs, leads, (model, input, lead) => {
        const alone = decide(model, input, lead, FIELDS);
        const { changes, leftAlone } = decideAll(model, [input], lead, FIELDS);
        const byField = (a: { field: string }, b: { field: string }) => (a.field < b.field ? -1 : 1);
        expect(changes.toSorted(byField)).toEqual(alone.changes.toSorted(byField));
        expect(leftAlone).toEqual(alone.leftAlone);
      }),
      RUNS,
    );
  });

  test('a known lead comes to the same, whether its threads come in one run or one by one', () => {
    fc.assert(
      fc.property(rules, several, some, (model, threads, lead) => {
        let oneByOne = lead;
        for (const input of threads) oneByOne = applied(oneByOne, decide(model, input, oneByOne, FIELDS).changes);
        const together = applied(lead, decideAll(model, threads, lead, FIELDS).changes);
        for (const [name, facts] of FIELDS) {
          const [one, other] = [together[name], oneByOne[name]];
          // One by one, a time may have been written and written back in another spelling.
          if (one !== other) expect(isSame(one, String(other), facts), `${name}: ${one}, ${other}`).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('every field that is named is told of once, no change is empty, and none says what the lead has already', () => {
    fc.assert(
      fc.property(rules, several, leads, (model, threads, lead) => {
        const { changes, leftAlone } = decideAll(model, threads, lead, FIELDS);
        expect([...changes, ...leftAlone].map(({ field }) => field).sort()).toEqual([...model.fieldNames].sort());
        for (const { from, to, field } of changes) {
          expect(isEmpty(to)).toBe(false);
          expect(from).toEqual(lead?.[field] ?? null);
          expect(to).not.toEqual(from);
        }
      }),
      RUNS,
    );
  });
});

const MODEL = parseRules(
  `version: 1
fields:
  - { field: leadSource, from: thread.properties.source.name, write: on-create }
  - { field: firstChatAt, from: thread.startedAt, write: if-empty }
  - { field: lastChatAt, from: thread.endedAt, write: if-newer }
  - { field: chatTags, from: thread.tags, write: append }
  - { field: lastChatRating, from: thread.rating.score, write: always }
`,
  'threads.yaml',
);
const fields = new Map(
  Object.entries({
    leadSource: 'string',
    firstChatAt: 'datetime',
    lastChatAt: 'datetime',
    chatTags: 'text',
    lastChatRating: 'string',
  }).map(([name, type]) => [name, { name, type, length: type === 'string' ? 255 : undefined, readOnly: false }]),
);
const thread = (hour: string, more: object) => ({
  visitor: {},
  form: {},
  chat: {},
  thread: { startedAt: `2026-11-23T${hour}:00:00Z`, endedAt: `2026-11-23T${hour}:30:00Z`, ...more },
});
const threads = [
  thread('08', { tags: ['price'], rating: { score: 'bad' } }),
  thread('09', { tags: ['vip'], rating: { score: '' }, properties: { source: { name: 'Widget' } } }),
];
const values = (lead?: Record<string, unknown>) =>
  Object.fromEntries(decideAll(MODEL, threads, lead, fields).changes.map(({ field, to }) => [field, to]));

test('two chats of an hour: the first is the first, the last is the last, nothing that one of them says is lost', () => {
  expect(values()).toEqual({
    leadSource: 'Widget',
    firstChatAt: '2026-11-23T08:00:00Z',
    lastChatAt: '2026-11-23T09:30:00Z',
    chatTags: 'price; vip',
    lastChatRating: 'bad',
  });
  expect(
    values({ leadSource: 'Web', firstChatAt: '2026-01-01T00:00:00Z', chatTags: 'vip', lastChatRating: 'good' }),
  ).toEqual({
    lastChatAt: '2026-11-23T09:30:00Z',
    chatTags: 'vip; price',
    lastChatRating: 'bad',
  });
});

test('what an earlier thread would write and a later one would take back is no change', () => {
  const model = parseRules('version: 1\nfields: [{ field: chatTags, from: thread.tags, write: always }]\n', 'x.yaml');
  const { changes, leftAlone } = decideAll(model, threads, { chatTags: 'vip' }, fields);
  expect(changes).toEqual([]);
  expect(leftAlone).toEqual([{ field: 'chatTags', rule: 'chatTags', reason: 'the lead has this value already' }]);
});
