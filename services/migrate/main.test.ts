import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { emptyDatabase } from '../../test/postgres/database.ts';
import { runService, startService } from '../../test/services.ts';

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

  expect((await runService('migrate', { DATABASE_URL: late.href })).code).toBe(75);
  const waiting = startService('migrate', { DATABASE_URL: late.href }, ['--wait', '2m'], ({ level }) => {
    if (level === 'warn' && !gate.listening) gate.listen(port, '127.0.0.1');
  });
  onTestFinished(() => void gate.close());
  const { code, output } = await waiting.ended;
  expect([code, output]).toEqual([0, expect.stringContaining('applied')]);
});
