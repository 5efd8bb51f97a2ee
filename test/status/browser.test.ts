import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openReadings } from '../../services/shared/store/readings.ts';
import { createAccess, SESSION_COOKIE } from '../../services/status/access.ts';
import { buildApp } from '../../services/status/app.ts';
import { connectCluster } from '../../services/status/cluster/api.ts';
import { watchCluster } from '../../services/status/cluster/watch.ts';
import { CHROMIUM, hasBrowser, launchBrowser } from '../browser.ts';
import { SCHEMA, testDatabase } from '../postgres/database.ts';
import { startKubernetes, tellCluster } from './kubernetes.ts';
import { addRun, HOUR, minutesAgo, silent, tellStory, tellThread } from './story.ts';

if (!hasBrowser)
  process.stderr.write(`SKIPPED: ${CHROMIUM} is not installed, the page was not looked at in a browser\n`);

const screenshots = fileURLToPath(new URL('../../out/screenshots/', import.meta.url));

const TOKEN = 'a-token-of-the-tests-0123456789';
const { db, url } = await testDatabase();
const { db: failing, url: failingUrl } = await testDatabase();
const { url: unused } = await testDatabase();
const { db: acting, url: actingUrl } = await testDatabase();
const { db: hostile, url: hostileUrl } = await testDatabase();
const kubernetes = await startKubernetes('marketing');
const cluster = watchCluster(
  () => connectCluster({ namespace: 'marketing', release: 'shop' }, kubernetes.config),
  silent,
  200,
);
const scenes = [
  scene('status', url),
  scene('failing', failingUrl),
  scene('no-run', unused),
  scene('database-away', 'postgres://nobody:x@127.0.0.1:9/none'),
  scene('acting', actingUrl),
  scene('hostile', hostileUrl),
];
const CANARY = `"><img src=x onerror="window.canary=1"><script>window.canary=1</script>\u202e{{7*7}}\r\nX: y`;
/** HTML knows no carriage return. */
const AS_SHOWN = CANARY.replace('\r', '');
const LOOKS = ([360, 768, 1440] as const).flatMap((width) => [[width, 'light'] as const, [width, 'dark'] as const]);
/** Comes to the page through the debugger, which its policy does not concern. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser: Browser | undefined;
let address = '';

describe.skipIf(!hasBrowser)('in a real browser (skipped where Chromium is not installed)', () => {
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    tellCluster(kubernetes);
    await tellStory(db);
    await tellThread(db);
    await tellStory(failing);
    await addRun(acting, { started: 45, ended: 44 });
    await tellThread(acting);
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
        const tables = await page.getByRole('table').all();
        expect(tables.length).toBe(6);
        for (const table of tables) {
          expect(await table.getByRole('columnheader').count()).toBeGreaterThan(2);
          expect(await table.getByRole('rowheader').count()).toBeGreaterThan(1);
          expect(await table.evaluate(NAME_OF)).not.toBe('');
        }
      });
    }
  });

  test('the charts say in words and in their table what they show', async () => {
    await onPage({ width: 1440 }, address, async (page) => {
      const runs = await db
        .selectFrom('run')
        .selectAll()
        .where('job', '=', 'sync')
        .orderBy('id', 'desc')
        .limit(48)
        .execute();
      const total = (name: string) =>
        runs.reduce((sum, run) => sum + (run.counts[name] ?? 0), 0).toLocaleString('en-US');
      const words = `${total('created')} created, ${total('updated')} updated, ${total('unchanged')} left alone`;
      expect(await page.getByRole('img', { name: words }).count()).toBe(1);
      await page.getByText('The same as a table').click();
      const told = await page
        .getByRole('region', { name: 'The last runs as a table' })
        .getByRole('rowheader')
        .allTextContents();
      expect(told).toEqual(runs.map(({ id }) => `#${id}`));
      expect(await page.locator('#limits').textContent()).toContain('12 of 25, lowered from 50');
    });
  });

  for (const { name, path, scene: at, unlocked } of views()) {
    test(`${name} fits 360, 768 and 1440 px, light and dark; the policy refuses nothing, axe finds nothing`, async () => {
      await onPage({ width: 360, unlocked }, `${addressOf(at)}${path}`, async (page) => {
        await page.evaluate(AXE);
        for (const [width, colorScheme] of LOOKS) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme });
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
          expect(await page.evaluate(CUT_OFF)).toEqual([]);
          // Contrast is another in each scheme, and cards are tables on wide screens: these two have met everything.
          if ((width === 360) === (colorScheme === 'light') && width !== 768)
            expect(await axeFindings(page)).toEqual([]);
          await page.screenshot({ path: `${screenshots}${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
      });
    });
  }

  test('works by keyboard: to the content, into the form, and to the thread', async () => {
    await onPage({ width: 768 }, `${address}/threads`, async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).toBe('skip');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      await page.keyboard.type('SYNCED0001');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/threads/SYNCED0001');
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Thread SYNCED0001');
    });
  });

  test('unlocks, replays and locks again, with the forms as people use them', async () => {
    await onPage(
      { width: 1440 },
      `${addressOf('acting')}/login`,
      async (page) => {
        await page.getByLabel('Token').fill('wrong');
        await page.getByRole('button', { name: 'Unlock' }).click();
        expect(await page.getByRole('alert').textContent()).toBe('That is not the token.');
        await page.getByLabel('Token').fill(TOKEN);
        await page.getByRole('button', { name: 'Unlock' }).click();
        await page.waitForURL(`${addressOf('acting')}/`);
        await page.getByRole('link', { name: 'Dead threads' }).click();
        expect(await page.getByText('maria.canary@example.com').count()).toBe(1);
        await page.getByRole('button', { name: 'Replay thread DEAD000001' }).click();
        expect(await page.getByRole('status').textContent()).toContain('1 thread is ready again');
        expect(await page.getByText('No thread is dead.').count()).toBe(1);
        await page.getByRole('button', { name: 'Lock' }).click();
        expect(await page.getByRole('link', { name: 'Unlock' }).count()).toBe(1);
      },
      /403/,
    );
  });

  test('what a visitor wrote is shown as text on every view, and runs nowhere', async () => {
    const ids = await tellThread(hostile, CANARY);
    const paths = [
      '/',
      '/runs',
      `/runs/${ids.run}`,
      '/errors',
      '/dead',
      `/threads/${encodeURIComponent(ids.synced)}`,
      `/threads/${encodeURIComponent(ids.dead)}`,
      '/calls',
    ];
    for (const path of paths) {
      await onPage({ width: 768, unlocked: true }, `${addressOf('hostile')}${path}`, async (page) => {
        expect(await page.evaluate('window.canary')).toBeUndefined();
        expect(await page.locator('main img, main script, main iframe').count()).toBe(0);
        if (path !== '/runs' && path !== '/calls') expect(await page.locator('main').textContent()).toContain(AS_SHOWN);
      });
    }
  });

  test('renews itself, keeps what is unfolded and focused, and says so when it cannot', async () => {
    const context = await browser?.newContext();
    const page = await context?.newPage();
    if (!context || !page) throw new Error('there is no browser');
    await page.clock.install();
    await page.goto(addressOf('acting'));
    await page.getByText('The same as a table').click();
    await page.getByRole('link', { name: 'All runs' }).focus();
    await acting
      .insertInto('watermark')
      .values({ stream: 'livechat', position: minutesAgo(600) })
      .onConflict((conflict) => conflict.column('stream').doUpdateSet({ position: minutesAgo(600) }))
      .execute();
    const before = await page.getByRole('heading', { level: 1 }).textContent();
    const renewed = page.waitForResponse((response) => response.url() === `${addressOf('acting')}/`);
    await page.clock.fastForward(61_000);
    await renewed;
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).not.toBe(before);
    expect(await page.locator('#strip-table').getAttribute('open')).not.toBeNull();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('All runs');
    await page.route('**/*', (route) => route.abort());
    await page.clock.fastForward(61_000);
    await expect.poll(() => page.locator('#note').textContent()).toContain('could not be renewed');
    await context.close();
  });

  test('the API’s own page works under the same policy', async () => {
    await onPage({ width: 1440 }, `${address}/api/docs`, async (page) => {
      await page.getByText('How things stand').waitFor();
      expect(await page.getByText('/api/v1/dead/replay').count()).toBeGreaterThan(0);
      await page.screenshot({ path: `${screenshots}api-docs-1440-light.png` });
    });
  });
});

