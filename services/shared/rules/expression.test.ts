import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FieldFacts } from './check.ts';
import { BOUNDS, compile, type Expression } from './expression.ts';
import { createView } from './view.ts';

const INPUT = {
  visitor: { name: 'Ann Lee', firstName: 'Ann', counts: { chats: 3 }, variables: { plan: 'pro', 'a b': 'c' } },
  thread: {
    tags: ['sale', 'spam'],
    groupIds: [4, 7],
    endedAt: '2026-11-23T14:07:11.383001Z',
    properties: { rating: { score: 1 }, app: { flag: true, share: 0.5, name: 'x' } },
  },
  chat: {},
  form: {},
};
const FACTS = new Map<string, FieldFacts>(
  [
    ['score', 'integer'],
    ['factor', 'float'],
  ].map(([name = '', type = '']) => [name, { name, type, length: undefined, readOnly: false }]),
);
const LEAD = { score: 5, factor: 2, country: 'Peru', nothing: null, done: true };

function compiled(text: string, use: 'eligible' | 'when' | 'from' = 'from'): Expression {
  const expression = compile(text, use);
  if ('problem' in expression) throw new Error(expression.problem);
  return expression;
}

function evaluate(text: string, input: object = INPUT, lead: Record<string, unknown> | undefined = LEAD) {
  const expression = compiled(text);
  return expression.evaluate(
    createView(expression.reads, input, { values: lead, facts: FACTS, reads: expression.leadFields }),
  );
}

const problemOf = (text: string, use: 'eligible' | 'when' | 'from' = 'from') => {
  const expression = compile(text, use);
  return 'problem' in expression ? expression.problem : undefined;
};

describe('an expression gives', () => {
  test.each([
    ['visitor.firstName + "!"', 'Ann!'],
    ['visitor.counts.chats + 1', 4],
    ['visitor.counts.chats > 2', true],
    ['visitor.variables.plan', 'pro'],
    ['visitor.variables["a b"]', 'c'],
    ['visitor.variables.none', ''],
    ['visitor.address.city', ''],
    ['visitor.counts.visits', 0],
    ['size(thread.agents)', 0],
    ['form.byType.email', ''],
    ['thread.properties.rating.score == 1', true],
    ['thread.properties.app.flag', true],
    ['thread.properties.app.share', 0.5],
    ['thread.properties.no.such', ''],
    ['chat.properties.source.customer_client_id', ''],
    ['thread.tags.filter(tag, tag != "spam")', ['sale']],
    ['thread.tags.map(tag, tag.upperAscii()).join("/")', 'SALE/SPAM'],
    ['thread.groupIds', [4, 7]],
    ['7 in thread.groupIds', true],
    ['timestamp(thread.endedAt).getFullYear()', 2026],
    ['timestamp(thread.endedAt)', '2026-11-23T14:07:11.383Z'],
    ['lead.score + 1', 6],
    ['lead.factor * 1.5', 3],
    ['lead.country', 'Peru'],
    ['lead.done', true],
    ['lead.nothing == null', true],
    ['lead.unknown', undefined],
    ['isEmpty(lead.nothing) && isEmpty(visitor.phone) && isEmpty(thread.agents) && !isEmpty(lead.country)', true],
  ])('%s → %j', (text, value) => {
    expect(evaluate(text)).toEqual({ value });
  });

  test('of a lead that is not there yet, null', () => {
    const expression = compiled('lead.country == null && isEmpty(lead.score)');
    const view = createView([], INPUT, { values: undefined, facts: FACTS, reads: expression.leadFields });
    expect(expression.evaluate(view)).toEqual({ value: true });
  });

  test('a problem where it has no value, without a word of the visitor', () => {
    for (const text of [
      'int(visitor.name)',
      'thread.tags[9]',
      'lead.country + 1',
      'timestamp(visitor.name)',
      'visitor.name.substring(99)',
      '1 / (visitor.counts.visits)',
    ])
      expect(evaluate(text)).toEqual({
        problem: expect.stringMatching(/^the expression has no value here \([a-z ]+\)$/),
      });
  });

  test('what it reads is known before it is evaluated; where it is not, all that it may read', () => {
    const reads = (text: string) => compiled(text).reads.map((path) => path.text);
    expect(reads('visitor.firstName + thread.rating.score')).toEqual(['visitor.firstName', 'thread.rating.score']);
    expect(reads('visitor.variables["a b"] + visitor["name"]')).toEqual(['visitor.variables.a b', 'visitor.name']);
    expect(reads('visitor.variables[thread.id]').sort()).toEqual(['thread.id', 'visitor.variables']);
    expect(reads('thread.properties.app.size() > 1')).toEqual(['thread.properties']);
    expect(reads('thread.tags.exists(name, name == visitor.name)')).toEqual(['thread.tags', 'visitor.name']);
    expect(reads('visitor["na" + "me"]')).toContain('visitor.address.city');
    expect(compiled('lead.a == lead["b"] || isEmpty(lead.c)', 'when').leadFields).toEqual(['a', 'b', 'c']);
  });
});

