import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Which module may import which; a module is a folder below services/. Imports point one way. */
const ARROWS: Record<string, readonly string[]> = {
  sync: ['livechat', 'marketo', 'rules', 'store', 'runtime'],
  digest: ['store', 'runtime'],
  status: ['store', 'runtime'],
  migrate: ['store', 'runtime'],
  // It asks with the sync's own wiring, so that what it finds is what a sync would find.
  doctor: ['sync', 'digest', 'livechat', 'marketo', 'rules', 'store', 'runtime'],
  'rules command': ['livechat', 'marketo', 'rules', 'runtime'],
  livechat: ['runtime'],
  marketo: ['runtime'],
  rules: ['runtime'],
  store: ['runtime', 'migrations'],
  runtime: [],
};

const files = readdirSync('services', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => join('services', file));

test('imports between modules follow the arrows', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith('.') && target.endsWith('.ts'))
      .map((target) => moduleOf(relative('.', resolve(dirname(file), target))))
      .filter((target) => target !== moduleOf(file) && !ARROWS[moduleOf(file)]?.includes(target))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
  expect(files.length).toBeGreaterThan(30);
});

test('the rules are pure: no clock, no chance, no network, no file, no database', () => {
  for (const file of files.filter((name) => moduleOf(name) === 'rules')) {
    const text = readFileSync(file, 'utf8');
    expect(
      importsOf(file).filter((target) => target.startsWith('node:') || ['pg', 'kysely', 'axios'].includes(target)),
      file,
    ).toEqual([]);
    expect(/Date\.now|new Date\(\)|performance\.|Math\.random|process\./.test(text), file).toBe(false);
  }
});

test('SQL lives in the store', () => {
  for (const file of files) {
    const imports = importsOf(file);
    if (moduleOf(file) !== 'store')
      expect(
        imports.filter((target) => /^(?:pg|kysely)/.test(target)),
        file,
      ).toEqual([]);
  }
});

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s+'([^']+)'/g)].flatMap((match) => match[1] ?? []);
}

/** services/shared/<module>/… or services/<module>/…, or the folder outside. */
function moduleOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] !== 'services') return parts[0] ?? '';
  // The command-line tool bears the name of what it shows.
  if (parts[1] === 'rules') return 'rules command';
  return (parts[1] === 'shared' ? parts[2] : parts[1]) ?? '';
}
