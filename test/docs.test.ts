import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withSettings } from '../scripts/configuration-doc.ts';
import { chatAnswer } from '../services/shared/livechat/types.ts';
import { visitorOf } from '../services/shared/livechat/visitor.ts';
import { OPEN_PATHS, PATHS } from '../services/shared/rules/paths.ts';
import { CATALOGUE } from '../services/shared/runtime/catalogue.ts';
import { SETTINGS } from '../services/shared/runtime/config.ts';

test('docs/configuration.md lists the settings as the code has them (else: npm run docs)', () => {
  const page = readFileSync('docs/configuration.md', 'utf8');
  expect(page).toBe(withSettings(page));
});

test('the runbook has a heading for every error code, with the catalogue’s words, and none for an unknown one', () => {
  const sections = new Map(
    (readFileSync('docs/runbook.md', 'utf8').split('\n## Errors\n')[1] ?? '')
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
  );
  expect([...sections.keys()].sort()).toEqual(Object.keys(CATALOGUE).sort());
  for (const [code, entry] of Object.entries(CATALOGUE)) {
    expect(sections.get(code)).toContain(entry.says);
    expect(sections.get(code)).toContain(entry.todo);
    expect(sections.get(code)).toContain(`*(${entry.stage}, ${entry.severity})*`);
  }
});

test('every code of the catalogue is logged somewhere, and no code that is logged is missing there', () => {
  const sources = readdirSync('services', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('status/'))
    .filter((file) => file !== 'shared/runtime/catalogue.ts')
    .map((file) => readFileSync(`services/${file}`, 'utf8'));
  const unused = Object.keys(CATALOGUE).filter((code) => !sources.some((source) => source.includes(`'${code}'`)));
  expect(unused).toEqual([]);
  // The types hold this too, where a code is written down as a literal; this holds it where one is made into a wider type.
  const logged = sources.flatMap((source) =>
    [...source.matchAll(/\bcode: '([a-z]+(?:-[a-z]+)+)'/g)].map(([, code]) => code),
  );
  expect(logged.filter((code) => code !== undefined && !(code in CATALOGUE))).toEqual([]);
  expect(logged.length).toBeGreaterThan(5);
});

test('rules may take values from exactly what is read of LiveChat, and the page on configuration tells of each', () => {
  const { visit } = visitorOf(
    chatAnswer.parse({ id: 'c', users: [], thread: { id: 't', active: false, created_at: '2026-11-23T14:07:11Z' } }),
  );
  expect(leaves(visit).sort()).toEqual([...PATHS, ...OPEN_PATHS].sort());
  const page = readFileSync('docs/configuration.md', 'utf8');
  for (const path of PATHS) {
    const last = path.slice(path.lastIndexOf('.'));
    expect(page.includes(`\`${path}\``) || page.includes(`\`${last}\``), path).toBe(true);
  }
});

function leaves(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    const isOpen = OPEN_PATHS.includes(here) || Array.isArray(inner) || typeof inner !== 'object';
    return isOpen ? [here] : leaves(inner, here);
  });
}

test('no page names a variable that does not exist', () => {
  const known = new Set(Object.keys(SETTINGS));
  const other = new Set(['TEST_DATABASE_URL', 'NAME_FILE', 'NODE_EXTRA_CA_CERTS']);
  for (const page of ['README.md', 'docs/configuration.md', 'docs/runbook.md']) {
    const named = readFileSync(page, 'utf8').match(/\b(?:[A-Z]+_)+[A-Z]+\b/g) ?? [];
    const unknown = named.filter((name) => !known.has(name) && !other.has(name));
    expect(unknown, page).toEqual([]);
  }
});
