import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { MIGRATIONS } from '../../migrations/index.ts';
import { openDatabase } from '../../services/shared/store/database.ts';
import { grantRights } from '../../services/shared/store/rights.ts';
import { TABLES } from '../../services/shared/store/schema.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { type Ended, runService, type ServiceName, sandboxEnvironment, startService } from '../services.ts';
import { emptyDatabase, SCHEMA } from './database.ts';
import { databaseOfTwoRoles, type TwoRoles, urlOf } from './roles.ts';

const sandbox = await startSandbox({ chats: 120 });
const roles = await databaseOfTwoRoles();
const { as, worker } = roles;
afterAll(async () => {
  await sandbox.close();
  await roles.drop();
});

const env = {
  ...sandboxEnvironment(sandbox, roles.urls.worker),
  SYNC_FROM: '2020-01-01T00:00:00Z',
  SYNC_SETTLE: '0s',
  DIGEST_HEARTBEAT: 'true',
};
const run = (service: ServiceName, args: readonly string[] = [], more: Record<string, string> = {}): Promise<Ended> =>
  runService(service, { ...env, ...more }, args);

function migrate(grantTo: string | undefined = worker, { urls }: TwoRoles = roles): Promise<Ended> {
  return runService('migrate', { DATABASE_URL: urls.owner, ...(grantTo ? { DATABASE_GRANT_TO: grantTo } : {}) });
}

/** The sentence with which a process ended. */
const lastWords = ({ lines }: Ended) => lines.at(-1)?.msg;

