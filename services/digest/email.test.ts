import { describe, expect, test } from 'vitest';
import { at, facts, group, health } from '../../test/digest/example.ts';
import { CATALOGUE } from '../shared/runtime/catalogue.ts';
import { composeEmail, hasNews } from './email.ts';

describe('the subject', () => {
  test('says how many errors there are, the worst kind, and how many more kinds', () => {
    expect(composeEmail(facts()).subject).toBe(
      '[livechat-marketo-sync] 37 new errors: Marketo refused the client id, its secret or its permissions, and 2 more kinds',
    );
  });

  test('says one in the singular, and nothing of other kinds where there are none', () => {
    expect(composeEmail(facts([group({ count: 1 })])).subject).toBe(
      '[livechat-marketo-sync] 1 new error: Marketo refused a lead because of one of its values (1003 phone)',
    );
    expect(composeEmail(facts([])).subject).toBe('[livechat-marketo-sync] No new errors');
  });
});

describe('the kinds', () => {
  test('come by severity first, then by how often they happened', () => {
    const { text } = composeEmail(
      facts([
        group({ fingerprint: 'a', code: 'lead-duplicates', count: 900 }),
        group({ fingerprint: 'b', code: 'lead-refused', count: 3 }),
        group({ fingerprint: 'c', code: 'marketo-quota', count: 40 }),
        group({ fingerprint: 'd', code: 'livechat-credentials', count: 1 }),
      ]),
    );
    expect([...text.matchAll(/^\d+\. ([A-Z]+): /gm)].map(([, severity]) => severity)).toEqual([
      'CRITICAL',
      'ERROR',
      'ERROR',
      'WARNING',
    ]);
    expect(text.indexOf('marketo-quota')).toBeLessThan(text.indexOf('lead-refused'));
  });

  test('are each told with what, how often, when, an example and what to do, in both parts', () => {
    const { html, text } = composeEmail(facts([group()]));
    const words = text.replace(/\s+/g, ' ');
    const shown = html.replace(/<[^>]+>/g, ' ').replace(/[\s\u00a0]+/g, ' ');
    for (const told of [
      CATALOGUE['lead-refused'].says,
      CATALOGUE['lead-refused'].todo,
      'lead-refused',
      '12 times in 9 threads',
      'first 22 Nov, 08:03, last 23 Nov, 07:55',
      'Marketo refused the value of phone (1003); the lead was written without it.',
      'SK1LQ4NZ8T',
    ]) {
      expect(words).toContain(told);
      expect(shown).toContain(told);
    }
  });

  test('are 200 at most, then a count of the rest', () => {
    const many = Array.from({ length: 260 }, (_, index) => group({ fingerprint: String(index), count: 2 }));
    const { html, text } = composeEmail(facts(many));
    expect(html.match(/<table role="presentation" class="card"/g)).toHaveLength(200);
    expect(text).toContain('And 60 more kinds with 120 errors, not listed here.');
    expect(html).toContain('And 60 more kinds with 120 errors, not listed here.');
  });

  test('with a code of another release are told all the same', () => {
    const { text } = composeEmail(facts([group({ code: 'of-the-future' })]));
    expect(text).toContain('An error that this release has no words for.');
    expect(text).toContain('of-the-future');
  });
});

