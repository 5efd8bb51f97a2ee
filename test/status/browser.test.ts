import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openReadings } from '../../services/shared/store/readings.ts';
import { buildApp } from '../../services/status/app.ts';
import { CHROMIUM, hasBrowser, launchBrowser } from '../browser.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { addRun, HOUR, silent, tellStory } from './story.ts';

if (!hasBrowser)
  process.stderr.write(`SKIPPED: ${CHROMIUM} is not installed, the page was not looked at in a browser\n`);

const screenshots = fileURLToPath(new URL('../../out/screenshots/', import.meta.url));

const { db, url } = await testDatabase();
const { db: failing, url: failingUrl } = await testDatabase();
const { url: unused } = await testDatabase();
const scenes = [
  scene('status', url),
  scene('failing', failingUrl),
  scene('no-run', unused),
  scene('database-away', 'postgres://nobody:x@127.0.0.1:9/none'),
];
let browser: Browser | undefined;
let address = '';

describe.skipIf(!hasBrowser)('in a real browser (skipped where Chromium is not installed)', () => {
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    await tellStory(db);
    await tellStory(failing);
    await addRun(failing, { started: 6, ended: 5, outcome: 'failed', error: REFUSED });
    await addRun(failing, { started: 2, heartbeat: -0.5, trigger: 'manual' });
    for (const { app } of scenes) await app.listen({ host: '127.0.0.1', port: 0 });
    address = addressOf('status');
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  test('the page claims what the database holds', async () => {
    await onPage({ width: 1440 }, address, async (page) => {
      const { watermark } = await db.selectFrom('watermark').select('position as watermark').executeTakeFirstOrThrow();
      const headline = await page.getByRole('heading', { level: 1 }).textContent();
      expect(headline).toMatch(
        new RegExp(`^Synced 1\\d minutes ago, up to (\\d+ \\w+, )?${watermark.slice(11, 16)} UTC\\.$`),
      );

      const runs = await db
        .selectFrom('run')
        .selectAll()
        .where('job', '=', 'sync')
        .orderBy('id', 'desc')
        .limit(10)
        .execute();
      const rows = page.getByRole('table', { name: /Last runs/ }).getByRole('row');
      for (const run of runs) {
        const cells = await rows
          .filter({ has: page.getByRole('rowheader', { name: `#${run.id}`, exact: true }) })
          .getByRole('cell')
          .allTextContents();
        const count = (name: string) =>
          run.counts[name] === undefined ? '–' : run.counts[name].toLocaleString('en-US');
        expect([cells[1], ...cells.slice(5, 10)]).toEqual([
          run.outcome,
          ...['seen', 'created', 'updated', 'unchanged', 'refused'].map(count),
        ]);
      }

      const states = await db.selectFrom('chat_thread').select('state').execute();
      for (const state of ['open', 'ready', 'synced', 'ignored', 'dead']) {
        const row = page.getByRole('table', { name: /Ledger/ }).getByRole('row', { name: new RegExp(`^${state} `) });
        const expected = states.filter((each) => each.state === state).length;
        expect(await row.getByRole('cell').first().textContent()).toBe(expected.toLocaleString('en-US'));
      }

      const errors = await db.selectFrom('sync_error').select('code').where('digest_id', 'is', null).execute();
      expect(await page.getByText(`${errors.length} new errors.`).count()).toBe(1);
      for (const code of new Set(errors.map((error) => error.code))) {
        const row = page
          .getByRole('table', { name: /New errors/ })
          .getByRole('row')
          .filter({ hasText: code });
        const expected = errors.filter((error) => error.code === code).length;
        expect(await row.getByRole('cell').first().textContent()).toBe(String(expected));
      }
    });
  });

  test('every table keeps its rows, headers and caption for a screen reader, also where rows are cards', async () => {
    for (const width of [360, 1440]) {
      await onPage({ width }, address, async (page) => {
        expect(await page.getByRole('table').count()).toBe(4);
        for (const table of await page.getByRole('table').all()) {
          expect(await table.getByRole('columnheader').count()).toBeGreaterThan(2);
          expect(await table.getByRole('rowheader').count()).toBeGreaterThan(1);
          expect(await table.locator('caption').textContent()).not.toBe('');
        }
      });
    }
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [360, 768, 1440]) {
      test(`at ${width} px, ${colorScheme}, nothing is cut, scrolls sideways or is refused by the policy`, async () => {
        for (const { name } of scenes) {
          await onPage({ width, colorScheme }, addressOf(name), async (page) => {
            expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
            expect(await page.evaluate(CUT_OFF)).toEqual([]);
            await page.screenshot({ path: `${screenshots}${name}-${width}-${colorScheme}.png`, fullPage: true });
          });
        }
      });
    }
  }

  test('text stands out from its ground by 4.5 to 1 at the least, light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const { name } of scenes) {
        await onPage({ width: 1440, colorScheme }, addressOf(name), async (page) => {
          expect(await page.evaluate(FAINT_TEXT)).toEqual([]);
        });
      }
    }
  });
});

afterAll(async () => {
  for (const { app, readings } of scenes) {
    await app.close();
    await readings.close();
  }
});

const REFUSED =
  'LiveChat refused the access token (401): check LIVECHAT_ACCOUNT_ID and LIVECHAT_PAT; nothing is lost, the next run reads the same time.';

/** A status service with its page, over a database of its own. */
function scene(name: string, databaseUrl: string) {
  const readings = openReadings(databaseUrl, SCHEMA, 5000);
  return { name, readings, app: buildApp({ readings, log: silent, syncInterval: HOUR }) };
}

function addressOf(name: string): string {
  const bound = scenes.find((each) => each.name === name)?.app.server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error(`${name} does not listen`);
  return `http://127.0.0.1:${bound.port}`;
}

/** Elements whose text does not fit into them, or that reach beyond the screen. */
const CUT_OFF = `[...document.querySelectorAll('body *:not(thead, thead *, svg *, .skip, .hidden, .scroll, .scroll *)')]
  .filter((element) => element.checkVisibility({ contentVisibilityAuto: true }) && !element.closest('details:not([open]) > :not(summary)'))
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline'
    || element.getBoundingClientRect().right > innerWidth + 1)
  .map((element) => element.outerHTML.slice(0, 120))`;

/** Elements with text of their own whose contrast (WCAG 2) is below 4.5. */
const FAINT_TEXT = `(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    .map((element) => {
      const [a, b] = [luminance(rgb(getComputedStyle(element).color)), luminance(ground(element))];
      return { text: element.textContent.trim().slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
    })
    .filter(({ ratio }) => ratio < 4.5);
})()`;

/** Opens the page and fails where the browser complains about anything. */
async function onPage(
  { width, colorScheme = 'light' }: { width: number; colorScheme?: 'light' | 'dark' },
  at: string,
  body: (page: Page) => Promise<void>,
): Promise<void> {
  if (!browser) throw new Error('there is no browser');
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    await page.goto(at);
    await body(page);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}
