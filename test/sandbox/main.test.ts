import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { LOOPBACKS } from '../loopbacks.ts';
import { startSandbox } from './sandbox.ts';

// Starting node takes seconds on a machine that is busy with the other suites.
vi.setConfig({ testTimeout: 30_000 });

function run(...flags: string[]) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...flags]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return { child, ended: once(child, 'exit'), stderr: text(child.stderr) };
}

const ANY_PORTS = ['--control-port', '0', '--livechat-port', '0', '--marketo-port', '0', '--smtp-port', '0'];

test('the command prints where everything is, serves it, and ends with 0 on SIGTERM', async () => {
  const { child, ended } = run(...ANY_PORTS, '--chats', '5');
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.includes('Ctrl-C')) break;
  }
  const url = /^Control API: (\S+)$/m.exec(printed)?.[1];
  const index: unknown = await (await fetch(`${url}/`)).json();
  expect(index).toMatchObject({ control: { url } });
  for (const name of ['LIVECHAT_ENDPOINT', 'LIVECHAT_PAT', 'MARKETO_ENDPOINT', 'MARKETO_CLIENT_SECRET', 'SMTP_URL']) {
    expect(printed).toMatch(new RegExp(`^export ${name}=\\S+$`, 'm'));
  }
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('with --host :: it is reached by IPv4 and, where the machine has it, by IPv6, and tells addresses that can be opened', async () => {
  const sandbox = await startSandbox({ host: '::' });
  onTestFinished(() => sandbox.close());
  const { livechat, marketo, control, smtp } = sandbox.index();
  for (const { url } of [livechat, marketo, control, smtp]) {
    const { hostname, port } = new URL(url);
    expect(hostname).toBe('localhost');
    for (const host of LOOPBACKS) {
      const socket = connect(Number(port), host);
      await once(socket, 'connect');
      socket.destroy();
    }
  }
});

test('flags that mean nothing end with 64 and the help', async () => {
  const starts = [run('--speed', '3'), run('--chats', 'many'), run('--marketo-port', '70000')];
  for (const { ended, stderr } of starts) {
    expect(await ended).toEqual([64, null]);
    expect(await stderr).toContain('Usage:');
  }
});

test('a port that is taken ends the start, and what had been started is closed', async () => {
  const first = await startSandbox();
  onTestFinished(() => first.close());
  const { port } = new URL(first.marketo.url);
  const { ended, stderr } = run(...ANY_PORTS, '--marketo-port', port, '--chats', '0');
  expect(await ended).toEqual([1, null]);
  expect(await stderr).toContain('EADDRINUSE');
});