describe('where migrate connects as another user than the programs', () => {
  test('without a grant each program ends with 78 and one sentence that says what to do', async () => {
    expect((await migrate('')).code).toBe(0);
    const says = `The user in DATABASE_URL lacks rights on the schema "${SCHEMA}" (usage of it; select, insert, update, delete on chat_thread, counter, digest and 14 other tables; select on kysely_migration): let migrate grant them, with this user’s name in DATABASE_GRANT_TO (in the chart: migrations.grantTo).`;
    for (const service of ['sync', 'digest'] as const) {
      const ended = await run(service);
      expect([ended.code, lastWords(ended)]).toEqual([78, says]);
    }
    const { code, output } = await run('doctor');
    expect(code).toBe(78);
    expect(output).toContain(`\nFAIL  schema      ${says}\n--    livechat`);
    expect(sandbox.marketo.calls()).toEqual([]);
    await whileServing(async (get) => {
      expect(await get('/readyz')).toEqual([503, expect.stringContaining('migrations.grantTo')]);
      expect(await get('/api/v1/runs')).toEqual([503, expect.stringContaining('migrations.grantTo')]);
      expect(await get('/')).toEqual([200, expect.stringContaining('migrations.grantTo')]);
      expect(await get('/metrics')).toEqual([200, expect.stringContaining('lcm_database_up 0')]);
    });
  });

  describe('once it is granted, also where there is nothing to migrate,', () => {
    beforeAll(async () => {
      const ended = await migrate();
      expect([ended.code, lastWords(ended)]).toEqual([0, 'the schema was up to date']);
    });

    test('the whole product works: doctor, sync, digest, retention, forgetting, replay, status', async () => {
      expect(await run('doctor')).toMatchObject({ code: 0, output: expect.not.stringContaining('FAIL') });
      expect(await run('sync', ['--dry-run'])).toMatchObject({ code: 0 });
      expect(await run('sync')).toMatchObject({ code: 0 });
      expect(sandbox.marketo.leads().length).toBeGreaterThan(30);
      sandbox.addChats(5);
      expect(await run('sync')).toMatchObject({ code: 0 });
      expect(await run('sync', ['--audit', new Date().toISOString().slice(0, 10)])).toMatchObject({ code: 0 });
      // What is old enough to be taken away, of every kind.
      await as('owner', `set search_path = ${SCHEMA}`, ...OLD_ROWS);
      const digest = await run('digest');
      expect(digest.output).toContain(
        '"erasedVisitors":3,"deletedErrors":1,"deletedChanges":1,"deletedCalls":1,"deletedRuns":1,"deletedDigests":1',
      );
      expect(digest.code).toBe(0);
      expect(sandbox.mailbox.messages()).toHaveLength(1);
      const { rows } = await as(
        'worker',
        `select email from ${SCHEMA}.chat_thread where state = 'synced' and email is not null limit 1`,
      );
      const forgotten = await run('digest', ['--forget', rows[0].email]);
      expect([forgotten.code, lastWords(forgotten)]).toEqual([
        0,
        expect.stringMatching(/^forgotten; rows cleared or removed: .*[1-9]/),
      ]);
      for (const args of [['--replay-dead'], ['--dismiss-dead']])
        expect(await run('sync', args)).toMatchObject({ code: 0 });
      await whileServing(async (get) => {
        for (const path of [
          '/readyz',
          '/',
          '/runs',
          '/errors',
          '/dead',
          '/calls',
          '/api/v1/status',
          '/api/v1/runs',
          '/api/v1/calls',
        ]) {
          expect([path, (await get(path))[0]]).toEqual([path, 200]);
        }
        expect((await get('/metrics'))[1]).toContain('lcm_database_up 1');
        for (const action of ['replay', 'dismiss']) {
          expect(await get(`/api/v1/dead/${action}`, { all: true })).toEqual([200, expect.any(String)]);
        }
      });
    });

    test('the programs’ user can create, change and remove no table, and everybody else can do nothing', async () => {
      for (const statement of [
        `create table ${SCHEMA}.mine (a int)`,
        `create schema mine`,
        `create view ${SCHEMA}.mine as select 1`,
        `create function ${SCHEMA}.mine() returns int language sql as 'select 1'`,
        `drop table ${SCHEMA}.look`,
        `drop schema ${SCHEMA} cascade`,
        `alter table ${SCHEMA}.look add column mine int`,
        `alter schema ${SCHEMA} rename to mine`,
        `truncate ${SCHEMA}.look`,
        `create index on ${SCHEMA}.look (due_at)`,
        `create trigger mine after insert on ${SCHEMA}.look execute function suppress_redundant_updates_trigger()`,
        `grant select on ${SCHEMA}.look to public`,
        `select setval('${SCHEMA}.run_id_seq', 1)`,
        `insert into ${SCHEMA}.kysely_migration values ('0000', '')`,
        `delete from ${SCHEMA}.kysely_migration`,
        `update ${SCHEMA}.kysely_migration_lock set is_locked = 1`,
      ]) {
        // A grant of what one cannot give on is a mere warning where one may read the table: looked at below.
        const outcome = await as('worker', statement).then(
          () => 'done',
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
        );
        expect([statement, outcome]).toEqual([statement, statement.startsWith('grant') ? 'done' : '42501']);
      }
      const given = await grants();
      expect(given).toEqual(
        [
          ...TABLES.flatMap((table) => ['DELETE', 'INSERT', 'SELECT', 'UPDATE'].map((right) => `${table} ${right}`)),
          'kysely_migration SELECT',
          `${SCHEMA} USAGE`,
        ]
          .map((right) => `${worker}: ${right}`)
          .sort(),
      );
    });

    test('a right that somebody took away stops a run before its first call, and the next migrate gives it back', async () => {
      await as('owner', `revoke insert on ${SCHEMA}.lead_change from ${quoted(worker)}`);
      const calls = sandbox.marketo.calls().length;
      const ended = await run('sync');
      expect([ended.code, lastWords(ended)]).toEqual([78, expect.stringContaining('(insert on lead_change)')]);
      expect(sandbox.marketo.calls()).toHaveLength(calls);
      expect((await migrate()).code).toBe(0);
      expect(await run('sync')).toMatchObject({ code: 0 });
    });

    test('done again it touches nothing: no row of the catalogue is written', async () => {
      const versions = () =>
        as(
          'admin',
          `select relname, xmin::text, relacl::text from pg_class where relnamespace = '${SCHEMA}'::regnamespace and relkind = 'r' order by 1`,
        );
      const before = (await versions()).rows;
      expect((await migrate()).code).toBe(0);
      expect((await versions()).rows).toEqual(before);
    });
  });

  test('every table is in the list of those that are granted, no sequence needs a right, and there are no functions', async () => {
    const { rows } = await as(
      'admin',
      `select relname, relkind, exists (
         select from pg_depend where objid = pg_class.oid and deptype = 'i' and refobjsubid > 0
       ) as "isOfIdentity"
       from pg_class where relnamespace = '${SCHEMA}'::regnamespace and relkind not in ('i', 'r')`,
    );
    // An identity column draws its numbers with the right to insert; a serial column would want one on its sequence.
    expect(rows.filter(({ relkind, isOfIdentity }) => relkind !== 'S' || !isOfIdentity)).toEqual([]);
    expect(rows.length).toBeGreaterThan(3);
    const tables = await as(
      'admin',
      `select tablename from pg_tables where schemaname = '${SCHEMA}' and tablename not like 'kysely%'`,
    );
    expect(tables.rows.map(({ tablename }) => tablename).sort()).toEqual([...TABLES].sort());
    expect((await as('admin', `select from pg_proc where pronamespace = '${SCHEMA}'::regnamespace`)).rowCount).toBe(0);
  });
});

