import { readFileSync, writeFileSync } from 'node:fs';
import { isMap, isNode, isScalar, type Pair, parseDocument } from 'yaml';

const CHART = new URL('../charts/livechat-marketo-sync/', import.meta.url);
const START = '<!-- values: made by `npm run docs` -->';
const END = '<!-- values: end -->';
const RULES = 'rules: |\n';

/** One value of the chart: `sync.overlap`, its default as JSON, and what is said above it. */
export type ChartValue = { path: string; standard: string; about: string };

/**
 * The values of a chart, in the order of its values.yaml.
 *
 * @param text values.yaml; a value is told of in the comment above it, from its line `# -- …` on.
 */
export function valuesOf(text: string): ChartValue[] {
  const { contents } = parseDocument(text);
  return isMap(contents) ? contents.items.flatMap((pair) => told(pair, '', contents.commentBefore ?? '')) : [];
}

function told(pair: Pair, within: string, leading: string): ChartValue[] {
  if (!isScalar(pair.key)) return [];
  const path = `${within}${String(pair.key.value)}`;
  // The comment above the first key of a map is the map's own.
  const about = aboutIn(pair.key.commentBefore ?? leading);
  if (isMap(pair.value) && about === '') {
    const { commentBefore, items } = pair.value;
    return items.flatMap((item, at) => told(item, `${path}.`, at === 0 ? (commentBefore ?? '') : ''));
  }
  const value: unknown = isNode(pair.value) ? pair.value.toJSON() : pair.value;
  return [{ path, standard: path === 'rules' ? '' : JSON.stringify(value), about }];
}

function aboutIn(comment: string): string {
  const start = comment.lastIndexOf(' -- ');
  return start < 0
    ? ''
    : comment
        .slice(start + 4)
        .replace(/\s*\n\s*/g, ' ')
        .trim();
}

/** The chart's README with its table of values made anew. */
export function readmeOf(readme: string, values: string): string {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start < 0 || end < start) throw new Error('the chart’s README lacks the lines between which its table stands');
  const rows = valuesOf(values).map(({ path, standard, about }) => {
    const shown = path === 'rules' ? 'rules.yaml' : `\`${standard.replaceAll('|', '\\|')}\``;
    return `| \`${path}\` | ${shown} | ${about.replaceAll('|', '\\|')} |\n`;
  });
  return `${readme.slice(0, start + START.length)}\n\n| value | default | meaning |\n|---|---|---|\n${rows.join('')}\n${readme.slice(end)}`;
}

/** values.yaml with the repository's rules as their default. */
export function withRules(values: string, rules: string): string {
  const head = values.slice(0, values.indexOf(`\n${RULES}`) + 1 + RULES.length);
  return `${head}${rules.replace(/^(?=.)/gm, '  ')}`;
}

if (import.meta.main) {
  const file = (name: string) => new URL(name, CHART);
  const rules = readFileSync(new URL('../rules.yaml', import.meta.url), 'utf8');
  const values = withRules(readFileSync(file('values.yaml'), 'utf8'), rules);
  writeFileSync(file('values.yaml'), values);
  writeFileSync(file('README.md'), readmeOf(readFileSync(file('README.md'), 'utf8'), values));
}
