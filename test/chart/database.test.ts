import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { emptyDatabase } from '../postgres/database.ts';
import { runService } from '../services.ts';
import { canRender, given, one, podsOf, render } from './render.ts';

/** The variables of the container that migrates, as far as they are plain. */
function plainEnv(set: Record<string, unknown>, file: string): Record<string, string> {
  const [pod] = podsOf([one(render(given(file, set)), 'CronJob', '-sync')]);
  const env = pod?.spec.containers[0]?.env ?? [];
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

describe.skipIf(!canRender)('the database of the values (skipped where there is no helm)', () => {
  test('by its parts: signs in the user and the database’s name arrive, and the password comes apart', async () => {
    const { url, drop } = await emptyDatabase();
    const { hostname, port, pathname } = new URL(url);
    const user = 'lcm+sync@example/1';
    const password = 'p@ss:w/rd %41+';
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(`create role "${user}" login password '${password}'`);
      await client.query(`grant create on database "${pathname.slice(1)}" to "${user}"`);
      const parts = {
        host: hostname,
        port: Number(port),
        name: pathname.slice(1),
        user,
        sslMode: 'disable',
        existingSecret: 'db',
      };
      const env = plainEnv(
        Object.fromEntries(Object.entries(parts).map(([key, value]) => [`database.${key}`, value])),
        'production-values.yaml',
      );
      const { DATABASE_URL = '' } = env;
      expect(DATABASE_URL).not.toContain(password);
      expect((await runService('migrate', { DATABASE_URL, PGPASSWORD: 'wrong' })).code).toBe(77);
      const { code, output } = await runService('migrate', { DATABASE_URL, PGPASSWORD: password });
      expect([code, output]).toEqual([0, expect.stringContaining('applied')]);
    } finally {
      await client.query(`drop owned by "${user}" cascade`);
      await client.query(`drop role "${user}"`);
      await client.end();
      await drop();
    }
  });

  test('the chart’s own Postgres: signs in its password arrive', () => {
    const { stringData } = JSON.parse(JSON.stringify(one(render(given('everything-values.yaml')), 'Secret')));
    const url = new URL(stringData['database-url']);
    expect(decodeURIComponent(url.password)).toBe('p@ss word/%');
    expect(stringData['postgresql-password']).toBe('p@ss word/%');
    expect(url.hostname).toBe(one(render(given('everything-values.yaml')), 'Service', '-postgresql').metadata.name);
  });
});
