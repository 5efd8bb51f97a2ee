import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Gathers what Node needs where there is nothing but a distroless image without a C library: Node itself without its
 * symbol tables, the shared libraries that it is linked with, and of each Debian package that one of them is from its
 * record, by which scanners know what to look up, and its licence.
 *
 * Distroless' own image of Node 26 is 177 MB: 33 MB of it are the symbol tables, and 16 MB an OpenSSL that Node does
 * not use (it has its own) and character sets of the C library that it does not use either (it has ICU). What is lost
 * with the symbols are the names of C++ functions in a native stack trace; those of JavaScript are not in there.
 *
 * Runs on Debian. Without `strip` (package binutils) the symbol tables stay, and the image gets too large, which
 * `make image` says; it works all the same.
 *
 * @param folder where it goes, laid out as from the image's root; emptied first.
 * @param node the Node to be taken, as the official images and archives have it.
 * @throws Error where a tool is missing, or a library is not a Debian package's.
 */
export function buildRuntimeFiles(folder: string, node: string): void {
  rmSync(folder, { recursive: true, force: true });
  const program = join(folder, 'nodejs/bin/node');
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(node, program);
  strip(program);
  const licence = join(dirname(node), '../LICENSE');
  if (existsSync(licence)) copyFileSync(licence, join(folder, 'nodejs/LICENSE'));
  else warn(`${licence} is not there: Node’s licence will not be in the image`);
  const packages = new Set(librariesOf(node).map((library) => packageOf(library, take(library, folder))));
  for (const name of packages) {
    take(`/usr/share/doc/${name}/copyright`, folder);
    const record = join(folder, 'var/lib/dpkg/status.d', name);
    mkdirSync(dirname(record), { recursive: true });
    writeFileSync(record, run('dpkg-query', '--status', name));
  }
}

/** Takes the symbol tables out of a program, where there is the tool for it. */
function strip(program: string): void {
  const { error, status, stderr } = spawnSync('strip', ['--strip-all', program], { encoding: 'utf8' });
  if (error) warn('the build image has no strip (binutils): Node keeps its symbol tables, 33 MB');
  else if (status !== 0) throw new Error(`strip ended with ${status}: ${stderr}`);
}

function warn(text: string): void {
  process.stderr.write(`WARNING: ${text}\n`);
}

/**
 * Copies a file to the same place below a folder. Debian's /lib is a link to /usr/lib, and some packages' documents are
 * another's: the place is that of the real folder, and links at the root are made too, in case the base lacks them.
 *
 * @returns the file's path, by its real folder.
 */
function take(file: string, folder: string): string {
  const path = join(realpathSync(dirname(file)), basename(file));
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  copyFileSync(path, join(folder, path));
  const top = join('/', file.split('/')[1] ?? '');
  const link = join(folder, top);
  if (lstatSync(top).isSymbolicLink() && !existsSync(link)) symlinkSync(readlinkSync(top), link);
  return path;
}

/** The paths of the shared libraries, the one that loads the others included. */
function librariesOf(program: string): string[] {
  return [...run('ldd', program).matchAll(/(?<path>\/\S+) \(0x/g)].map(({ groups }) => groups?.['path'] ?? '');
}

/** A Debian package's name without its architecture, `libc6` for `libc6:amd64`, by any of its file's paths. */
function packageOf(...paths: string[]): string {
  // It ends with 1 if it knows one of them by another path only.
  const { stdout, error } = spawnSync('dpkg-query', ['--search', ...paths], { encoding: 'utf8' });
  if (error) throw error;
  // Other lines begin with more than one word: "diversion by libc6 from: /lib64/…".
  const name = /^([^\s:]+)(?::\w+)?: /m.exec(stdout)?.[1];
  if (name === undefined) throw new Error(`dpkg-query does not say which package ${paths[0]} is from`);
  return name;
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

if (import.meta.main) buildRuntimeFiles('/runtime', process.execPath);
