import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { COOLING } from '../../services/shared/store/lease.ts';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { runService, sandboxEnvironment, startService } from '../services.ts';

const { db, url, empty } = await testDatabase();
const sandbox = await startSandbox({ chats: 60, timeScale: 20 });
afterAll(() => sandbox.close());
const env = {
  ...sandboxEnvironment(sandbox, url),
  SYNC_FROM: '2020-01-01T00:00:00Z',
  SYNC_SETTLE: '1s',
  MARKETO_WINDOW_SECONDS: '1',
};

beforeEach(async () => {
  sandbox.reset();
  await empty();
});

test('a run that ends while Marketo may still be writing leaves a lease that nobody can take yet', async () => {
  sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'reset' }, when: 'after', times: 1 });
  const run = startService('sync', env, [], (line) => {
    // It waits for 95 s before it looks again: told to stop meanwhile, it must not let another look either.
    if (line.msg.startsWith('waiting')) run.kill('SIGTERM');
  });
  expect((await run.ended).code).toBe(143);
  const lease = await db.selectFrom('lease').selectAll().executeTakeFirstOrThrow();
  expect(lease.owner).toBe(COOLING);
  expect(Date.parse(lease.expires_at) - Date.now()).toBeGreaterThan(80_000);
});

test('where LiveChat is away, what it has given before is delivered, and the run says that it failed', async () => {
  sandbox.faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'code', code: '607' }, times: 1 });
  await runService('sync', env);
  expect(sandbox.marketo.leads()).toEqual([]);
  sandbox.faults.add({ server: 'livechat', effect: { kind: 'error', type: 'service_unavailable' } });
  const ended = await runService('sync', env);
  expect(ended.code).toBe(75);
  expect(sandbox.marketo.leads().length).toBeGreaterThan(20);
  const [, second] = await db.selectFrom('run').select(['outcome', 'error']).orderBy('id').execute();
  expect(second).toMatchObject({ outcome: 'failed', error: expect.stringContaining('LiveChat did not answer') });
}, 120_000);

