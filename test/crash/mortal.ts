import { AsyncLocalStorage } from 'node:async_hooks';
import { type Agent, Agent as HttpAgent } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import * as timersPromises from 'node:timers/promises';
import axios, { type InternalAxiosRequestConfig } from 'axios';
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { Database } from '../../services/shared/store/database.ts';
import type { Tables } from '../../services/shared/store/schema.ts';
import { SCHEMA } from '../postgres/schema-name.ts';

/**
 * At which of its effects a run dies: the first is 1. `before`: the effect never happened. `after`: it happened, and
 * the run never knew.
 */
export type Death = { at: number; when: 'before' | 'after' };

/** What came of a life: it died, after so many effects, or its work ended by itself with this result. */
export type Lived<T> = { died: boolean; effects: number; result: PromiseSettledResult<T> | undefined };

/**
 * Lives the life of a process in this one: does some work whose every effect (a statement sent to Postgres, a request
 * sent over HTTP) passes a gate, and which dies at one of them.
 *
 * Death is silence: the promise of the effect at which it dies never resolves, nor does that of any later effect, so
 * none of the work's own `catch` and `finally` blocks is ever reached; effects that they would have are not made either.
 * Its connections to Postgres are cut, so that the server rolls back what was not committed, and its intervals are
 * cleared. What it had sent by then is still worked on by the servers to its end, as in life, before this returns.
 *
 * Nobody waits in real time: the waits of the work (before it asks again, until Marketo is surely done with a call) are
 * cut to a few milliseconds. Timers that guard calls, inside pg and axios, are not.
 *
 * @param pool where its connections come from.
 * @param work what it does with its database.
 * @param options `death`: when it dies; never where left out. `onRequest`: told of every HTTP request just before it is sent.
 */
export async function live<T>(
  pool: pg.Pool,
  work: (db: Database) => Promise<T>,
  options: { death?: Death | undefined; onRequest?: (request: InternalAxiosRequestConfig) => void } = {},
): Promise<Lived<T>> {
  const life = createLife(options.death, options.onRequest);
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: { connect: () => life.connect(pool), end: async () => {}, options: pool.options },
    }),
  }).withSchema(SCHEMA);
  const worked = Promise.allSettled([living.run(life, () => work(db))]).then(([settled]) => settled);
  const result = await Promise.race([worked, life.died]);
  await life.bury(pool);
  return { died: result === undefined, effects: life.effects(), result };
}

type Life = ReturnType<typeof createLife>;

/** Whose life the code that runs right now belongs to; the test's own, and the sandbox's, belongs to none. */
const living = new AsyncLocalStorage<Life>();

function createLife(death: Death | undefined, onRequest: ((request: InternalAxiosRequestConfig) => void) | undefined) {
  const end = Promise.withResolvers<undefined>();
  const clients = new Set<pg.PoolClient>();
  const agents = new Set<Agent>();
  const intervals = new Set<NodeJS.Timeout>();
  const underway = new Set<Promise<unknown>>();
  let effects = 0;
  let dead = false;

  function die(): Promise<never> {
    dead = true;
    end.resolve(undefined);
    return never();
  }

  /** Lets an effect happen, unless it is the one at which this life ends, or it has ended. */
  async function pass<R>(effect: () => Promise<R>): Promise<R> {
    if (dead) return never();
    effects += 1;
    const isLast = death?.at === effects;
    if (isLast && death?.when === 'before') return die();
    // Its inner workings are not this life's: timers and sockets of pg and of axios are nobody's.
    const happening = living.exit(effect);
    underway.add(happening);
    try {
      return await happening;
    } finally {
      underway.delete(happening);
      if (dead) await never();
      if (isLast) await die();
    }
  }

  return {
    died: end.promise,
    effects: () => effects,

    async connect(pool: pg.Pool): Promise<pg.PoolClient> {
      if (dead) return never();
      const client = await living.exit(() => pool.connect());
      if (dead) {
        client.release();
        return never();
      }
      clients.add(client);
      return new Proxy(client, {
        get(target, name) {
          if (name === 'query') return (text: string, values: unknown[]) => pass(() => target.query(text, values));
          if (name !== 'release') return Reflect.get(target, name, target);
          return () => {
            clients.delete(target);
            target.release();
          };
        },
      });
    },

    request<R>(config: InternalAxiosRequestConfig, send: () => Promise<R>): Promise<R> {
      if (config.httpAgent instanceof HttpAgent) agents.add(config.httpAgent);
      return pass(() => {
        onRequest?.(config);
        return send();
      });
    },

    keepInterval: (timer: NodeJS.Timeout) => void intervals.add(timer),

    /** Takes away all that a process has when it ends, and waits until nothing that it began is going on anywhere. */
    async bury(pool: pg.Pool): Promise<void> {
      dead = true;
      for (const timer of intervals) clearInterval(timer);
      const pids = [...clients].flatMap((client) => ('processID' in client ? Number(client.processID) : []));
      for (const client of clients) client.release(true);
      await Promise.allSettled(underway);
      for (const agent of agents) agent.destroy();
      await untilEnded(pool, pids);
    },
  };
}

/** A server notices a cut connection soon, and only then lets go of its locks. */
async function untilEnded(pool: pg.Pool, pids: readonly number[]): Promise<void> {
  if (pids.length === 0) return;
  await pool.query('select pg_terminate_backend(pid) from pg_stat_activity where pid = any($1)', [pids]);
  for (;;) {
    const { rows } = await pool.query('select from pg_stat_activity where pid = any($1)', [pids]);
    if (rows.length === 0) return;
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** The longest that a life really waits, in milliseconds. */
const LONGEST_WAIT_MS = 4;

const send = axios.getAdapter('http');
/** `axios.create` copies the defaults, and so everything that is created after this line has this adapter. */
axios.defaults.adapter = (config) => {
  const life = living.getStore();
  return life ? life.request(config, () => send(config)) : send(config);
};

globalThis.setInterval = new Proxy(globalThis.setInterval, {
  apply(target, self, args: Parameters<typeof setInterval>) {
    const timer = Reflect.apply(target, self, args);
    living.getStore()?.keepInterval(timer);
    return timer;
  },
});

globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
  apply(target, self, [callback, wait = 0, ...rest]: Parameters<typeof setTimeout>) {
    return Reflect.apply(target, self, [callback, living.getStore() ? Math.min(wait, LONGEST_WAIT_MS) : wait, ...rest]);
  },
});

const builtin = process.getBuiltinModule('node:timers/promises');
Object.defineProperty(builtin, 'setTimeout', {
  value: new Proxy(timersPromises.setTimeout, {
    apply(target, self, [wait = 0, ...rest]: Parameters<typeof timersPromises.setTimeout>) {
      return Reflect.apply(target, self, [living.getStore() ? Math.min(wait, LONGEST_WAIT_MS) : wait, ...rest]);
    },
  }),
});
syncBuiltinESMExports();
