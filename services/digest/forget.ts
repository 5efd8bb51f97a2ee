import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Failure } from '../shared/runtime/failure.ts';
import type { Logger } from '../shared/runtime/log.ts';
import type { Database } from '../shared/store/database.ts';
import { type Forgotten, forget } from '../shared/store/forgetting.ts';
import { releaseLease, takeLease } from '../shared/store/lease.ts';

export type Forgetting = { db: Database; log: Logger; signal: AbortSignal /** in milliseconds */; patience: number };

/**
 * Removes one person's data, and says what it removed. The address is never written to a log.
 *
 * It takes the sync's turn meanwhile: a run that had the person's threads in its memory would write them down again.
 *
 * @throws Failure 64 where the address is none, 75 where a sync is at work for longer than `patience`.
 */
export async function forgetPerson(forgetting: Forgetting, address: string): Promise<Forgotten> {
  const { db, log } = forgetting;
  if (!/^[^@\s]+@[^@\s]+$/.test(address.trim())) {
    throw new Failure(EXIT.usage, '--forget wants one mail address, as LiveChat has it: --forget ann@example.com.');
  }
  const owner = `forget ${randomUUID()}`;
  await takeTurn(forgetting, owner);
  try {
    const { again, ...rows } = await forget(db, address);
    const told = Object.entries(rows).map(([table, count]) => `${table} ${count}`);
    log.info(
      { ...rows, again },
      `forgotten${again ? ' once more' : ''}; rows cleared or removed: ${told.join(', ')}. LiveChat and Marketo keep what they have: remove the person there, too.`,
    );
    return { again, ...rows };
  } finally {
    await releaseLease(db, 'sync', owner);
  }
}

/** Longer than the database's own time for a statement, and there are few. */
const LEASE_SECONDS = 300;
const ASK_EVERY_MS = 2000;

async function takeTurn({ db, log, signal, patience }: Forgetting, owner: string): Promise<void> {
  const deadline = performance.now() + patience;
  let told = false;
  while (!(await takeLease(db, 'sync', owner, LEASE_SECONDS))) {
    if (performance.now() >= deadline) {
      throw new Failure(
        EXIT.tryLater,
        'A sync has been at work all the time, and could write the person down again: nothing was removed; try again when it is done.',
      );
    }
    if (!told) log.info('a sync is at work: waiting for its end');
    told = true;
    await sleep(Math.min(ASK_EVERY_MS, deadline - performance.now()), undefined, { signal });
  }
}
