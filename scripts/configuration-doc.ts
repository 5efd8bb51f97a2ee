import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { SETTINGS, type Setting } from '../services/shared/runtime/config.ts';

const FILE = 'docs/configuration.md';
const START = '<!-- settings: made by `npm run docs` -->';
const END = '<!-- end of settings -->';

/**
 * The configuration page with its table of settings made anew from the code; the text around it is written by hand.
 *
 * @param page the page as it stands.
 */
export function withSettings(page: string): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start < 0 || end < start) throw new Error(`${FILE} lacks the lines between which its table of settings stands`);
  return `${page.slice(0, start + START.length)}\n\n${table()}\n${page.slice(end)}`;
}

function table(): string {
  const rows = Object.entries<Setting>(SETTINGS).map(([name, setting]) => {
    const standard = setting.default === undefined ? '' : setting.default === '' ? 'none' : `\`${setting.default}\``;
    const need = {
      required: 'must be set',
      secret: 'must be set (secret)',
      maybe: 'may be left out',
      'maybe-secret': 'may be left out (secret)',
      optional: standard,
    };
    return `| \`${name}\` | ${need[setting.need]} | ${setting.about} |\n`;
  });
  return `| variable | default | meaning |\n|---|---|---|\n${rows.join('')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(FILE, withSettings(readFileSync(FILE, 'utf8')));
}
