import { describe, expect, test } from 'vitest';
import { at, facts, group, health } from '../../test/digest/example.ts';
import { CATALOGUE } from '../shared/runtime/catalogue.ts';
import { composeEmail } from './email.ts';

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
    expect(text).toContain('! Dead threads: 3');
    expect(text).toContain('  Ready threads: 1,204');
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