afterAll(async () => {
  cluster.close();
  await kubernetes.close();
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
  return { name, readings, app: buildApp({ readings, log: silent, syncInterval: HOUR, token: TOKEN, cluster }) };
}

function addressOf(name: string): string {
  const bound = scenes.find((each) => each.name === name)?.app.server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error(`${name} does not listen`);
  return `http://127.0.0.1:${bound.port}`;
}

/** What a screen reader calls a table. */
const NAME_OF = `(table) => (table.caption ?? document.getElementById(table.getAttribute('aria-labelledby')))?.textContent.trim() ?? ''`;

/** Elements whose text does not fit into them, or that reach beyond the screen. */
const CUT_OFF = `[...document.querySelectorAll('body *:not(thead, thead *, svg *, .skip, .hidden, .scroll, .scroll *)')]
  .filter((element) => element.checkVisibility({ contentVisibilityAuto: true }) && !element.closest('details:not([open]) > :not(summary)'))
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline'
    || element.getBoundingClientRect().right > innerWidth + 1)
  .map((element) => element.outerHTML.slice(0, 120))`;

/** What axe-core, which is on the page already, finds wrong, each with the element. */
async function axeFindings(page: Page): Promise<string[]> {
  const found = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
  const { violations } = z
    .object({ violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })) })
    .parse(found);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** Every view, and every state in which the first screen may be. */
