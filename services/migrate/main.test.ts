import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { emptyDatabase } from '../../test/postgres/database.ts';
import { type Ended, runService, startService } from '../../test/services.ts';

test('a database that appears late is waited for', async () => {
  const { url, drop } = await emptyDatabase();
  onTestFinished(drop);
  const real = new URL(url);
  const late = new URL(url);
  // A port that is free until Postgres “appears” behind it.
  const gate = createServer((client) => {
    const server = connect(Number(real.port), real.hostname);
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on('error', () => [client, server].map((one) => one.destroy()));
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  const address = gate.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  gate.close();
  await once(gate, 'close');
  late.hostname = '127.0.0.1';
  late.port = String(port);

  // Without waiting it says what is wrong; so it does when the time is up, and once when it begins to wait.
  const away = `Postgres at 127.0.0.1:${port} could not be reached (ECONNREFUSED): check that it runs and that DATABASE_URL names it.`;
  const impatient = await runService('migrate', { DATABASE_URL: late.href });
  expect([impatient.code, said(impatient)]).toEqual([75, [['fatal', away]]]);
  const vain = await runService('migrate', { DATABASE_URL: late.href, DATABASE_WAIT: '2500ms' });
  const waits = ['warn', `${away} It is tried again every second, for 3 s at most.`];
  expect([vain.code, said(vain)]).toEqual([75, [waits, ['fatal', away]]]);

  const waiting = startService('migrate', { DATABASE_URL: late.href }, ['--wait', '2m'], ({ level }) => {
    if (level === 'warn' && !gate.listening) gate.listen(port, '127.0.0.1');
  });
  onTestFinished(() => void gate.close());
  const { code, output } = await waiting.ended;
  expect([code, output]).toEqual([0, expect.stringContaining('applied')]);
});

function said({ lines }: Ended): [string, string][] {
  return lines.map(({ level, msg }) => [level, msg]);
}

test('a time to wait that is none is answered by the flag’s name', async () => {
  const { code, output } = await runService('migrate', { DATABASE_URL: 'postgres://u@h/n' }, ['--wait', 'long']);
  expect([code, output]).toEqual([64, expect.stringMatching(/--wait .*Try --help/)]);
});
