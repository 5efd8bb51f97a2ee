import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { emptyDatabase } from './database.ts';

export type TwoRoles = {
  /** The database as its administrator, as who migrates, and as who works with the tables. */
  urls: { admin: string; owner: string; worker: string };
  worker: string;
  /** Runs statements, one after the other, as one of the three. */
  as(who: 'admin' | 'owner' | 'worker', ...statements: string[]): Promise<pg.QueryResult>;
  drop(): Promise<void>;
};

/**
 * A new database, empty, with two users of its own: one that may create a schema in it, and one that may do no more than
 * connect. Their names and passwords have all the signs in them that somebody could forget to quote.
 */
export async function databaseOfTwoRoles(): Promise<TwoRoles> {
  const { url: admin, drop } = await emptyDatabase();
  const suffix = randomBytes(4).toString('hex');
  const password = `p@ss:w/rd%41'+ "?#`;
  const [owner, worker] = [`owner-${suffix}`, `wo"rk@er'; drop role "x" -- $1 ${suffix}`];
  const urls = { admin, owner: urlOf(admin, owner, password), worker: urlOf(admin, worker, password) };
  const as: TwoRoles['as'] = async (who, ...statements) => {
    const client = new pg.Client({ connectionString: urls[who] });
    await client.connect();
    try {
      let result = await client.query('select');
      for (const statement of statements) result = await client.query(statement);
      return result;
    } finally {
      await client.end();
    }
  };
  const name = pg.escapeIdentifier(new URL(admin).pathname.slice(1));
  const roles = [owner, worker].map((role) => pg.escapeIdentifier(role));
  await as(
    'admin',
    ...roles.map((role) => `create role ${role} login password ${pg.escapeLiteral(password)}`),
    `grant create on database ${name} to ${roles[0]}`,
  );
  return {
    urls,
    worker,
    as,
    async drop() {
      await as('admin', ...roles.flatMap((role) => [`drop owned by ${role} cascade`, `drop role ${role}`]));
      await drop();
    },
  };
}

/** The same address, for another user. */
export function urlOf(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = encodeURIComponent(user);
  changed.password = encodeURIComponent(password);
  return changed.href;
}