describe('an odd LiveChat', () => {
  // These fakes give the same page for every window: one slice, not a dozen.
  const oneSlice = { SYNC_FROM: new Date(Date.now() - 86_400_000).toISOString() };
  const thread = (id: string, more: object = {}) => ({
    id: `C-${id}`,
    users: [{ id: `U-${id}`, type: 'customer', email: `${id}@example.com` }],
    thread: {
      id,
      active: false,
      created_at: '2026-11-01T10:00:00.000001Z',
      events: [{ type: 'message', created_at: '2026-11-01T10:01:00Z' }],
      ...more,
    },
  });

  test('a thread in an unknown shape costs the others nothing: it is asked for by itself, and else told', async () => {
    const livechat = await fakeLiveChat({
      list_chats: () => ({ chats_summary: [{ id: 'C-a', last_thread_summary: { id: 'a' } }] }),
      list_archives: (body) =>
        'thread_ids' in (body['filters'] as object)
          ? { chats: [] }
          : {
              chats: [thread('b'), { id: 'C-c', thread: { id: 'c' } }, { id: 'C-d', thread: { id: 'd' } }, 'nonsense'],
              found_chats: 4,
            },
      get_chat: (body) =>
        body['chat_id'] === 'C-d'
          ? { id: 'C-d', thread: { id: 'd' } }
          : thread(String(body['thread_id'] ?? 'a'), { active: body['chat_id'] === 'C-a' }),
    });
    const ended = await runService('sync', { ...env, ...oneSlice, LIVECHAT_ENDPOINT: livechat });
    expect(ended.code, ended.output).toBe(0);
    const rows = await db.selectFrom('chat_thread').select(['thread_id', 'state']).orderBy('thread_id').execute();
    expect(rows).toEqual([
      { thread_id: 'a', state: 'open' },
      { thread_id: 'b', state: 'synced' },
      { thread_id: 'c', state: 'synced' },
    ]);
    const errors = await db.selectFrom('sync_error').select(['code', 'thread_id']).orderBy('id').execute();
    expect(errors).toEqual([
      { code: 'livechat-answer', thread_id: 'd' },
      { code: 'livechat-answer', thread_id: null },
    ]);
  });

  test('one that goes on and cannot be read, or is listed twice, does not stop the others', async () => {
    const summary = (id: string) => ({
      id: `C-${id}`,
      last_thread_summary: { id, created_at: '2026-11-01T10:00:00.000001Z', active: true },
    });
    let goesOn = true;
    const livechat = await fakeLiveChat({
      // While it was listed, chat b moved from the first page to the second; of c only the id can be read.
      list_chats: (body) => {
        if (!goesOn) return { chats_summary: [] };
        const second = body['page_id'] !== undefined;
        return second
          ? { chats_summary: [summary('b'), { id: 'C-gone' }] }
          : { chats_summary: [summary('a'), summary('b'), { id: 'C-c' }], next_page_id: '2' };
      },
      list_archives: (body) => {
        const ids = (body['filters'] as { thread_ids?: string[] }).thread_ids ?? [];
        return { chats: ids.includes('b') ? [thread('b', { active: goesOn })] : [], found_chats: 0 };
      },
      get_chat: (body) =>
        body['chat_id'] === 'C-gone'
          ? { error: { type: 'not_found', message: '' } }
          : { id: body['chat_id'], thread: { id: 'odd' } },
    });
    const run = () => runService('sync', { ...env, ...oneSlice, LIVECHAT_ENDPOINT: livechat });
    const first = await run();
    expect(first.code, first.output).toBe(0);
    goesOn = false;
    const second = await run();
    expect(second.code, second.output).toBe(0);
    const rows = await db.selectFrom('chat_thread').select(['thread_id', 'state']).orderBy('thread_id').execute();
    expect(rows).toEqual([
      { thread_id: 'a', state: 'open' },
      { thread_id: 'b', state: 'synced' },
    ]);
    const errors = await db.selectFrom('sync_error').select(['code', 'subject']).orderBy('id').execute();
    expect(errors).toEqual([
      { code: 'livechat-answer', subject: 'chats that go on' },
      { code: 'livechat-answer', subject: 'a' },
    ]);
  });

  test('thousands of chats that go on at once are all filed', async () => {
    const count = 5000;
    const pages = Array.from({ length: count / 100 }, (_, page) =>
      Array.from({ length: 100 }, (_, index) => ({
        id: `C${page}-${index}`,
        last_thread_summary: { id: `T${page}-${index}`, created_at: '2026-11-01T10:00:00.000001Z', active: true },
      })),
    );
    const livechat = await fakeLiveChat({
      list_chats: (body) => {
        const page = Number(body['page_id'] ?? 0);
        return {
          chats_summary: pages[page] ?? [],
          ...(page + 1 < pages.length ? { next_page_id: String(page + 1) } : {}),
        };
      },
      list_archives: (body) => {
        const ids = ((body['filters'] as { thread_ids?: string[] }).thread_ids ?? []) as string[];
        return {
          chats: ids.map((id) => ({ ...thread(id, { active: true }), id: id.replace('T', 'C') })),
          found_chats: ids.length,
        };
      },
    });
    const ended = await runService('sync', { ...env, ...oneSlice, LIVECHAT_ENDPOINT: livechat });
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    const open = await db
      .selectFrom('chat_thread')
      .select((row) => row.fn.countAll<number>().as('n'))
      .where('state', '=', 'open')
      .executeTakeFirstOrThrow();
    expect(open.n).toBe(count);
  }, 60_000);

  test('a refusal that no retry mends ends with a sentence, not with a stack', async () => {
    const livechat = await fakeLiveChat({
      list_chats: () => ({ chats_summary: [] }),
      list_archives: () => ({ error: { type: 'limit_reached', message: 'canary' } }),
    });
    const ended = await runService('sync', { ...env, LIVECHAT_ENDPOINT: livechat });
    expect(ended.code).toBe(78);
    expect(ended.output).toMatch(/LiveChat refused list_archives \(limit_reached\)/);
    expect(ended.output).not.toMatch(/canary|"stack"/);
  });
});

test('a thread that was delivered stays its visitor’s, whoever uses the computer after them', async () => {
  // Behind our own clock: a run reads no further than both clocks allow.
  sandbox.clock.shift(-3_600_000);
  const { chatId, threadId } = sandbox.livechat.archive.startChat({
    customer: { id: 'shared', name: 'Ann Lee', email: 'ann@example.com' },
    text: 'Hello',
  });
  sandbox.livechat.archive.closeThread(threadId);
  sandbox.clock.shift(60_000);
  expect((await runService('sync', env)).code).toBe(0);
  sandbox.livechat.archive.updateCustomer('shared', { name: 'Bob Ray', email: 'bob@example.com' });
  sandbox.livechat.archive.rate(threadId, 1);
  sandbox.clock.shift(60_000);
  expect((await runService('sync', env)).code).toBe(0);
  expect(sandbox.marketo.leads('bob@example.com')).toEqual([]);
  const row = await db
    .selectFrom('chat_thread')
    .select(['email', 'state'])
    .where('chat_id', '=', chatId)
    .executeTakeFirstOrThrow();
  expect(row).toEqual({ email: 'ann@example.com', state: 'synced' });
});

type Answers = Record<string, (body: Record<string, unknown>) => object>;

/** A LiveChat that answers what a test wants; the sandbox's own is too well-behaved for these. */
async function fakeLiveChat(answers: Answers): Promise<string> {
  const server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const action = request.url?.split('/').at(-1) ?? '';
      const answer = answers[action]?.(JSON.parse(text)) ?? { error: { type: 'not_found', message: '' } };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