describe('what silence would hide', () => {
  test('is told: the last successful sync, how far LiveChat is read, dead and ready threads', () => {
    const { text } = composeEmail(facts());
    expect(text).toContain('  Last successful sync: 59 min ago (23 Nov, 07:00)');
    expect(text).toContain('  LiveChat read until: 1 h 10 min ago (23 Nov, 06:50)');
    expect(text).toContain('! Dead threads: 3\n');
    expect(text).toContain('  Ready threads: 1,204');
  });

  test('tells how many of the dead threads nobody can replay any more', () => {
    const contents = { errors: 0, groups: [], recovered: [], health: health({ dead: 1203, deadErased: 1100 }) };
    expect(composeEmail(facts([], { contents })).text.replaceAll(/\s+/g, ' ')).toContain(
      '! Dead threads: 1,203, of which 1,100 can only be dismissed: their data was kept for long enough',
    );
  });

  test('stands out once the last success is older than three intervals, or there was none', () => {
    const contents = {
      errors: 0,
      groups: [],
      recovered: [],
      health: health({ lastSuccessAt: at('2026-11-23T03:59:00Z'), watermark: null }),
    };
    const late = composeEmail(facts([], { contents }));
    expect(late.text).toContain('! Last successful sync: 3 h 1 min ago');
    expect(late.text).toContain('! LiveChat read until: not read yet');
    const daily = facts([], { contents, syncInterval: 86_400_000 });
    expect(composeEmail(daily).text).toContain('  Last successful sync: 3 h 1 min ago');
  });
});

describe('a trouble that was told of before', () => {
  const known = (toldUntil: string) => ({
    kind: { firstAt: at('2026-10-12T07:00:00Z'), count: 1204, toldUntil: at(toldUntil) },
  });
  const words = (mail: { text: string }) => mail.text.replace(/\s+/g, ' ');

  test('is called new, known, or back, by how long it had been quiet', () => {
    const first = '2026-11-22T07:03:11Z';
    expect(words(composeEmail(facts([group({ firstAt: at(first) })])))).toContain('New: first 22 Nov');
    expect(words(composeEmail(facts([group({ firstAt: at(first), ...known('2026-11-14T07:03:12Z') })])))).toContain(
      'Known since 12 Oct, 09:00: first 22 Nov, 08:03, last 23 Nov, 07:55; 1,204 times since 12 Oct, 09:00',
    );
    expect(words(composeEmail(facts([group({ firstAt: at(first), ...known('2026-11-14T07:03:11Z') })])))).toContain(
      'Back after 8 d: first 22 Nov, 08:03',
    );
  });

  test('comes after what is new or back among those that are as bad, and is counted in the summary', () => {
    const mail = composeEmail(
      facts([
        group({ fingerprint: 'a', subject: 'known', count: 900, ...known('2026-11-22T06:00:00Z') }),
        group({ fingerprint: 'b', subject: 'back', count: 1, ...known('2026-09-22T06:00:00Z') }),
        group({ fingerprint: 'c', subject: 'fresh', count: 2 }),
        group({ fingerprint: 'd', code: 'lead-duplicates', subject: 'warning', count: 5 }),
      ]),
    );
    expect([...mail.text.matchAll(/\((known|back|fresh|warning)\)/g)].map(([, subject]) => subject)).toEqual([
      'fresh',
      'back',
      'known',
      'warning',
    ]);
    expect(mail.text).toContain('4 kinds, 1 known before, from');
  });
});

test('what is no longer seen is listed, twenty at most, then counted', () => {
  const recovered = Array.from({ length: 23 }, (_, index) => ({
    code: 'lead-refused',
    subject: `1003 field${index}`,
    lastAt: at('2026-11-21T22:10:00Z'),
  }));
  const { html, text } = composeEmail(facts([], { contents: { ...facts().contents, recovered } }));
  expect(text).toContain('No longer seen since the last digest');
  expect(text.replace(/\s+/g, ' ')).toContain('lead-refused (1003 field19), last 21 Nov, 23:10');
  expect(text).not.toContain('field20');
  for (const part of [html, text]) expect(part).toContain('And 3 more kinds.');
  expect(composeEmail(facts()).text).not.toContain('No longer seen');
});

test('a warning that is logged once a week while it lasts is never called over', () => {
  const recovered = [{ code: 'livechat-scope', subject: '', lastAt: at('2026-11-21T22:10:00Z') }];
  const { text } = composeEmail(facts([], { contents: { ...facts().contents, recovered } }));
  expect(text).not.toContain('No longer seen');
});