describe('an expression cannot', () => {
  test.each([
    ['know anything but its five inputs', 'process.env', /process is not known here/],
    ['reach what objects have by birth', 'visitor.constructor', /not a path/],
    ['call what is not on the list', 'visitor.name.split("")', /split\(\) cannot be used/],
    [
      'bind names, and so double a text again and again',
      'cel.bind(a, visitor.name + visitor.name, a)',
      /bind\(\) cannot be used/,
    ],
    ['match by a pattern that may take for ever', 'visitor.name.matches("(a+)+$")', /use contains/],
    ['ask whether something is missing', 'has(visitor.name)', /isEmpty/],
    ['look for a name in what has every name', '"x" in visitor.variables', /isEmpty/],
    ['look for a name in a namespace', '"x" in thread.properties.app', /isEmpty/],
    ['name the lead as a whole', 'size(lead) > 3', /followed by a field/],
    ['ask the lead for a field that is made up on the way', 'lead[visitor.name]', /followed by a field/],
    ['join by a text of the visitor', 'thread.tags.join(visitor.name)', /text as it stands/],
    ['give a map', '{"a": visitor.name}', /no field can hold/],
    ['be longer than it may', `"${'x'.repeat(BOUNDS.length)}"`, /longer than/],
    ['have more parts than it may', Array(150).fill('1').join('+'), /at most 200 parts/],
    ['be deeper than it may', `${'('.repeat(60)}1${')'.repeat(60)}`, /at most 40 levels/],
  ])('%s', (_, text, says) => {
    expect(problemOf(text)).toMatch(says);
  });

  test('go through lists within lists, whatever lies between', () => {
    const inner = 'thread.tags.exists(a, thread.agents.exists(b, a == b))';
    expect(problemOf(inner, 'when')).toMatch(/takes up to \d+ steps/);
    expect(problemOf('thread.tags.exists(a, a == "x") && thread.agents.exists(b, b == "y")', 'when')).toBeUndefined();
    expect(problemOf('thread.tags.map(a, thread.tags.map(b, a + b).join(""))')).toMatch(/steps/);
    expect(problemOf('thread.tags.filter(t, t != "").filter(t, t != "a").filter(t, t != "b").size()')).toBeUndefined();
  });

  test('be anything but true or false as a condition, nor read the lead for eligibility', () => {
    expect(problemOf('visitor.name', 'when')).toMatch(/must be true or false/);
    expect(problemOf('isEmpty(lead.country)', 'when')).toBeUndefined();
    expect(problemOf('isEmpty(lead.country)', 'eligible')).toMatch(/before its lead is looked up/);
  });

  test('be kept busy by a visitor: it sees the first part of texts, lists and names', () => {
    const long = 'x'.repeat(10 * BOUNDS.text);
    const many = Array.from({ length: 10 * BOUNDS.list }, (_, index) => `tag ${index}`);
    const input = {
      visitor: { name: long, variables: Object.fromEntries(many.map((name) => [name, long])) },
      thread: { tags: many, groupIds: many.map((_, index) => index) },
      chat: {},
      form: {},
    };
    expect(evaluate('size(visitor.name)', input)).toEqual({ value: BOUNDS.text });
    expect(evaluate('size(thread.tags) + size(thread.groupIds)', input)).toEqual({ value: 2 * BOUNDS.list });
    expect(evaluate('size(visitor.variables)', input)).toEqual({ value: BOUNDS.list });
    // A name that is asked for is found wherever it stands.
    expect(evaluate('size(visitor.variables["tag 999"])', input)).toEqual({ value: BOUNDS.text });
    // The most that can be made of it: every text and every entry, as often as the bounds let it.
    const most = evaluate(
      'thread.tags.map(t, visitor.name + visitor.name + visitor.name + visitor.name).join("")',
      input,
    );
    expect('value' in most && String(most.value).length).toBe(4 * BOUNDS.list * BOUNDS.text);
    expect(BOUNDS.steps * BOUNDS.text).toBeLessThan(2 ** 29 - 24);
  });

  test('throw when it is read, whatever stands there', () => {
    const part = fc.constantFrom(
      'visitor',
      '.',
      '(',
      ')',
      '[',
      ']',
      '"',
      '\\',
      'u{',
      '99999999999999999999',
      '0x',
      '1e999',
      'lead',
      'in',
      '?',
      ':',
      'r"',
      'b"a"',
      '\n',
      '//',
      'null',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.oneof(part, fc.string({ maxLength: 3 })), { maxLength: 8 }).map((parts) => parts.join('')),
        ),
        (text) => {
          for (const use of ['from', 'when'] as const) expect(typeof compile(text, use)).toBe('object');
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('throw, whatever the expression and whatever the visitor', () => {
    const leaf = fc.constantFrom(
      'visitor.name',
      'visitor.counts.chats',
      'thread.tags',
      'lead.country',
      'lead.score',
      '"a"',
      '1',
      '2.5',
      'null',
      'true',
      'form.byId.x',
      'thread.properties.a.b',
      't',
      'thread.endedAt',
    );
    const { any } = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4, depthIdentifier: 'cel' },
        leaf,
        fc
          .tuple(tie('any'), fc.constantFrom('+', '-', '*', '/', '%', '==', '<', '&&', '||', 'in'), tie('any'))
          .map(([a, sign, b]) => `(${a} ${sign} ${b})`),
        fc
          .tuple(
            tie('any'),
            fc.constantFrom('size', 'int', 'string', 'double', 'isEmpty', 'timestamp', 'duration', 'matches', '!', '-'),
          )
          .map(([a, name]) => `${name}(${a})`),
        fc
          .tuple(tie('any'), fc.constantFrom('exists', 'map', 'filter', 'all'), tie('any'))
          .map(([a, name, b]) => `${a}.${name}(t, ${b})`),
        fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc.tuple(tie('any'), tie('any')).map(([a, b]) => `${a}[${b}]`),
        fc
          .tuple(tie('any'), fc.constantFrom('trim()', 'substring(1)', 'contains("a")', 'join(",")', 'name'))
          .map(([a, call]) => `${a}.${call}`),
      ),
    }));
    let evaluated = 0;
    const anything = fc.anything({ maxDepth: 3, withBigInt: false });
    fc.assert(
      fc.property(any, anything, anything, anything, (text, name, tags, country) => {
        const expression = compile(text, 'from');
        if ('problem' in expression) return;
        evaluated += 1;
        const input = {
          visitor: { name, counts: tags },
          thread: { tags, properties: country },
          chat: name,
          form: { byId: tags },
        };
        const lead = { values: { country, score: name }, facts: FACTS, reads: expression.leadFields };
        for (const one of [INPUT, input]) {
          const outcome = expression.evaluate(createView(expression.reads, one, lead));
          expect('value' in outcome || outcome.problem.startsWith('the expression has no value')).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
    expect(evaluated).toBeGreaterThan(300);
  });
});