test('a table that a later release adds is granted with its migration; until then a run says what it waits for', async () => {
  const fresh = await ownRoles();
  const earlier = Object.entries(MIGRATIONS).filter(([name]) => name < '0007');
  const db = await openDatabase(fresh.urls.owner, SCHEMA);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(earlier) },
    migrationTableSchema: SCHEMA,
  });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
  await db.transaction().execute((transaction) => grantRights(transaction, SCHEMA, fresh.worker));
  await db.destroy();

  const early = await run('sync', [], { DATABASE_URL: fresh.urls.worker });
  expect([early.code, lastWords(early)]).toEqual([
    78,
    expect.stringMatching(/lacks .*0007_looks.*: run migrate first\.$/),
  ]);
  expect((await migrate(fresh.worker, fresh)).output).toContain('applied 0007_looks');
  expect(await grants(fresh)).toContain(`${fresh.worker}: look DELETE`);
  expect(await run('sync', [], { DATABASE_URL: fresh.urls.worker })).toMatchObject({ code: 0 });
});

test('the runbook’s statements set it up, and make two users of one', async () => {
  const runbook = readFileSync('docs/runbook.md', 'utf8');
  const [, setUp = ''] = /```sql\n(create role lcm_owner .*?)```/s.exec(runbook) ?? [];
  const reassign = /`(reassign\sowned by lcm to lcm_owner)`/.exec(runbook)?.[1] ?? '';
  const suffix = randomBytes(4).toString('hex');
  const named = (text: string) =>
    text.replace(/\blcm(?:_owner)?\b/g, (role) => `${role}_${suffix}`).replaceAll('…', suffix);
  const { url, drop } = await emptyDatabase();
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  onTestFinished(async () => {
    await admin.query(named('drop owned by lcm, lcm_owner cascade'));
    await admin.query(named('drop role lcm, lcm_owner'));
    await admin.end();
    await drop();
  });
  const urlAs = (role: string) => urlOf(url, named(role), suffix);
  const migrateAndWork = async () => {
    const DATABASE_GRANT_TO = named('lcm');
    const migrated = await runService('migrate', { DATABASE_URL: urlAs('lcm_owner'), DATABASE_GRANT_TO });
    expect([migrated.code, migrated.output]).toEqual([0, expect.any(String)]);
    expect(await run('doctor', [], { DATABASE_URL: urlAs('lcm') })).toMatchObject({ code: 0 });
  };

  await admin.query(named(setUp));
  await migrateAndWork();

  await admin.query(named(`drop schema ${SCHEMA} cascade; create schema ${SCHEMA} authorization lcm`));
  expect(await runService('migrate', { DATABASE_URL: urlAs('lcm') })).toMatchObject({ code: 0 });
  await admin.query(named(reassign));
  expect(await run('doctor', [], { DATABASE_URL: urlAs('lcm') })).toMatchObject({ code: 78 });
  await migrateAndWork();
});

describe('a grant that cannot be', () => {
  test.each(['nobody"; drop schema public; --', 'public', 'PUBLIC', 'current_user'])(
    'to %s, which is no role: 78, one sentence, and nothing is done',
    async (name) => {
      const fresh = await ownRoles();
      const ended = await migrate(name, fresh);
      expect([ended.code, lastWords(ended)]).toEqual([
        78,
        `DATABASE_GRANT_TO names ${JSON.stringify(name)}, and Postgres has no such role: create it, or correct the name.`,
      ]);
      expect((await fresh.as('admin', `select from pg_namespace where nspname = '${SCHEMA}'`)).rowCount).toBe(0);
    },
  );

  test('by a user that owns neither schema nor tables: 78, one sentence, and nothing is done', async () => {
    const fresh = await ownRoles();
    const { username } = new URL(fresh.urls.owner);
    await fresh.as('admin', `create schema ${SCHEMA}`, `grant usage on schema ${SCHEMA} to "${username}"`);
    const without = await migrate(fresh.worker, fresh);
    expect([without.code, lastWords(without)]).toEqual([
      78,
      `The user that migrates may not create tables in the schema "${SCHEMA}": make it the schema’s owner.`,
    ]);
    await fresh.as('admin', `grant create on schema ${SCHEMA} to "${username}"`);
    const half = await migrate(fresh.worker, fresh);
    expect([half.code, lastWords(half)]).toEqual([
      78,
      `The user that migrates cannot give ${JSON.stringify(fresh.worker)} its rights (usage of it): make it the owner of the schema "${SCHEMA}" and of the tables in it.`,
    ]);
    expect((await fresh.as('admin', `select from pg_tables where schemaname = '${SCHEMA}'`)).rowCount).toBe(0);
    await fresh.as('admin', `alter schema ${SCHEMA} owner to "${username}"`);
    expect((await migrate(fresh.worker, fresh)).code).toBe(0);
    // Somebody else's tables, as after a change of the migrating user.
    await fresh.as(
      'admin',
      `alter table ${SCHEMA}.look owner to current_user`,
      `revoke all on ${SCHEMA}.look from ${quoted(fresh.worker)}`,
    );
    const foreign = await migrate(fresh.worker, fresh);
    expect([foreign.code, lastWords(foreign)]).toEqual([
      78,
      expect.stringMatching(
        /^The user that migrates may not do this \(permission denied for table look\): make it the owner/,
      ),
    ]);
  });

  test('by a user that may not create a schema: 78 and one sentence', async () => {
    const fresh = await ownRoles();
    const ended = await runService('migrate', { DATABASE_URL: fresh.urls.worker });
    expect([ended.code, lastWords(ended)]).toEqual([
      78,
      expect.stringMatching(
        /^The user that migrates may not do this \(permission denied for database [^)]+\): .* let it create one\.$/,
      ),
    ]);
  });

  test('to the user that migrates itself is none: it has all rights', async () => {
    const fresh = await ownRoles();
    const { username } = new URL(fresh.urls.owner);
    expect((await migrate(username, fresh)).code).toBe(0);
    const acls = await fresh.as(
      'admin',
      `select from pg_class where relnamespace = '${SCHEMA}'::regnamespace and relacl is not null`,
    );
    expect(acls.rowCount).toBe(0);
  });
});

