import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment } from '../services.ts';

const { db, url } = await testDatabase();

const THREADS = 100_000;
const PAGE = 100;

test('a window of 100,000 threads is read within 150 MB of heap', async () => {
  const sandbox = await startSandbox({ timeScale: 100 });
  onTestFinished(() => sandbox.close());
  const now = Date.now();
  const ended = await runService('sync', {
    ...sandboxEnvironment(sandbox, url),
    LIVECHAT_ENDPOINT: await longLiveChat(now),
    // Node ends a process that needs more.
    NODE_OPTIONS: '--max-old-space-size=150',
    SYNC_FROM: new Date(now - 86_400_000).toISOString(),
    // All are filed with what is known of them; delivering 100,000 leads is another matter, and bounded by waves.
    SYNC_EXCLUDED_DOMAINS: 'example.com',
  });
  expect(ended.code, ended.output.slice(-2000)).toBe(0);
  const { threads } = await db
    .selectFrom('chat_thread')
    .select((row) => row.fn.countAll<number>().as('threads'))
    .where('state', '=', 'ignored')
    .executeTakeFirstOrThrow();
  expect(threads).toBe(THREADS);
}, 240_000);

const request = z.object({ page_id: z.string().optional() });

/** A LiveChat whose archive is made page by page as it is asked for: the sandbox's would hold it all in memory. */
async function longLiveChat(now: number): Promise<string> {
  const answers: Record<string, (pageId: number) => object> = {
    list_chats: () => ({ chats_summary: [] }),
    list_archives: (page) => ({
      chats: Array.from({ length: PAGE }, (_, index) => entry(page * PAGE + index, now)),
      found_chats: THREADS,
      ...((page + 1) * PAGE < THREADS ? { next_page_id: String(page + 1) } : {}),
    }),
  };
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    incoming.on('end', () => {
      const answer = answers[incoming.url?.split('/').at(-1) ?? ''];
      const { page_id: page } = request.parse(JSON.parse(text));
      const body = answer?.(Number(page ?? 0)) ?? { error: { type: 'authorization', message: '' } };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function entry(number: number, now: number): object {
  const at = new Date(now - 86_000_000 + number * 100).toISOString();
  return {
    id: `CHAT${number}`,
    users: [{ id: `customer-${number}`, type: 'customer', name: 'Ann Lee', email: `v${number}@example.com` }],
    thread: {
      id: `THREAD${number}`,
      active: false,
      created_at: at,
      user_ids: [`customer-${number}`],
      events: [{ id: '1', type: 'message', created_at: at, text: 'Hello there, I have a question. '.repeat(20) }],
    },
  };
}
