import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const text = readFileSync('Dockerfile', 'utf8');
/** Each instruction on a line of its own, comments away. */
const instructions = text
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ name: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));
const all = (name: string) => instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));

test('both base images are arguments, with a fixed major version of Node, and the one that runs has no shell', () => {
  expect(all('FROM').map((from) => from.replace('$', ''))).toEqual(['{BUILD_IMAGE} AS build', '{RUNTIME_IMAGE}']);
  const [build, runtime] = all('ARG');
  expect(build).toMatch(/^BUILD_IMAGE=node:26-/);
  expect(runtime).toMatch(/^RUNTIME_IMAGE=.*distroless\/nodejs26-debian13:nonroot$/);
  expect(instructions.findIndex(({ name }) => name === 'FROM')).toBeGreaterThan(1);
});

test('it runs as nobody, by a number that Kubernetes can check', () => {
  const [values] = [parse(readFileSync('charts/livechat-marketo-sync/values.yaml', 'utf8'))];
  const { runAsUser, runAsGroup } = values.podSecurityContext;
  expect(lastStage.filter(({ name }) => name === 'USER').map(({ rest }) => rest)).toEqual([
    `${runAsUser}:${runAsGroup}`,
  ]);
  expect(lastStage.findIndex(({ name }) => name === 'USER')).toBeGreaterThan(
    lastStage.findLastIndex(({ name }) => name === 'COPY'),
  );
});

test('node is process 1, without a shell or npm in between, and the command is an argument', () => {
  const [entry] = all('ENTRYPOINT');
  expect(JSON.parse(entry ?? '')).toEqual(['/nodejs/bin/node', '--enable-source-maps', '/app/cli.mjs']);
  expect(JSON.parse(all('CMD')[0] ?? '')).toEqual(['--help']);
  expect(all('RUN').filter((run) => run.includes('npm') && run.includes('start'))).toEqual([]);
});

test('the last stage only copies: nothing runs in it, and what it copies is root’s', () => {
  expect(lastStage.filter(({ name }) => name === 'RUN')).toEqual([]);
  for (const { rest } of lastStage.filter(({ name }) => name === 'COPY')) {
    expect(rest).toMatch(/^--from=build --chown=0:0 /);
  }
  expect(all('ADD')).toEqual([]);
});

test('packages come by the lock file, without scripts of theirs, before the sources', () => {
  const names = instructions.map(({ name, rest }) => `${name} ${rest}`);
  const install = names.findIndex((line) => line.includes('npm ci --ignore-scripts'));
  expect(install).toBeGreaterThan(names.indexOf('COPY package.json package-lock.json ./'));
  expect(install).toBeLessThan(names.indexOf('COPY services services'));
});

test('it carries OCI labels, with version and revision as arguments, and no secret', () => {
  const labels = all('LABEL').join(' ');
  for (const label of ['title', 'description', 'licenses', 'version', 'revision']) {
    expect(labels).toContain(`org.opencontainers.image.${label}=`);
  }
  expect(
    all('ARG')
      .concat(all('ENV'))
      .filter((line) => /secret|token|password/i.test(line)),
  ).toEqual([]);
});

test('what it copies is there, and let through by .dockerignore, which lets nothing else through', () => {
  const copied = all('COPY')
    .filter((rest) => !rest.startsWith('--from'))
    .flatMap((rest) => rest.split(' ').slice(0, -1));
  const through =
    readFileSync('.dockerignore', 'utf8')
      .match(/^!.+$/gm)
      ?.map((line) => line.slice(1)) ?? [];
  expect(copied.sort()).toEqual(through.sort());
  expect(copied.filter((path) => !existsSync(path))).toEqual([]);
  expect(readFileSync('.dockerignore', 'utf8')).toMatch(/^\*$/m);
});

test('what is bundled imports only what is copied', () => {
  const copied = ['image', 'migrations', 'services', 'test/sandbox'];
  const files = copied.flatMap((path) => globSync(`${path}/**/*.ts`)).filter((file) => !file.endsWith('.test.ts'));
  for (const file of files) {
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) {
      const path = new URL(target, `file:///${file}`).pathname.slice(1);
      expect([file, [...copied.map((one) => `${one}/`), 'package.json'].some((one) => path.startsWith(one))]).toEqual([
        file,
        true,
      ]);
    }
  }
});
