import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canRender, said } from './render.ts';

/** A field of a schedule as it is written, and what it names. */
type Field = { text: string; named: number[] };

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

describe.skipIf(!canRender)('how far apart a schedule’s starts are (skipped where there is no helm)', () => {
  test('is what trying every minute of three weeks gives', () => {
    const schedules = fc.sample(fc.tuple(field(0, 59), field(0, 23), field(0, 6, DAYS)), { numRuns: 300, seed: 1 });
    const texts = schedules.map(([minutes, hours, days]) => `${minutes.text} ${hours.text} * * ${days.text}`);
    const said = gaps(texts);
    for (const [i, [minutes, hours, days]] of schedules.entries()) {
      expect([texts[i], said[i]]).toEqual([texts[i], tried(minutes, hours, days)]);
    }
  });

  test.each([
    ['@hourly', { shortest: 3600, longest: 3600 }],
    ['@weekly', { shortest: 604_800, longest: 604_800 }],
    ['7 08-18 * * 1-5', { shortest: 3600, longest: 62 * 3600 }],
    ['0,09 */08 * * *', { shortest: 540, longest: 8 * 3600 - 540 }],
    ['@daily', { shortest: 86_400, longest: 86_400 }],
    ['? ? ? ? ?', { shortest: 60, longest: 60 }],
    // Days of a month: how near two starts are is known, how far is not.
    ['7 1 1 * *', { shortest: 86_400, longest: 0 }],
    ['7 1,13 * jan-mar *', { shortest: 43_200, longest: 0 }],
    ['7 1 */2 * mon', { shortest: 86_400, longest: 0 }],
    ['60 * * * *', {}],
    ['5-1 * * * *', {}],
    ['*/0 * * * *', {}],
    ['7 * * *', {}],
    ['7 * * * 7', {}],
    ['7 * 0 * *', {}],
    ['7 * * foo *', {}],
    ['7 * * * * *', {}],
    ['@weekly-ish', {}],
  ])('of %s is %j', (schedule, expected) => {
    expect(gaps([schedule])).toEqual([expected]);
  });
});

/** What the chart's template says of schedules. */
function gaps(schedules: readonly string[]): unknown[] {
  return said(schedules.map((schedule) => `include "lcm.cron" ${JSON.stringify(schedule)}`)).map((text) =>
    JSON.parse(text),
  );
}

/** The shortest and the longest time between starts of three weeks, in seconds. */
function tried(minutes: Field, hours: Field, days: Field): { shortest: number; longest: number } {
  const starts: number[] = [];
  for (let minute = 0; minute < 3 * 7 * 1440; minute++) {
    const isStart =
      minutes.named.includes(minute % 60) &&
      hours.named.includes(Math.floor(minute / 60) % 24) &&
      days.named.includes(Math.floor(minute / 1440) % 7);
    if (isStart) starts.push(minute);
  }
  const between = starts.slice(1).map((start, i) => 60 * (start - (starts[i] ?? 0)));
  return { shortest: Math.min(...between), longest: Math.max(...between) };
}

function field(from: number, to: number, names: readonly string[] = []): fc.Arbitrary<Field> {
  const number = fc.integer({ min: from, max: to });
  // 08 is a number like any other to cron.
  const padded = fc.boolean();
  const step = fc.integer({ min: 1, max: Math.min(to, 40) });
  const textOf = (n: number) => names[n] ?? String(n);
  const every = (first: number, last: number, by: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((n) => (n - first) % by === 0);
  const part: fc.Arbitrary<Field> = fc.oneof(
    fc.tuple(number, padded).map(([n, zero]) => ({
      text: zero && names.length === 0 ? String(n).padStart(2, '0') : textOf(n),
      named: [n],
    })),
    fc.constant({ text: '*', named: every(from, to, 1) }),
    step.map((by) => ({ text: `*/${by}`, named: every(from, to, by) })),
    fc.tuple(number, step).map(([n, by]) => ({ text: `${n}/${by}`, named: every(n, to, by) })),
    fc.tuple(number, number, fc.option(step)).map(([a, b, by]) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      return {
        text: `${textOf(first)}-${textOf(last)}${by === null ? '' : `/${by}`}`,
        named: every(first, last, by ?? 1),
      };
    }),
  );
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => ({
    text: parts.map(({ text }) => text).join(','),
    named: parts.flatMap(({ named }) => named),
  }));
}
