import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { emptyDatabase, SCHEMA } from '../postgres/database.ts';
import { databaseOfTwoRoles } from '../postgres/roles.ts';
import { runService } from '../services.ts';
import {
  type Container,
  canRender,
  containerOf,
  given,
  type KubeObject,
  one,
  podsOf,
  render,
  secretData,
} from './render.ts';

const PRODUCTION = 'production-values.yaml';

/** What a client of Postgres sends first where it wants TLS. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const SSL_REQUEST = 80_877_103;

describe.skipIf(!canRender)('the database of the values (skipped where there is no helm)', () => {
  test('by its parts: signs in the user and the database’s name arrive, and the password comes apart', async () => {
    const { url, drop } = await emptyDatabase();
    onTestFinished(drop);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    const suffix = randomBytes(4).toString('hex');
    const user = `lcm+sync@example/1 ${suffix}`;
    const name = `cust@mer: "dätä" + 5%40,;&=$ ${suffix}`;
    const password = 'p@ss:w/rd %41+';
    await admin.query(`create role "${user}" login password '${password}'`);
    await admin.query(`create database ${pg.escapeIdentifier(name)} owner "${user}"`);
    onTestFinished(async () => {
      await admin.query(`drop database ${pg.escapeIdentifier(name)} with (force)`);
      await admin.query(`drop role "${user}"`);
      await admin.end();
    });
    const { DATABASE_URL = '' } = plainEnv(partsOf(url, { user, name }));
    expect(DATABASE_URL).not.toContain(password);
    expect((await runService('migrate', { DATABASE_URL, PGPASSWORD: 'wrong' })).code).toBe(77);
    const { code, output } = await runService('migrate', { DATABASE_URL, PGPASSWORD: password });
    expect([code, output]).toEqual([0, expect.stringContaining('applied')]);
  });

  test.each([
    ['db.example.com', 'db.example.com'],
    ['10.0.0.7', '10.0.0.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
  ])('by its parts: the host %s is what Postgres’ client connects to', (host, expected) => {
    const parts = { host, port: 6432, name: 'n', user: 'u', existingSecret: 'db' };
    const { DATABASE_URL = '' } = plainEnv(set('database', parts));
    const client = new pg.Client({ connectionString: DATABASE_URL });
    expect([client.host, client.port, client.user, client.database]).toEqual([expected, 6432, 'u', 'n']);
  });

  test('by a Secret’s URL that says nothing of TLS: production values have it asked for, and nothing goes without', async () => {
    const asked: number[] = [];
    // A Postgres as far as its first word: what the client asks for first, and that there is no TLS.
    const server = createServer((socket) =>
      socket
        .on('error', () => {})
        .once('data', (packet) => {
          asked.push(Buffer.from(packet).readInt32BE(4));
          socket.end('N');
        }),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const DATABASE_URL = `postgresql://app:password@127.0.0.1:${port}/app`;
    const objects = render(given(PRODUCTION));
    const { PGSSLMODE = '' } = plain(containerOf(objects, 'CronJob', '-sync'));
    const { code, output } = await runService('migrate', { DATABASE_URL, PGSSLMODE });
    expect([code, output]).toEqual([78, expect.stringContaining('does not offer TLS')]);
    expect(new Set(asked)).toEqual(new Set([SSL_REQUEST]));
    for (const { owner, spec } of podsOf(objects)) {
      for (const each of [...spec.initContainers, ...spec.containers]) {
        expect([owner.kind, plain(each)]).toEqual([owner.kind, expect.objectContaining({ PGSSLMODE: 'verify-full' })]);
        // The authority's certificate is where Node looks for it, and its key is not.
        const { NODE_EXTRA_CA_CERTS = '' } = plain(each);
        const mount = each.volumeMounts.find(({ mountPath }) => mountPath === dirname(NODE_EXTRA_CA_CERTS));
        expect(spec.volumes.find(({ name }) => name === mount?.name)).toMatchObject({
          secret: { secretName: 'lcm-db-ca', items: [{ key: 'ca.crt', path: basename(NODE_EXTRA_CA_CERTS) }] },
        });
      }
    }
  });

  test('the chart’s own Postgres: signs in its password arrive', () => {
    const secret = secretData(one(render(given('everything-values.yaml')), 'Secret'));
    const url = new URL(secret['database-url'] ?? '');
    expect(decodeURIComponent(url.password)).toBe('p@ss word/%');
    expect(secret['postgresql-password']).toBe('p@ss word/%');
    expect(url.hostname).toBe(one(render(given('everything-values.yaml')), 'Service', '-postgresql').metadata.name);
  });

  test('the chart’s own Postgres: a volume may come, grow, go and come back, and no upgrade is refused for it', () => {
    const statefulSet = (values: object) =>
      one(render(given('try-out-values.yaml', set('postgresql', values))), 'StatefulSet');
    // All that Kubernetes lets be changed of one, and what it is known by.
    const { template, ...fixed } = z.looseObject({ template: z.unknown() }).parse(statefulSet({})['spec']);
    expect(Object.keys(fixed).sort()).toEqual(['replicas', 'selector', 'serviceName']);
    for (const persistence of [{ enabled: true }, { enabled: true, size: '2Gi' }]) {
      const { template: other, ...alike } = z
        .looseObject({ template: z.unknown() })
        .parse(statefulSet({ persistence })['spec']);
      expect(alike).toEqual(fixed);
      expect(other).not.toEqual(template);
    }
    const kept = render(given('everything-values.yaml')).filter(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(kept.map(({ metadata }) => metadata.annotations)).toEqual([{ 'helm.sh/resource-policy': 'keep' }]);
  });
});

describe.skipIf(!canRender)('a user of its own for migrations (skipped where there is no helm)', () => {
  test('makes the tables in its hook, and the programs’ user, known from database.user, may work with them', async () => {
    const { urls, worker, as, drop } = await databaseOfTwoRoles();
    onTestFinished(drop);
    const values = {
      ...partsOf(urls.worker, { user: worker }),
      'migrations.existingSecret': 'owner',
      'migrations.mode': 'hook',
    };
    const objects = render(given(PRODUCTION, values));
    const { code, output } = await runService('migrate', {
      ...plain(containerOf(objects, 'Job')),
      // These values ask for TLS, which the Postgres of the tests does not have.
      DATABASE_URL: `${urls.owner}?sslmode=disable`,
    });
    expect([code, output]).toEqual([0, expect.stringContaining('applied')]);
    const { password } = new URL(urls.worker);
    const ended = await runService('digest', {
      ...plain(containerOf(objects, 'CronJob', '-digest')),
      PGPASSWORD: decodeURIComponent(password),
      SMTP_URL: 'smtp://127.0.0.1:1',
    });
    expect([ended.code, ended.output]).toEqual([0, expect.any(String)]);
    expect((await as('worker', `select from ${SCHEMA}.run where outcome = 'done'`)).rowCount).toBe(1);
  });

  test('is nowhere but in its hook, nor is its Secret in the doctor’s pod, which migrates nothing', () => {
    const secret = { 'migrations.existingSecret': 'owner-only', 'migrations.grantTo': 'the "worker"' };
    const having = (objects: KubeObject[]) =>
      objects
        .filter((object) => JSON.stringify(object).includes('owner-only'))
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const hook = render(given(PRODUCTION, { ...secret, 'migrations.mode': 'hook' }));
    expect(having(hook)).toEqual([expect.stringMatching(/^Job lcm-livechat-marketo-sync-migrate(-|$)/)]);
    expect(plain(containerOf(hook, 'Job'))['DATABASE_GRANT_TO']).toBe('the "worker"');
    const inPods = render(given(PRODUCTION, secret));
    expect(
      having(inPods)
        .map((name) => name.replace(/ .*-/, ' '))
        .sort(),
    ).toEqual(['CronJob digest', 'CronJob sync', 'Deployment status']);
    const [doctor] = podsOf([one(inPods, 'Pod')]);
    expect(doctor?.spec.initContainers).toEqual([]);
    expect(doctor?.spec.containers.map(plain)).toEqual([expect.objectContaining({ DATABASE_WAIT: '2m' })]);
    for (const { spec } of podsOf(inPods).filter(({ owner }) => owner.kind !== 'Pod')) {
      for (const container of spec.containers) expect(JSON.stringify(container)).not.toContain('owner-only');
    }
  });

  test('the name in migrations.grantTo comes before that in database.user; without such a user, nobody is named', () => {
    const parts = {
      ...set('database', { host: 'db', name: 'n', user: 'u', existingSecret: 'db' }),
      'migrations.mode': 'hook',
    };
    const owner = { 'migrations.existingSecret': 'owner' };
    const named = (more: object) =>
      plain(containerOf(render(given(PRODUCTION, { ...parts, ...more })), 'Job'))['DATABASE_GRANT_TO'];
    expect(named(owner)).toBe('u');
    expect(named({ ...owner, 'migrations.grantTo': 'group' })).toBe('group');
    expect(named({})).toBeUndefined();
  });
});

function set(path: string, values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${path}.${key}`, value]));
}

/** Values for the database at this address, by its parts. */
function partsOf(url: string, parts: { user: string; name?: string }): Record<string, unknown> {
  const { hostname, port, pathname } = new URL(url);
  const rest = {
    host: hostname,
    port: Number(port),
    name: pathname.slice(1),
    sslMode: 'disable',
    existingSecret: 'db',
  };
  return set('database', { ...rest, ...parts });
}

/** The variables of a container that are plain. */
function plain({ env }: Container): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

function plainEnv(values: Record<string, unknown>): Record<string, string> {
  return plain(containerOf(render(given(PRODUCTION, values)), 'CronJob', '-sync'));
}