describe('a sync that is silent', () => {
  const silent = (changes: Parameters<typeof health>[0]) => ({
    errors: 0,
    groups: [],
    recovered: [],
    health: health(changes),
  });
  const old = { lastSuccessAt: at('2026-11-20T19:00:00Z') };

  test('comes first in the subject, with the number of errors where there are any', () => {
    expect(composeEmail(facts([], { contents: silent(old) })).subject).toBe(
      '[livechat-marketo-sync] No sync for 2 d 12 h',
    );
    const groups = [group({ count: 3 })];
    const contents = { ...silent(old), errors: 3, groups };
    expect(composeEmail(facts(groups, { contents })).subject).toBe(
      '[livechat-marketo-sync] No sync for 2 d 12 h; 3 new errors: Marketo refused a lead because of one of its values (1003 phone)',
    );
  });

  test('is told with what to do, and whether any was started, as far as the table of runs can tell', () => {
    const lastRun = {
      startedAt: at('2026-11-20T19:00:00Z'),
      heartbeatAt: at('2026-11-20T19:00:00Z'),
      outcome: 'done',
    } as const;
    const { html, text } = composeEmail(facts([], { contents: silent({ ...old, lastRun }) }));
    for (const part of [html, text.replace(/\s+/g, ' ')]) {
      expect(part.replaceAll('\u00a0', ' ')).toContain('No sync has succeeded for 2 d 12 h.');
      expect(part.replaceAll('\u00a0', ' ')).toContain('20 Nov, 20:00): is the schedule suspended? (This is all');
    }
  });

  test('is news without an error, unless it has only just begun', () => {
    const news = (changes: Parameters<typeof health>[0]) => hasNews(facts([], { contents: silent(changes) }));
    expect(news(old)).toBe(true);
    expect(news({ lastSuccessAt: at('2026-11-23T04:00:00Z') })).toBe(false);
    expect(news({ lastSuccessAt: at('2026-11-23T03:59:59Z') })).toBe(true);
    // Never: it counts from the first run of anything.
    expect(news({ lastSuccessAt: null, firstRunAt: at('2026-11-22T04:00:00Z') })).toBe(true);
    expect(news({ lastSuccessAt: null, firstRunAt: at('2026-11-23T06:59:00Z') })).toBe(false);
    expect(news({ lastSuccessAt: null, firstRunAt: null })).toBe(false);
    expect(hasNews(facts())).toBe(true);
  });

  test('shows how the last run stands', () => {
    const line = (lastRun: ReturnType<typeof health>['lastRun']) =>
      /[! ] Last sync started: .*(?:\n {4}.*)*/
        .exec(composeEmail(facts([], { contents: silent({ lastRun }) })).text)?.[0]
        .replace(/\s+/g, ' ');
    const run = { startedAt: at('2026-11-23T06:00:00Z'), heartbeatAt: at('2026-11-23T06:59:00Z'), outcome: null };
    expect(line(null)).toMatch(/^! .*never: is the schedule suspended/);
    expect(line(run)).toBe(' Last sync started: 1 h ago (23 Nov, 07:00): still at work');
    expect(line({ ...run, heartbeatAt: at('2026-11-23T06:10:00Z') })).toBe(
      '! Last sync started: 1 h ago (23 Nov, 07:00): no sign of life since 50 min ago (23 Nov, 07:10)',
    );
    expect(line({ ...run, outcome: 'failed' })).toBe('! Last sync started: 1 h ago (23 Nov, 07:00): failed');
    expect(line({ ...run, outcome: 'skipped' })).toBe(' Last sync started: 1 h ago (23 Nov, 07:00): skipped');
  });

  test('tells of the day’s calls, and of others who use the limit', () => {
    const instance = '123-abc-456.mktorest.com';
    const lines = (changes: Parameters<typeof health>[0]) =>
      composeEmail(facts([], { contents: silent(changes) })).text;
    expect(lines({})).toContain('  Calls to Marketo: 1,632 of 20,000 on 23 Nov');
    expect(lines({ calls: [{ instance, day: '2026-11-23', calls: 16_000 }] })).toContain(
      '! Calls to Marketo: 16,000 of',
    );
    const two = [
      { instance, day: '2026-11-23', calls: 1 },
      { instance: '987-xyz-654.mktorest.com', day: 'Tuesday', calls: 2 },
    ];
    expect(lines({ calls: two })).toContain('  Calls to Marketo (987-xyz-654): 2 of 20,000 on Tuesday');
    expect(lines({ slowed: [{ instance, at: at('2026-11-23T01:00:00Z') }] })).toContain('  Slowed down: 6 h ago');
    expect(lines({ slowed: [{ instance, at: at('2026-11-22T01:00:00Z') }] })).not.toContain('Slowed');
  });
});

