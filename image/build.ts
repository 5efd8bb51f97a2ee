import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build as bundle, type Metafile, type Plugin } from 'esbuild';
import { z } from 'zod';
import manifest from '../package.json' with { type: 'json' };

/**
 * Makes what the image runs: `cli.mjs`, a file for each command beside it, source maps, `sbom.cdx.json`, the list of the
 * packages that are in them, and `licences.txt`, those packages' licences. Made twice from the same sources and the same
 * lock file, every byte is the same.
 *
 * @param folder where it goes; emptied first.
 * @returns the names of the packages that were bundled, as paths below the repository, sorted.
 * @throws Error where the sources do not build, or the list of packages cannot be made.
 */
export async function buildImageFiles(folder: string): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { metafile } = await bundle({
    entryPoints: { cli: 'image/cli.ts' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // All in one folder, which is then that of every file.
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay: they stand in stack traces, and errors are told apart by them.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    // An optional native client that pg asks for and does without.
    external: ['pg-native'],
    plugins: [findOwnFiles],
    // Some packages are CommonJS: they call require for Node's own modules and ask for their folder, which an ES module
    // has otherwise.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url),__dirname=import.meta.dirname;",
    },
  });
  const packages = packagesIn(metafile);
  for (const { name, files } of READ_AT_RUN_TIME.filter(({ name }) => packages.includes(name))) {
    cpSync(join(name, files), join(folder, name, files), { recursive: true });
  }
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(packages), null, 2)}\n`);
  writeFileSync(join(folder, 'licences.txt'), licences(packages));
  return packages;
}

/** Packages that read files of their own while they run: these go beside the bundle, by the same path. */
const READ_AT_RUN_TIME = [{ name: 'node_modules/@fastify/swagger-ui', files: 'static' }];

/** Tells these packages' modules the folder that they would have beside the bundle, in place of their own. */
const findOwnFiles: Plugin = {
  name: 'find-own-files',
  setup(build) {
    for (const { name } of READ_AT_RUN_TIME) {
      build.onLoad({ filter: new RegExp(`/${name}/.*\\.js$`) }, ({ path }) => {
        const folder = JSON.stringify(`/${dirname(relative('.', path))}`);
        return { contents: readFileSync(path, 'utf8').replaceAll('__dirname', `(__dirname+${folder})`), loader: 'js' };
      });
    }
  },
};

function packagesIn(metafile: Metafile): string[] {
  const folders = Object.keys(metafile.inputs).flatMap(
    (file) => /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  return [...new Set(folders)].sort();
}

/** npm's own list, without what differs from one making to the next, and without what is not in the bundle. */
function billOfMaterials(packages: readonly string[]): object {
  const npm = spawnSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (npm.status !== 0) throw new Error(`npm sbom ended with ${npm.status}: ${npm.stderr}`);
  const { serialNumber: _, metadata, components, dependencies, ...rest } = cycloneDx.parse(JSON.parse(npm.stdout));
  const refs = new Set(packages.map(reference));
  const kept = components.filter((component) => refs.has(component['bom-ref']));
  if (kept.length !== refs.size) {
    const missing = [...refs].filter((ref) => !kept.some((component) => component['bom-ref'] === ref));
    throw new Error(`npm's list of packages lacks what is in the bundle (${missing.join(', ')}): run npm ci first`);
  }
  return {
    ...rest,
    // npm takes the folder's name for the product's.
    metadata: { component: { ...metadata.component, name: manifest.name } },
    // npm's scope and properties say what is for development only; what is in the bundle is not.
    components: kept.map(({ scope: _scope, properties: _properties, ...component }) => component),
    dependencies: dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) })),
  };
}

/** The licences' texts, each once, under the packages that have it: all of them ask to go where the code goes. */
function licences(packages: readonly string[]): string {
  const holders = new Map<string, string[]>();
  for (const folder of packages) {
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|copying|notice)\b/i.test(file))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim());
    const { license } = readPackage(folder);
    if (texts.length === 0) texts.push(`(No text comes with it; its licence is ${license} by its package.json.)`);
    for (const text of texts) holders.set(text, [...(holders.get(text) ?? []), `${reference(folder)} (${license})`]);
  }
  const parts = [...holders].map(([text, names]) => `${[...new Set(names)].join('\n')}\n\n${text}\n`);
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** A package as npm refers to it: by its own name, which an alias hides, and its version. */
function reference(folder: string): string {
  const { name, version } = readPackage(folder);
  return `${name}@${version}`;
}

function readPackage(folder: string): z.infer<typeof packageFile> {
  return packageFile.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
}

const packageFile = z.object({ name: z.string(), version: z.string(), license: z.string() });
const cycloneDx = z.looseObject({
  serialNumber: z.string(),
  metadata: z.looseObject({ component: z.looseObject({}) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string() })),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});

if (import.meta.main) await buildImageFiles('dist');
