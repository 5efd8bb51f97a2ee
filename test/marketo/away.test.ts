import { expect, test } from 'vitest';
import { testDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { connect } from './connect.ts';

const { db } = await testDatabase();

test('a Marketo that has gone away holds no slot: nothing was sent, so nothing is counted, and a write may be repeated', async () => {
  const sandbox = await startSandbox();
  const { marketo, fates, attempts } = await connect(db, sandbox.index().marketo);
  await marketo.findLeadsByEmail(['a@example.com'], []);
  await sandbox.close();
  // A read first: a kept connection may be cut before new ones are refused, and of a write that would leave doubt.
  await expect(marketo.findLeadsByEmail(['a@example.com'], [])).rejects.toMatchObject({ kind: 'unavailable' });
  const fate = marketo.createLeads([{ email: 'a@example.com' }]);
  await expect(fate).rejects.toMatchObject({ kind: 'unavailable', code: 'ECONNREFUSED' });
  const last = fates.slice(-3);
  expect(last).toEqual(['unsent', 'unsent', 'unsent']);
  expect(attempts.at(-1)).toMatchObject({ outcome: 'no-answer', code: 'ECONNREFUSED' });
  marketo.close();
}, 60_000);