describe('what comes from the log', () => {
  const hostile = '<script>alert(1)</script>\r\nBcc: all@example.com\u202E\u2066\u0007 "quoted" & \'single\' \uD800';

  test('is text, never markup, a header or a change of direction', () => {
    const mail = composeEmail(
      facts([group({ code: hostile, example: { message: hostile, threadId: hostile } })], {
        statusUrl: 'https://example.com/?a="><b>',
      }),
    );
    expect(mail.html).not.toMatch(/<script|<b>/);
    expect(mail.html).toContain(
      '&lt;script&gt;alert(1)&lt;/script&gt; Bcc: a•••@example.com &quot;quoted&quot; &amp; ',
    );
    for (const part of [mail.subject, mail.html, mail.text]) {
      expect(part).not.toMatch(/[^\P{C}\n]/u);
      expect(part.isWellFormed()).toBe(true);
    }
    expect(mail.subject).not.toMatch(/[\r\n]/);
  });

  test('is cut where it is long', () => {
    const { html, text } = composeEmail(
      facts([group({ example: { message: 'x'.repeat(10_240), threadId: 'y'.repeat(10_240) } })]),
    );
    expect(html.match(/x{299}…/)).not.toBeNull();
    expect(html).not.toMatch(/x{300}|y{60}/);
    expect(text.length).toBeLessThan(2000);
  });
});

test('the HTML part loads nothing: no image, no style sheet, no font, no script', () => {
  const { html } = composeEmail(facts());
  expect(html).not.toMatch(/<(?:img|link|script|iframe|object|embed|form|video)\b|url\(|@import|\ssrc=/i);
  expect(html.match(/https?:\/\/[^"'<\s]+/g)).toEqual(['https://livechat-marketo.example.com']);
});

test('the HTML part says which colour schemes it has', () => {
  const { html } = composeEmail(facts());
  expect(html).toContain('<meta name="color-scheme" content="light dark">');
  expect(html).toContain('@media (prefers-color-scheme:dark)');
});

test('the text part has no line longer than 76 characters, but for the link', () => {
  const long = group({ example: { message: `start ${'z'.repeat(290)}`, threadId: 'T'.repeat(58) } });
  const { text } = composeEmail(facts([long, group({ fingerprint: 'x', code: 'marketo-quota' })]));
  const lines = text.split('\n').filter((line) => !line.startsWith('https://'));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(76);
});

test('there is no link where the status page’s address is not known', () => {
  const { html, text } = composeEmail(facts(undefined, { statusUrl: undefined }));
  expect(html).not.toContain('href');
  expect(text).not.toContain('status page has');
});

test('times are those of the digest’s zone, with the year where it is another', () => {
  const { text } = composeEmail(
    facts([group({ firstAt: at('2025-12-31T23:30:00Z') })], { timeZone: 'America/New_York' }),
  );
  expect(text.replace(/\s+/g, ' ')).toContain('first 31 Dec 2025, 18:30, last 23 Nov, 01:55');
  expect(text).toContain('Times are those of America/New_York.');
});