/** Rights on schema, tables and sequences that somebody has who does not own them, as `role: object right`. */
async function grants({ as } = roles): Promise<string[]> {
  const { rows } = await as(
    'admin',
    `with given as (
       select relname::text as name, relowner as owner, acl.* from pg_class, aclexplode(relacl) acl
         where relnamespace = '${SCHEMA}'::regnamespace
       union all
       select nspname::text, nspowner, acl.* from pg_namespace, aclexplode(nspacl) acl where nspname = '${SCHEMA}'
     )
     select coalesce(rolname, 'everybody') || ': ' || name || ' ' || privilege_type as line
     from given left join pg_roles on pg_roles.oid = grantee where grantee <> owner order by 1`,
  );
  return rows.map(({ line }) => String(line)).sort();
}

async function ownRoles(): Promise<TwoRoles> {
  const fresh = await databaseOfTwoRoles();
  onTestFinished(fresh.drop);
  return fresh;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Older than any retention: a visitor's thread, an audit trail, an error that a digest carried, a call, a run. */
const OLD_ROWS = [
  `update chat_thread set updated_at = '2020-01-01', ended_at = '2020-01-01' where state = 'synced' and thread_id in (select thread_id from chat_thread where state = 'synced' limit 3)`,
  `update lead_change set at = '2020-01-01' where id in (select min(id) from lead_change)`,
  `update marketo_call set sent_at = '2020-01-01' where id in (select min(id) from marketo_call)`,
  `insert into digest (local_date, state, message_id, recipients, error_count, mail, created_at, sent_at)
     values ('2020-01-01', 'sent', '<1@x>', '[]', 1, '{}', '2020-01-01', '2020-01-01')`,
  `insert into sync_error (stage, code, subject, message, fingerprint, digest_id, at)
     select 'deliver', 'lead-refused', '1003', 'Old.', 'f', id, '2020-01-01' from digest`,
  `insert into run (job, trigger, started_at, heartbeat_at, finished_at, outcome)
     values ('sync', 'manual', '2020-01-01', '2020-01-01', '2020-01-01', 'failed')`,
];

const TOKEN = 'two-roles-status-token';

/** Serves the page as the worker; `get` answers with status and body, and posts where a body is given. */
async function whileServing(
  body: (get: (path: string, post?: object) => Promise<[number, string]>) => Promise<void>,
): Promise<void> {
  let listening: (address: string) => void = () => {};
  const address = new Promise<string>((resolve) => (listening = resolve));
  const service = startService(
    'status',
    { DATABASE_URL: roles.urls.worker, STATUS_HOST: '127.0.0.1', STATUS_PORT: '0', STATUS_TOKEN: TOKEN },
    [],
    ({ msg }) => {
      const [, found] = /^listening on (\S+)$/.exec(msg) ?? [];
      if (found) listening(found);
    },
  );
  try {
    const at = await Promise.race([address, service.ended.then(({ output }) => Promise.reject(new Error(output)))]);
    await body(async (path, post) => {
      const headers = { authorization: `Bearer ${TOKEN}`, ...(post ? { 'content-type': 'application/json' } : {}) };
      const answer = await fetch(
        `${at}${path}`,
        post ? { method: 'POST', headers, body: JSON.stringify(post) } : { headers },
      );
      return [answer.status, await answer.text()];
    });
  } finally {
    service.kill('SIGTERM');
    await service.ended;
  }
}
