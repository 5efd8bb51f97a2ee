import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildRuntimeFiles } from '../../image/runtime.ts';

const missing = ['strip', 'ldd', 'dpkg-query'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);

// The machine's own Debian stands for that of the build image, which has the same tools.
describe.skipIf(missing.length > 0)(
  `what Node needs${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'runtime-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    if (missing.length === 0) buildRuntimeFiles(folder, process.execPath);
    const node = join(folder, 'nodejs/bin/node');

    /** Loaded by the loader that was gathered, with the libraries that were. */
    function loaded(...args: string[]) {
      const [loader = ''] = globSync(join(folder, 'usr/lib*/**/ld-*.so.*'));
      const libraries = globSync(join(folder, 'usr/lib/*-linux-gnu')).join(':');
      return spawnSync(loader, ['--inhibit-cache', '--library-path', libraries, ...args], {
        encoding: 'utf8',
        env: {},
      });
    }

    test('is complete: every library is found among those that were gathered', () => {
      const { status, stdout } = loaded('--list', node);
      expect(status).toBe(0);
      const found = [...stdout.matchAll(/=> (\S+)/g)].map(([, path = '']) => path);
      expect(found.length).toBeGreaterThan(5);
      expect(found.filter((path) => !path.startsWith(folder))).toEqual([]);
    });

    test('without symbols, Node is the same one, smaller, and has all its parts', () => {
      expect(statSync(node).size).toBeLessThan(statSync(process.execPath).size - 20_000_000);
      const parts = `
      const { createHash, scryptSync } = require('node:crypto');
      new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
      const day = new Intl.DateTimeFormat('de', { dateStyle: 'full', timeZone: 'Asia/Tokyo' }).format(0);
      const packed = require('node:zlib').brotliCompressSync('text');
      console.log(JSON.stringify([
        process.version, day, createHash('sha256').update('').digest('hex').slice(0, 8), scryptSync('a', 'b', 16).length,
        require('node:zlib').brotliDecompressSync(packed).toString(), typeof fetch, require('node:tls').rootCertificates.length > 100,
      ]));`;
      const { stdout, stderr } = loaded(node, '-e', parts);
      expect([stderr, JSON.parse(stdout)]).toEqual([
        '',
        [process.version, 'Donnerstag, 1. Januar 1970', 'e3b0c442', 16, 'text', 'function', true],
      ]);
    });

    test('tells scanners which Debian packages it is from, and has their licences', () => {
      const records = globSync(join(folder, 'var/lib/dpkg/status.d/*')).map((file) => readFileSync(file, 'utf8'));
      const names = records.map((record) => /^Package: (.*)$/m.exec(record)?.[1]);
      expect(names).toEqual(expect.arrayContaining(['libc6', 'libstdc++6', 'libgcc-s1']));
      for (const record of records) expect(record).toMatch(/^Version: \S+$/m);
      expect(existsSync(join(folder, 'usr/share/doc/libc6/copyright'))).toBe(true);
    });

    test('it leaves room for the programs: the image has to be less than 150 MB', () => {
      const bytes = globSync(join(folder, '**'))
        .map((path) => statSync(path))
        .filter((entry) => entry.isFile())
        .reduce((sum, { size }) => sum + size, 0);
      expect(bytes).toBeLessThan(124_000_000);
    });
  },
);
