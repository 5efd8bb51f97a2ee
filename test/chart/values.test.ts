import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readmeOf, valuesOf } from '../../scripts/chart-doc.ts';
import { SETTINGS, type SettingName } from '../../services/shared/runtime/config.ts';
import { MIGRATION_DEADLINE } from '../../services/shared/store/migrate.ts';
import { fixedParts } from './fixed-parts.ts';
import { hasLabels } from './reach.ts';
import { CASES, CHART, canRender, given, helm, type KubeObject, one, podsOf, render } from './render.ts';

const PRODUCTION = 'production-values.yaml';

/** As much of a JSON schema as is looked at here. */
const jsonSchema = z.object({
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), jsonSchema).optional();
  },
});
type JsonSchema = z.infer<typeof jsonSchema>;

/** Values that contradict each other or lack each other, on top of a case, and what is said about them. */
const REFUSED: [string, Record<string, unknown>, RegExp][] = [
  [PRODUCTION, { 'database.existingSecret': '' }, /There is no database/],
  [PRODUCTION, { 'database.url': 'postgres://u@h/n' }, /several databases, database\.url and database\.existingSecret/],
  [PRODUCTION, { 'postgresql.enabled': true }, /several databases.*postgresql\.enabled/],
  [PRODUCTION, { 'database.host': 'db' }, /database\.host needs database\.name/],
  [PRODUCTION, { 'database.name': 'n' }, /database\.name is a part that goes with database\.host, which is not set/],
  [PRODUCTION, { 'database.user': 'u' }, /database\.user is a part/],
  [PRODUCTION, { 'database.port': 6432 }, /database\.port is a part/],
  [PRODUCTION, { 'database.sslMode': 'disable' }, /database\.sslMode is a part/],
  [PRODUCTION, { 'postgresql.enabled': true }, /needs postgresql\.password/],
  [PRODUCTION, { 'livechat.pat': 'x' }, /LiveChat’s token is given twice/],
  [PRODUCTION, { 'livechat.existingSecret': '' }, /personal access token is missing/],
  [PRODUCTION, { 'livechat.accountId': '' }, /account id is missing/],
  [PRODUCTION, { 'livechat.secretKeys.accountId': 'id' }, /account id is given twice/],
  [PRODUCTION, { 'marketo.clientSecret': 'x' }, /client secret is given twice/],
  [PRODUCTION, { 'marketo.existingSecret': '' }, /client secret is missing/],
  [PRODUCTION, { 'marketo.endpoint': '' }, /endpoint is missing/],
  [PRODUCTION, { 'marketo.endpoint': 'https://x.example/rest/v1' }, /v1\) says more than the programs take/],
  [PRODUCTION, { 'marketo.endpoint': 'https://u:p@x.example' }, /marketo\.endpoint has a user or a password in it: /],
  [PRODUCTION, { 'livechat.endpoint': 'https://u:p@x.example' }, /livechat\.endpoint has a user or a password/],
  [PRODUCTION, { 'marketo.clientId': '' }, /client id is missing/],
  [PRODUCTION, { 'marketo.secretKeys.clientId': 'id' }, /client id is given twice/],
  [PRODUCTION, { 'smtp.url': 'smtp://h' }, /mail server is given twice/],
  [PRODUCTION, { 'smtp.existingSecret': '' }, /digest needs a mail server/],
  [PRODUCTION, { 'digest.to': [] }, /a sender and somebody who reads it/],
  [PRODUCTION, { 'sandbox.enabled': true }, /beside real ones: set postgresql\.enabled/],
  [PRODUCTION, { 'sandbox.enabled': true }, /sandbox\.enabled stands in .* livechat names a real one/],
  [
    PRODUCTION,
    { 'sync.activeDeadlineSeconds': 3600 },
    /sync\.activeDeadlineSeconds \(3600\) is not less than what lies between .* \(7 \* \* \* \*\), 1h at the least/,
  ],
  [
    PRODUCTION,
    { 'sync.schedule': '0,30 * * * *' },
    /sync\.activeDeadlineSeconds \(3000\) is not less .* 30m at the least/,
  ],
  [PRODUCTION, { 'digest.schedule': '*/20 * * * *' }, /digest\.activeDeadlineSeconds \(1800\) is not less .* 20m at/],
  [PRODUCTION, { 'sync.interval': '30m' }, /sync\.interval \(30m\) is not what sync\.schedule .*, 1h between two runs/],
  [PRODUCTION, { 'sync.schedule': '7 8-18 * * mon-fri', 'sync.interval': '1h' }, /, 62h between two runs at the most/],
  [PRODUCTION, { 'sync.schedule': '7 1 1 * *' }, /goes by days of the month: say in sync\.interval/],
  [
    PRODUCTION,
    { 'sync.schedule': '7 1 1 * *', 'sync.interval': '1h' },
    /sync\.interval \(1h\) is less .* 1d at the least/,
  ],
  [
    PRODUCTION,
    { 'sync.schedule': '7 24 * * *' },
    /sync\.schedule \(7 24 \* \* \*\) is no schedule of fixed times: minute, hour/,
  ],
  [PRODUCTION, { 'digest.schedule': '5 7 * * 7' }, /digest\.schedule \(5 7 \* \* 7\) is no schedule/],
  [PRODUCTION, { 'digest.schedule': '@every 1h' }, /digest\.schedule \(@every 1h\) is no schedule of fixed times/],
  [PRODUCTION, { 'digest.timeZone': 'Mars' }, /digest\.timeZone \(Mars\) is no time zone of the IANA list/],
  [PRODUCTION, { 'sync.timeZone': 'europe/berlin' }, /sync\.timeZone \(europe\/berlin\) is no time zone/],
  [PRODUCTION, { 'sync.from': '2026-02-31T00:00:00Z' }, /sync\.from \(2026-02-31T\S+\) is no day of the calendar/],
  [PRODUCTION, { 'sync.from': '2025-02-29T00:00:00Z' }, /sync\.from .* is no day of the calendar/],
  [
    PRODUCTION,
    { 'sync.patience': '50m' },
    /sync\.patience \(50m\) is not less than sync\.activeDeadlineSeconds \(3000\)/,
  ],
  ['try-out-values.yaml', { 'sync.patience': '1m' }, /sync\.patience \(1m\) is not less .* \(55\)/],
  [PRODUCTION, { 'sync.overlap': '9999d' }, /sync\.overlap \(9999d\) is more than 3650d/],
  [PRODUCTION, { 'marketo.pace': '87601h' }, /marketo\.pace \(87601h\) is more than 3650d/],
  [PRODUCTION, { 'marketo.readTimeout': '5256001m' }, /marketo\.readTimeout \(5256001m\) is more than 3650d/],
  [PRODUCTION, { 'digest.retention.runs': '3651d' }, /digest\.retention\.runs \(3651d\) is more than 3650d/],
  [PRODUCTION, { 'digest.schedule': 'CRON_TZ=UTC 7 * * *' }, /say it in digest\.timeZone/],
  ['try-out-values.yaml', { 'migrations.mode': 'hook' }, /hook runs before anything of the chart/],
  ['inline-secrets-values.yaml', { 'migrations.mode': 'hook' }, /hook runs before the chart’s Secret/],
  [PRODUCTION, { 'migrations.mode': 'none', 'migrations.existingSecret': 'x' }, /migrations\.mode=none makes none/],
  ['try-out-values.yaml', { 'migrations.existingSecret': 'x' }, /another database than postgresql\.enabled/],
  [PRODUCTION, { 'migrations.existingSecret': 'x' }, /name the latter in migrations\.grantTo/],
  [
    PRODUCTION,
    { 'migrations.grantTo': 'x' },
    /migrations\.grantTo is for the user of migrations\.existingSecret, which is not set/,
  ],
  [PRODUCTION, { 'status.token': 'x' }, /token is given twice/],
  [PRODUCTION, { 'status.cluster': { runNow: true, enabled: false } }, /runNow needs status\.cluster\.enabled/],
  ['try-out-values.yaml', { 'status.cluster.runNow': true }, /runNow needs a token/],
  [PRODUCTION, { 'serviceAccount.create': false }, /namespace’s default account/],
  [PRODUCTION, { serviceAccount: { name: 'a', statusName: 'a' } }, /would have one account, a, and so the jobs/],
  [PRODUCTION, { 'serviceAccount.name': 'lcm-livechat-marketo-sync-status' }, /would have one account, lcm-livechat/],
  [PRODUCTION, { serviceAccount: { create: false, statusName: 'default' } }, /would have one account, default/],
  [PRODUCTION, { podLabels: { 'app.kubernetes.io/component': 'x' } }, /podLabels sets app\.kubernetes\.io\/component/],
  [PRODUCTION, { podLabels: { 'app.kubernetes.io/instance': 'x' } }, /podLabels sets app\.kubernetes\.io\/instance/],
  [PRODUCTION, { fullnameOverride: '1abc' }, /would be called 1abc; a Service’s name begins with a letter/],
  [PRODUCTION, { 'status.podDisruptionBudget.enabled': true }, /for two replicas and more/],
  [PRODUCTION, { 'status.enabled': false }, /metrics\.serviceMonitor needs the status service/],
  [PRODUCTION, { 'metrics.runbookUrl': '' }, /Alerts need metrics\.runbookUrl/],
  [PRODUCTION, { 'grafana.alerts.enabled': true }, /needs grafana\.alerts\.datasourceUid/],
  [PRODUCTION, { rules: 'version: 2\nfields: [{}]\n' }, /rules\.version is not 1/],
  [PRODUCTION, { rules: 'version: 1\nfields: []\n' }, /rules\.fields is empty/],
  [PRODUCTION, { rules: 'version: 1\nfields: [{}]\nfeilds: []\n' }, /rules has feilds/],
  [PRODUCTION, { rules: 'version: [' }, /rules is no YAML/],
  [PRODUCTION, { extraEnv: [{ name: 'SYNC_OVERLAP', value: '1h' }] }, /extraEnv sets SYNC_OVERLAP/],
];