function views(): { name: string; path: string; scene: string; unlocked?: boolean }[] {
  const on = (scene: string, name: string, path: string, unlocked = false) => ({ scene, name, path, unlocked });
  return [
    on('status', 'status', '/'),
    on('status', 'status-unlocked', '/', true),
    on('failing', 'failing', '/'),
    on('no-run', 'no-run', '/'),
    on('database-away', 'database-away', '/'),
    on('status', 'runs', '/runs'),
    on('status', 'run', '/runs/14', true),
    on('status', 'errors', '/errors'),
    on('status', 'errors-of-code', '/errors?code=lead-refused&state=new'),
    on('status', 'dead', '/dead'),
    on('status', 'dead-unlocked', '/dead', true),
    on('status', 'find', '/threads'),
    on('status', 'thread', '/threads/SYNCED0001'),
    on('status', 'thread-unlocked', '/threads/SYNCED0001', true),
    on('status', 'calls', '/calls?limit=20'),
    on('status', 'login', '/login'),
    on('status', 'missing', '/nothing'),
  ];
}

/** Opens the page and fails where the browser complains about anything. */
async function onPage(
  {
    width,
    colorScheme = 'light',
    unlocked = false,
  }: { width: number; colorScheme?: 'light' | 'dark'; unlocked?: boolean | undefined },
  at: string,
  body: (page: Page) => Promise<void>,
  expected = /the server responded with a status of 404/,
): Promise<void> {
  if (!browser) throw new Error('there is no browser');
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  try {
    if (unlocked) {
      const session = createAccess(TOKEN, undefined).newSession();
      await context.addCookies([{ name: SESSION_COOKIE, value: session, url: new URL(at).origin }]);
    }
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => expected.test(message.text()) || complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    await page.goto(at);
    await body(page);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}
