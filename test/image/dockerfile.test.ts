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
  expect(all('FROM').map((from) => from.replace('$', ''))).toEqual([
    '{BUILD_IMAGE} AS runtime',
    '{BUILD_IMAGE} AS build',
    '{RUNTIME_IMAGE}',
  ]);
  const [build, runtime] = all('ARG');
  // Not its slim variant, which has no strip.
  expect(build).toBe('BUILD_IMAGE=node:26-trixie');
  expect(runtime).toMatch(/^RUNTIME_IMAGE=.*distroless\/static-debian13:nonroot$/);
  expect(instructions.findIndex(({ name }) => name === 'FROM')).toBe(2);
});

test('it builds with what every BuildKit has: no frontend is pulled for it, and nothing newer than Docker 20.10 is used', () => {
  expect(text).not.toMatch(/^#\s*syntax\s*=/im);
  expect(text).not.toMatch(/--link|--parents|--exclude|<</);
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
  expect(lastStage.filter(({ name }) => name === 'COPY').map(({ rest }) => rest)).toEqual([
    '--from=runtime --chown=0:0 /runtime/ /',
    '--from=build --chown=0:0 /program/ /',
  ]);
  expect(all('ADD')).toEqual([]);
});

test('no time of the build stands in a layer: what is copied has fixed ones, and no folder is made but by copying', () => {
  for (const folder of ['/runtime', '/program']) {
    const [last] = all('RUN').filter((run) => run.includes(`touch --no-dereference --date=@`) && run.includes(folder));
    expect(last).toMatch(new RegExp(`&& find ${folder} -exec touch --no-dereference --date=@\\S+ \\{\\} \\+$`));
  }
  const names = lastStage.map(({ name }) => name);
  expect(names.indexOf('WORKDIR')).toBeGreaterThan(names.lastIndexOf('COPY'));
});

test('packages come by the lock file, without scripts of theirs, before the sources', () => {
  const names = instructions.map(({ name, rest }) => `${name} ${rest}`);
  const install = names.findIndex((line) => line.includes('npm ci --ignore-scripts'));
  expect(install).toBeGreaterThan(names.indexOf('COPY package.json package-lock.json ./'));
  expect(install).toBeLessThan(names.indexOf('COPY services services'));
});

test('it carries OCI labels, with version and revision as arguments, and no secret', () => {
  const labels = all('LABEL').join(' ');
  const names = ['title', 'description', 'source', 'licenses', 'version', 'revision', 'created', 'base.name'];
  for (const name of names) expect(labels).toContain(`org.opencontainers.image.${name}=`);
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
  const above = (path: string) => through.filter((one) => path === one || path.startsWith(`${one}/`));
  expect([...new Set(copied.flatMap(above))].sort()).toEqual(through.sort());
  expect(copied.filter((path) => above(path).length === 0)).toEqual([]);
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