/** Values whose guards and the programs' own must be of one mind, and texts on both sides of each line. */
const AS_PROGRAMS: [string, SettingName, string[]][] = [
  [
    'marketo.endpoint',
    'MARKETO_ENDPOINT',
    [
      'https://x.example',
      'https://x.example/rest/',
      'https://x.example:8443/identity',
      'http://x.svc:1',
      'https://[::1]/',
    ].concat(['https://x.example/rest/v1', 'https://u:p@x.example', 'http://x.example', 'x.example']),
  ],
  [
    'livechat.endpoint',
    'LIVECHAT_ENDPOINT',
    ['https://x.example:1/y', 'http://x', 'https://u@x.example/y', 'http://x.example'],
  ],
  [
    'digest.timeZone',
    'DIGEST_TIME_ZONE',
    ['UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'Mars', 'Berlin', '+01:0'],
  ],
  [
    'sync.from',
    'SYNC_FROM',
    ['2024-02-29T23:59:59.123456+05:30', '2026-12-31T00:00:00Z', '2026-02-31T00:00:00Z', '2100-02-29T00:00:00Z'].concat(
      ['2026-01-01T25:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00', '2026-01-00T00:00:00Z'],
    ),
  ],
  ['sync.overlap', 'SYNC_OVERLAP', ['0s', '3650d', '87600h', '315360000s', '3651d', '87601h', '315360001s', '1w', '1']],
  ['marketo.readTimeout', 'MARKETO_READ_TIMEOUT', ['1s', '01m', '3650d', '0s', '00m', '3651d']],
  ['digest.retention.runs', 'RETENTION_RUNS', ['1d', '24h', '3650d', '23h', '0d', '3651d']],
  ['digest.from', 'DIGEST_FROM', ['a@b', 'A, B <a@b>', '<a@b>', 'a@b@c', 'a b@c', 'a@b, c@d', 'a']],
  ['digest.to', 'DIGEST_TO', ['a@b', 'A <a@b>', 'a@b@c', 'a b@c', 'a', '']],
];

function isTaken(name: SettingName, text: string): boolean {
  try {
    SETTINGS[name].parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What releases that were published have fixed, made by `node scripts/chart-release.ts` when each was. */
const RELEASES = readdirSync('test/chart/releases');

/** Values that the schema refuses by themselves. */
const MALFORMED: [Record<string, unknown>, RegExp][] = [
  [{ scedule: 'x' }, /'scedule' not allowed/],
  [{ 'sync.scedule': 'x' }, /'scedule' not allowed/],
  [{ 'image.tag': 'latest' }, /image\/tag/],
  [{ 'image.repository': 'registry.example.com/lcm:1.0' }, /image\/repository/],
  [{ 'image.registry': 'https://registry.example.com' }, /image\/registry/],
  [{ 'image.digest': 'sha256:12' }, /image\/digest/],
  [{ 'marketo.batchSize': 301 }, /batchSize/],
  [{ 'marketo.callsPerWindow': 101 }, /callsPerWindow/],
  [{ 'marketo.profile': 'fast' }, /profile/],
  [{ 'sync.overlap': 'a day' }, /overlap/],
  [{ 'sync.startingDeadlineSeconds': 9 }, /startingDeadlineSeconds/],
  [{ 'sync.from': '2026-01-01' }, /sync\/from/],
  [{ 'sync.from': '2026-13-01T00:00:00Z' }, /sync\/from/],
  [{ 'sync.from': '2026-01-01T24:00:00Z' }, /sync\/from/],
  [{ 'sync.patience': '99999999999d' }, /sync\/patience/],
  [{ 'marketo.readTimeout': '0s' }, /marketo\/readTimeout/],
  [{ 'marketo.writeTimeout': '00m' }, /marketo\/writeTimeout/],
  [{ 'database.secretKeys.uri': '' }, /database\/secretKeys\/uri/],
  [{ 'livechat.secretKeys.pat': '' }, /livechat\/secretKeys\/pat/],
  [{ 'marketo.secretKeys.clientSecret': 'client secret' }, /marketo\/secretKeys\/clientSecret/],
  [{ 'smtp.secretKeys.url': '' }, /smtp\/secretKeys\/url/],
  [{ 'status.secretKeys.token': '' }, /status\/secretKeys\/token/],
  [{ 'serviceAccount.name': 'Jobs' }, /serviceAccount\/name/],
  [{ 'networkPolicy.jobPorts': [] }, /networkPolicy\/jobPorts/],
  [{ 'status.cluster': null }, /'\/status': missing property 'cluster'/],
  [{ networkPolicy: null }, /missing property 'networkPolicy'/],
  [{ 'metrics.prometheusRule': null }, /'\/metrics': missing property 'prometheusRule'/],
  [{ 'sync.overlap': null }, /'\/sync': missing property 'overlap'/],
  [{ 'sync.schedule': '7 * * *' }, /sync\/schedule/],
  [{ 'digest.to': 'you@example.com' }, /digest\/to/],
  [{ 'digest.to': ['a@b@c'] }, /digest\/to/],
  [{ 'digest.from': 'a@b, c@d' }, /digest\/from/],
  [{ 'digest.retention.errors': '10m' }, /retention\/errors/],
  [{ 'digest.retention.errors': '23h' }, /retention\/errors/],
  [{ 'digest.retention.errors': '0d' }, /retention\/errors/],
  [{ 'marketo.endpoint': 'http://123.mktorest.com' }, /marketo\/endpoint/],
  [{ 'livechat.endpoint': 'http://api.livechatinc.com' }, /livechat\/endpoint/],
  [{ 'database.sslMode': 'require' }, /sslMode/],
  [{ 'database.schema': 'Sales' }, /database\/schema/],
  [{ 'database.host': 'db.example.com:5432' }, /database\/host/],
  [{ 'database.name': 'a?b' }, /database\/name/],
  [{ 'migrations.mode': 'job' }, /migrations\/mode/],
  [{ 'status.replicas': '2' }, /replicas/],
  [{ 'status.token': 'tooShort' }, /status\/token/],
  [{ 'podLabels.team': 7 }, /podLabels\/team/],
  [{ 'sync.resources.limit': {} }, /'limit' not allowed/],
  [{ rules: { version: 1 } }, /rules/],
];

describe.skipIf(!canRender)('values (skipped where there is no helm)', () => {
  test.each(REFUSED)('%s with %j is refused with a sentence', (file, set, sentence) => {
    const { status, stderr } = helm(['template', 'lcm', CHART, '--skip-schema-validation', ...given(file, set)]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(sentence);
  });

  test.each(MALFORMED)('%j is refused by the schema', (set, where) => {
    const { status, stderr } = helm(['template', 'lcm', CHART, ...given(PRODUCTION, set)]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(where);
  });

  test('without any values everything that is missing is said at once', () => {
    const { status, stderr } = helm(['template', 'lcm', CHART]);
    expect(status).not.toBe(0);
    expect(stderr.match(/^- /gm)).toHaveLength(8);
  });

  test('the sandbox’s first mail comes within two minutes: the minute after the first sync is a digest’s too', () => {
    const objects = render(given('try-out-values.yaml'));
    const schedules = ['-sync', '-digest'].map((ending) => one(objects, 'CronJob', ending)['spec']);
    // A digest that begins with the first sync has nothing to say yet.
    for (const spec of schedules) {
      expect(spec).toMatchObject({ schedule: '* * * * *', jobTemplate: { spec: { activeDeadlineSeconds: 55 } } });
    }
  });

  test('a release whose name has a dot is refused: its Services could not be made', () => {
    const { status, stderr } = helm(['template', 'a.b', CHART, ...given(PRODUCTION)]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/takes no dots/);
  });

  test('a release whose name begins with a figure is refused, unless its objects are called otherwise', () => {
    const { status, stderr } = helm(['template', '1lcm', CHART, ...given(PRODUCTION)]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/would be called 1lcm-livechat-marketo-sync; a Service’s name begins with a letter/);
    expect(render(given(PRODUCTION, { fullnameOverride: 'lcm' }), '1lcm').length).toBeGreaterThan(10);
  });

  test('where the default is empty, null is the same as the default; elsewhere the schema asks for the value', () => {
    const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8'));
    const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'));
    const isEmpty = (value: unknown) => value === null || value === '' || Object.keys(Object(value)).length === 0;
    const empty: string[] = [];
    const look = (part: JsonSchema, defaults: Record<string, unknown>, path: string): void => {
      const known = Object.keys(part.properties ?? {}).filter((key) => key in defaults);
      for (const key of known) {
        const value = defaults[key];
        if (typeof value !== 'object' && typeof value !== 'string') continue;
        if (isEmpty(value)) empty.push(`${path}${key}`);
        const inner = part.properties?.[key];
        if (inner?.properties && z.record(z.string(), z.unknown()).safeParse(value).success)
          look(inner, z.record(z.string(), z.unknown()).parse(value), `${path}${key}.`);
      }
      const needed = known.filter(
        (key) => typeof defaults[key] === 'number' || typeof defaults[key] === 'boolean' || !isEmpty(defaults[key]),
      );
      expect([path, [...(part.required ?? [])].sort()]).toEqual([path, needed.sort()]);
    };
    look(jsonSchema.parse(schema), values, '');
    expect(empty.length).toBeGreaterThan(40);
    for (const file of CASES) {
      const given_ = parse(readFileSync(`${CHART}/ci/${file}`, 'utf8'));
      const isSet = (path: string) =>
        path.split('.').reduce<unknown>((at, key) => (at instanceof Object ? at[key as never] : undefined), given_) !==
        undefined;
      const nulls = Object.fromEntries(empty.filter((path) => !isSet(path)).map((path) => [path, null]));
      expect(render(given(file, nulls)), file).toEqual(render(given(file)));
    }
  });

  test('every time zone that there is is taken', () => {
    const shape = new RegExp(/^\^.*\$$/m.exec(readFileSync(`${CHART}/templates/_validate.tpl`, 'utf8'))?.[0] ?? '$^');
    const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC', 'Etc/GMT+12', 'US/Eastern', 'Japan', 'GMT0'];
    expect(zones.filter((zone) => !shape.test(zone))).toEqual([]);
    expect(zones.length).toBeGreaterThan(400);
    // What has no city is one that the programs know as well.
    const single = (shape.source.split('+|').at(-1) ?? '').replace(')$', '').replace('\\+', '+').split('|');
    expect(single).toContain('Zulu');
    for (const zone of single) expect(() => SETTINGS.DIGEST_TIME_ZONE.parse(zone), zone).not.toThrow();
  });

  test.each(AS_PROGRAMS)('%s is taken as the programs take %s, and refused as they do', (path, name, texts) => {
    for (const text of texts) {
      const value = path === 'digest.to' ? [text] : text;
      const { status } = helm(['template', 'lcm', CHART, ...given(PRODUCTION, { [path]: value })]);
      expect([text, status === 0]).toEqual([text, isTaken(name, text)]);
    }
  });

  test('a run by hand waits for its turn for less time than it may take', () => {
    const patience = (file: string, set = {}) =>
      /"SYNC_PATIENCE","value":"(\w+)"/.exec(JSON.stringify(one(render(given(file, set)), 'CronJob', '-sync')))?.[1];
    expect(patience(PRODUCTION)).toBe('10m');
    expect(patience('try-out-values.yaml')).toBe('27s');
    expect(patience(PRODUCTION, { 'sync.schedule': '*/15 * * * *', 'sync.activeDeadlineSeconds': 500 })).toBe('250s');
    expect(patience(PRODUCTION, { 'sync.patience': '49m' })).toBe('49m');
  });

  test('the hook that migrates has the jobs’ account where that is there before the chart is', () => {
    const account = (set: Record<string, unknown>) =>
      podsOf([one(render(given(PRODUCTION, { 'migrations.mode': 'hook', ...set })), 'Job')])[0]?.spec
        .serviceAccountName;
    expect(account({})).toBe('default');
    expect(account({ 'serviceAccount.name': 'mine' })).toBe('default');
    expect(account({ serviceAccount: { create: false, name: 'mine', statusName: 'theirs' } })).toBe('mine');
    expect(account({ serviceAccount: { create: false, statusName: 'theirs' } })).toBe('default');
  });

  test('the interval is what the schedule says, and a deadline that fits it is taken', () => {
    const set = { 'sync.schedule': '7 */6 * * *', 'sync.activeDeadlineSeconds': 21_000 };
    const job = one(render(given(PRODUCTION, set)), 'CronJob', '-sync');
    expect(JSON.stringify(job)).toContain('{"name":"SYNC_INTERVAL","value":"6h"}');
    expect(job['spec']).toMatchObject({
      schedule: '7 */6 * * *',
      jobTemplate: { spec: { activeDeadlineSeconds: 21_000 } },
    });
  });

  test('a zero is a value: no retries, no history', () => {
    const set = { 'sync.backoffLimit': 0, 'sync.failedJobsHistoryLimit': 0, 'sync.successfulJobsHistoryLimit': 0 };
    expect(one(render(given(PRODUCTION, set)), 'CronJob', '-sync')['spec']).toMatchObject({
      failedJobsHistoryLimit: 0,
      successfulJobsHistoryLimit: 0,
      jobTemplate: { spec: { backoffLimit: 0 } },
    });
  });

  test('suspend is rendered only where it is true, so that kubectl may set it in between', () => {
    const suspended = (objects: KubeObject[]) =>
      objects.filter(({ kind }) => kind === 'CronJob').map((job) => JSON.stringify(job).includes('"suspend":true'));
    expect(suspended(render(given(PRODUCTION)))).toEqual([false, false]);
    expect(JSON.stringify(render(given(PRODUCTION)))).not.toContain('suspend"');
    expect(suspended(render(given('everything-values.yaml')))).toEqual([true, true]);
  });
});

describe.skipIf(!canRender)('names (skipped where there is no helm)', () => {
  const longest = 'a'.repeat(53);

  test.each([
    ['lcm', {}, 'lcm-livechat-marketo-sync'],
    ['livechat-marketo-sync', {}, 'livechat-marketo-sync'],
    ['my-livechat-marketo-sync-2', {}, 'my-livechat-marketo-sync-2'],
    ['lcm', { nameOverride: 'chats' }, 'lcm-chats'],
    ['lcm', { fullnameOverride: 'chats' }, 'chats'],
    [longest, {}, expect.stringMatching(/^a{31}-[0-9a-f]{8}$/)],
    ['lcm', { fullnameOverride: 'b'.repeat(60) }, expect.stringMatching(/^b{31}-[0-9a-f]{8}$/)],
  ])('release %s with %j', (release, set, expected) => {
    const objects = render(given('try-out-values.yaml', set), release);
    const name = one(objects, 'CronJob', '-sync').metadata.name.replace(/-sync$/, '');
    expect(name).toEqual(expected);
    for (const { kind, metadata } of objects) {
      // A CronJob's name gets eleven characters behind it; the Job's name is then a label of its pods.
      expect(metadata.name.length).toBeLessThanOrEqual(kind === 'CronJob' ? 52 : 63);
      expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    }
  });

  test('two long names that begin alike stay apart', () => {
    const names = [`${longest.slice(1)}1`, `${longest.slice(1)}2`].map(
      (release) => one(render(given('try-out-values.yaml'), release), 'CronJob', '-sync').metadata.name,
    );
    expect(new Set(names).size).toBe(2);
  });
});

describe.skipIf(!canRender)('an upgrade (skipped where there is no helm)', () => {
  const ANOTHER = {
    'image.tag': '9.9.9',
    logLevel: 'debug',
    podLabels: { team: 'other' },
    'status.replicas': 3,
    'sync.settle': '20m',
    'sync.resources': { requests: { cpu: '1' } },
    'networkPolicy.jobPorts': [443],
  };

  test.each(CASES)('%s: changes nothing that cannot be changed', (file) => {
    // The policy wants all requests and limits; here only what changes counts.
    const before = fixedParts(render(given(file)));
    const after = fixedParts(render(given(file, ANOTHER)));
    expect(after).toEqual(before);
    expect(before.length).toBeGreaterThan(0);
  });

  test.each(RELEASES)('from %s, as it was published, changes nothing that cannot be changed', (release) => {
    const published = z
      .record(z.string(), z.array(z.tuple([z.string(), z.unknown()])))
      .parse(JSON.parse(readFileSync(`test/chart/releases/${release}`, 'utf8')));
    for (const [file, before] of Object.entries(published)) {
      const now = new Map(fixedParts(render(given(file))));
      for (const [name, parts] of before) expect([file, name, now.get(name)]).toEqual([file, name, parts]);
    }
  });

  test.each([['Pod'], ['Job']])(
    'a %s of Helm’s hooks that has changed is another object, for kubectl apply too',
    (kind) => {
      const [before, same, after] = [{}, { 'status.replicas': 4 }, ANOTHER].map((set) =>
        one(render(given(PRODUCTION, { 'migrations.mode': 'hook', ...set })), kind),
      );
      expect(same?.metadata.name).toBe(before?.metadata.name);
      expect(after?.metadata.name).not.toBe(before?.metadata.name);
    },
  );

  test('the same values render the same bytes', () => {
    const all = () => CASES.map((file) => helm(['template', 'lcm', CHART, ...given(file)]).stdout);
    expect(all()).toEqual(all());
  });

  test('a changed secret of the chart starts the status pods again; a changed rule does not', () => {
    const checksum = (set: Record<string, unknown>) => {
      const pod = podsOf([one(render(given('inline-secrets-values.yaml', set)), 'Deployment', '-status')])[0];
      return JSON.stringify(pod?.owner['spec']).match(/"checksum\/secret":"([0-9a-f]+)"/)?.[1];
    };
    expect(checksum({ 'status.token': 'anotherStatusToken' })).not.toBe(checksum({}));
    expect(checksum({ 'sync.settle': '20m' })).toBe(checksum({}));
  });
});

describe.skipIf(!canRender)('what a person reads (skipped where there is no helm)', () => {
  const notes = (file: string, set: Record<string, unknown> = {}) => {
    const args = ['install', 'lcm', CHART, '--namespace', 'chats', '--dry-run=client', ...given(file, set)];
    const { status, stdout, stderr } = helm(args);
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    return stdout.slice(stdout.indexOf('\nNOTES:'));
  };

  test.each(CASES)('%s: the notes name objects that are there', (file) => {
    const objects = render(given(file));
    const names = [...notes(file).matchAll(/(cronjob|service)\/(\S+)/g)].map(([, kind, name]) => `${kind}/${name}`);
    const there = objects.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    expect(names.filter((name) => !there.includes(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(3);
  });

  test('the notes warn of what is for trying out, and of silence', () => {
    expect(notes('try-out-values.yaml')).toMatch(/TRYING OUT.*own Postgres is for trying out/s);
    expect(notes('inline-secrets-values.yaml')).toMatch(/secrets stand in this release’s values.*no alert is set up/s);
    expect(notes(PRODUCTION)).not.toMatch(/WARNING|TRYING/);
    expect(notes('everything-values.yaml')).toMatch(
      /The sync is suspended.*kubectl -n chats delete pvc chats-postgresql/s,
    );
    expect(notes('minimal-values.yaml')).toMatch(/There is no digest/);
    expect(notes('minimal-values.yaml')).not.toMatch(/port-forward|inlineSecret/);
    const tls = /Whether the database is reached by TLS is for the Secret’s URL to say/;
    expect(notes(PRODUCTION, { extraEnv: [] })).toMatch(tls);
    for (const file of [PRODUCTION, 'database-parts-values.yaml', 'try-out-values.yaml'])
      expect(notes(file)).not.toMatch(tls);
  });
});

describe.skipIf(!canRender)('what the pages say (skipped where there is no helm)', () => {
  test('the README’s production values are taken, and its Secrets have the keys that are asked for', () => {
    const readme = readFileSync('README.md', 'utf8');
    const block = /```yaml\n# production.yaml\n(.*?)```/s.exec(readme)?.[1] ?? '';
    const objects = render(['--values', valuesFile(block), '--set-file', 'rules=rules.yaml']);
    const asked = [...JSON.stringify(objects).matchAll(/"secretKeyRef":\{"name":"([^"]+)","key":"([^"]+)"/g)];
    const made = [...readme.matchAll(/create secret generic (\S+) --from-literal=([\w-]+)=/g)].map(
      ([, name, key]) => `${name}/${key}`,
    );
    // The operator of the database makes the other.
    const wanted = new Set(asked.map(([, name, key]) => `${name}/${key}`).filter((one) => one !== 'lcm-db-app/uri'));
    expect([...wanted].sort()).toEqual(made.sort());
  });

  test('the READMEs’ values reach the database by TLS, as those of ci/ do', () => {
    const tls = z.object({ extraEnv: z.unknown(), extraVolumes: z.unknown(), extraVolumeMounts: z.unknown() });
    const yaml = (file: string, block: RegExp) => tls.parse(parse(block.exec(readFileSync(file, 'utf8'))?.[1] ?? ''));
    const expected = yaml(`${CHART}/ci/${PRODUCTION}`, /^(.*)$/s);
    expect(yaml('README.md', /```yaml\n# production.yaml\n(.*?)```/s)).toEqual(expected);
    expect(yaml(`${CHART}/README.md`, /## TLS to the database\n.*?```yaml\n(.*?)```/s)).toEqual(expected);
  });

  test('the chart’s README says how to delete the Pod of a failed helm test', () => {
    const [, selector = ''] = /kubectl delete pod -l ([^\s`]+)/.exec(readFileSync(`${CHART}/README.md`, 'utf8')) ?? [];
    const labels = Object.fromEntries(selector.split(',').map((one) => one.split('=')));
    const pods = podsOf(render(given(PRODUCTION))).filter(({ labels: own }) => hasLabels(own, labels));
    expect(pods.map(({ owner }) => owner.kind)).toEqual(['Pod']);
  });

  test('the chart’s README puts an Ingress before a Service that is there', () => {
    const readme = readFileSync(`${CHART}/README.md`, 'utf8');
    const block = /```yaml\n(status: .*?)```/s.exec(readme)?.[1] ?? '';
    const objects = render([...given(PRODUCTION), '--values', valuesFile(block)]);
    const [rule] = z
      .object({
        rules: z.array(z.object({ http: z.object({ paths: z.array(z.looseObject({ backend: z.unknown() })) }) })),
      })
      .parse(one(objects, 'Ingress')['spec']).rules;
    const { name } = one(objects, 'Service', '-status').metadata;
    expect(rule?.http.paths[0]?.backend).toEqual({ service: { name, port: { name: 'http' } } });
  });

  test('skaffold installs the try-out, and forwards Services that are there', () => {
    const { build, deploy, portForward } = parse(readFileSync('skaffold.yaml', 'utf8'));
    const [release] = deploy.helm.releases;
    expect(release.chartPath).toBe(CHART);
    const set = Object.entries(release.setValues).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
    const objects = render(set, release.name);
    for (const { resourceName, port } of portForward) {
      expect(one(objects, 'Service', resourceName.replace(/^.*-/, '-'))).toMatchObject({
        metadata: { name: resourceName },
        spec: { ports: expect.arrayContaining([expect.objectContaining({ port })]) },
      });
    }
    const variable = build.artifacts[0].image.replaceAll('-', '_');
    expect(release.setValueTemplates).toEqual({
      'image.repository': `{{.IMAGE_REPO_${variable}}}`,
      'image.tag': `{{.IMAGE_TAG_${variable}}}`,
    });
  });
});

test('the chart’s README has a table of all values, made from values.yaml (else: npm run docs)', () => {
  const readme = readFileSync(`${CHART}/README.md`, 'utf8');
  expect(readme).toBe(readmeOf(readme, readFileSync(`${CHART}/values.yaml`, 'utf8')));
});

test('every value is told of', () => {
  const told = valuesOf(readFileSync(`${CHART}/values.yaml`, 'utf8'));
  expect(told.filter(({ about }) => about === '').map(({ path }) => path)).toEqual([]);
  expect(told.length).toBeGreaterThan(100);
});

test('the schema is of draft 7, knows every value, and takes the defaults', () => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8'));
  expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
  const validate = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(schema);
  expect([validate(parse(readFileSync(`${CHART}/values.yaml`, 'utf8'))), validate.errors]).toEqual([true, null]);
  expect(openObjects(schema)).toEqual([]);
});

test('the default rules are the repository’s, and the versions are the package’s', () => {
  const values: { rules: string } = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'));
  expect(values.rules).toBe(readFileSync('rules.yaml', 'utf8'));
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8'));
  expect(chart).toMatchObject({ version, appVersion: version });
  expect(readFileSync(`${CHART}/CHANGELOG.md`, 'utf8').match(/^## (\S+)$/m)?.[1]).toBe(version);
  const images = parse(chart.annotations['artifacthub.io/images']).map(({ image }: { image: string }) => image);
  const { image, postgresql } = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'));
  expect(images).toEqual([`${image.repository}:${version}`, postgresql.image]);
});

/** A file of the user's with these values. */
function valuesFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'values-')), 'values.yaml');
  writeFileSync(file, text);
  return file;
}

/** Objects of the schema with properties of their own that would take any other beside them. */
function openObjects(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const isOpen = 'properties' in schema && !('additionalProperties' in schema && schema.additionalProperties === false);
  const inner = Object.entries(schema).flatMap(([key, value]) => openObjects(value, `${path}/${key}`));
  return isOpen && 'type' in schema ? [path, ...inner] : inner;
}

test('a pod that does not migrate in time has had the time that a migration may take', () => {
  const objects = render(given(PRODUCTION, { 'migrations.mode': 'hook' }));
  const atLeast = (MIGRATION_DEADLINE + 120_000) / 1000;
  const { activeDeadlineSeconds } = z.object({ activeDeadlineSeconds: z.number() }).parse(one(objects, 'Job')['spec']);
  expect(activeDeadlineSeconds).toBeGreaterThan(atLeast);
  const status = z.object({ progressDeadlineSeconds: z.number() }).parse(one(objects, 'Deployment')['spec']);
  expect(status.progressDeadlineSeconds).toBeGreaterThan(atLeast);
});

test('no page is asked of a pod that still migrates: the release before answers until then', () => {
  const production = render(given(PRODUCTION));
  expect(one(production, 'Service', '-status')['spec']).not.toHaveProperty('publishNotReadyAddresses');
});

test('a policy lets everybody to the database’s own port', () => {
  const policies = render(
    given('database-parts-values.yaml', { 'networkPolicy.enabled': true, 'database.port': 6432 }),
  );
  for (const suffix of ['-jobs', '-status']) {
    expect(JSON.stringify(one(policies, 'NetworkPolicy', suffix)['spec']), suffix).toContain('"port":6432');
  }
  const usual = render(given('database-parts-values.yaml', { 'networkPolicy.enabled': true, 'database.port': 5432 }));
  expect(JSON.stringify(one(usual, 'NetworkPolicy', '-jobs')['spec']).match(/"port":5432/g)).toHaveLength(1);
});
