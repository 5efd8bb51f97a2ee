import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, hasBrowser, launchBrowser } from '../../test/browser.ts';
import { at, facts, group, health } from '../../test/digest/example.ts';
import { composeEmail, type DigestFacts } from './email.ts';

const FOLDER = 'out/screenshots';

if (!hasBrowser) {
  process.stderr.write(
    `\n*** SKIPPED: the digest was not looked at in a browser, because there is no ${CHROMIUM} (apt-get install chromium) ***\n\n`,
  );
}

const SCENES: Record<string, DigestFacts> = {
  day: facts(),
  hostile: facts([
    group({
      count: 10_412,
      threads: 9_871,
      example: {
        message: `<script>document.title = "owned"</script><img src="https://evil.example/x.png"> ${'W'.repeat(10_000)}`,
        threadId: 'W'.repeat(500),
      },
    }),
    group({ fingerprint: 'unknown', code: 'something-that-no-release-knows', count: 2, threads: 1 }),
  ]),
  known: facts([], {
    contents: {
      ...facts().contents,
      errors: 24,
      groups: [
        group({ kind: { firstAt: at('2026-10-12T07:00:00Z'), count: 1204, toldUntil: at('2026-11-22T06:00:00Z') } }),
        group({
          fingerprint: 'back',
          subject: '1003 country',
          kind: { firstAt: at('2026-08-01T07:00:00Z'), count: 90, toldUntil: at('2026-11-02T06:00:00Z') },
        }),
      ],
      recovered: [
        { code: 'marketo-unreachable', subject: 'HTTP 502', lastAt: at('2026-11-21T22:10:00Z') },
        { code: 'livechat-found-short', subject: '', lastAt: at('2026-11-21T20:10:00Z') },
      ],
      health: health({ slowed: [{ instance: '123-abc-456.mktorest.com', at: at('2026-11-23T01:10:00Z') }] }),
    },
  }),
  silent: facts([], {
    contents: {
      errors: 0,
      groups: [],
      recovered: [],
      health: health({
        lastSuccessAt: at('2026-11-20T19:00:00Z'),
        lastRun: {
          startedAt: at('2026-11-20T19:00:00Z'),
          heartbeatAt: at('2026-11-20T19:00:00Z'),
          outcome: 'done',
        },
        watermark: at('2026-11-20T18:50:00Z'),
      }),
    },
  }),
  quiet: facts([], {
    statusUrl: undefined,
    contents: {
      errors: 0,
      groups: [],
      recovered: [],
      health: health({ lastSuccessAt: null, lastRun: null, firstRunAt: null, watermark: null, dead: 0, ready: 0 }),
    },
  }),
};

describe.skipIf(!hasBrowser)('in a real browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  const views = Object.entries(SCENES).flatMap(([scene, sceneFacts]) =>
    [360, 1024].flatMap((width) =>
      (['light', 'dark'] as const).map((colorScheme) => ({ scene, sceneFacts, width, colorScheme })),
    ),
  );

  test.each(views)(
    'the digest "$scene" fits $width pixels, loads nothing, runs nothing and is legible in $colorScheme',
    async ({ scene, sceneFacts, width, colorScheme }) => {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, deviceScaleFactor: 2 });
      const page = await context.newPage();
      const requests: string[] = [];
      page.on('request', (request) => requests.push(request.url()));
      await page.setContent(composeEmail(sceneFacts).html, { waitUntil: 'load' });
      await page.screenshot({ path: `${FOLDER}/digest-${scene}-${width}-${colorScheme}.png`, fullPage: true });
      expect(requests).toEqual([]);
      expect(await page.title()).not.toBe('owned');
      expect(await page.evaluate('document.scripts.length + document.images.length')).toBe(0);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await faintTexts(page)).toEqual([]);
      await context.close();
    },
  );
});

/** The texts whose contrast to what is behind them is below 4.5 (WCAG 2.2, 1.4.3). Runs in the page, hence as text. */
async function faintTexts(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = (color) => {
      const [r, g, b] = channels(color).slice(0, 3).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor;
        if ((channels(color)[3] ?? 1) > 0) return color;
      }
      return 'rgb(255, 255, 255)';
    };
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent.trim();
      const element = walker.currentNode.parentElement;
      if (text === '' || element.offsetParent === null) continue;
      const [high, low] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a);
      const contrast = (high + 0.05) / (low + 0.05);
      if (contrast < 4.5) faint.push(text + ': ' + contrast.toFixed(2));
    }
    return faint;
  })()`);
}
