import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { alertFile } from '../../scripts/grafana-alerts.ts';
import { CHART, canRender, given, one, render } from './render.ts';

const text = readFileSync(`${CHART}/files/grafana/dashboard.json`, 'utf8');
const dashboard = z
  .looseObject({
    uid: z.string(),
    panels: z.array(
      z.object({
        id: z.number(),
        title: z.string(),
        description: z.string(),
        fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }),
        datasource: z.object({ uid: z.string() }),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(
          z.object({
            refId: z.string(),
            expr: z.string(),
            legendFormat: z.string(),
            datasource: z.object({ uid: z.string() }),
          }),
        ),
      }),
    ),
    templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
  })
  .parse(JSON.parse(text));
const alerts = alertFile
  .parse(parse(readFileSync(`${CHART}/files/prometheus/alerts.yaml`, 'utf8')))
  .groups.flatMap(({ rules }) => rules);

/** Every metric that docs/metrics.md tells of, with the labels and the values that it has. */
const KNOWN = new Map(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `([a-z_]+)` \| (.*?) \| /gm)].map(
    ([, name = '', labels = '']) => [
      name,
      new Map(
        labels
          .split('<br>')
          .map((label) => [...label.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? ''))
          .flatMap(([label, ...values]) => (label === undefined ? [] : [[label, values] as const])),
      ),
    ],
  ),
);

const EXPRESSIONS = [
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
];

test.each(EXPRESSIONS)('%s: %s is PromQL over metrics that there are', (_, expr) => {
  const { metrics, mistakes } = read(expr);
  expect(mistakes).toEqual([]);
  expect(metrics.length).toBeGreaterThan(0);
  for (const { name, matchers } of metrics) {
    // kube-state-metrics' own are not ours to document.
    if (name.startsWith('kube_')) continue;
    const labels = KNOWN.get(name);
    expect([name, labels !== undefined]).toEqual([name, true]);
    for (const { label, operator, value } of matchers) {
      // These two come with the scrape.
      if (['namespace', 'service'].includes(label)) continue;
      const values = labels?.get(label) ?? [];
      const isMet =
        operator === '=~' ? (one: string) => new RegExp(`^(?:${value})$`).test(one) : (one: string) => one === value;
      expect([name, label, values.some(isMet)]).toEqual([name, label, true]);
    }
  }
});

test('a slip in an expression would be found', () => {
  expect(read('max by (namespace) lcm_database_up)').mistakes).not.toEqual([]);
  expect(read('max(lcm_database_up{x="y"})')).toEqual({
    metrics: [{ name: 'lcm_database_up', matchers: [{ label: 'x', operator: '=', value: 'y' }] }],
    mistakes: [],
  });
});

test('what is exported is used: every metric is in the dashboard or in an alert', () => {
  const used = new Set(EXPRESSIONS.flatMap(([, expr]) => read(expr).metrics.map(({ name }) => name)));
  expect([...KNOWN.keys()].filter((name) => !used.has(name))).toEqual([]);
  expect(KNOWN.size).toBeGreaterThan(20);
});

test('every panel says what it is about and in which unit, and every line of a panel with several has a name', () => {
  for (const { title, description, fieldConfig, targets } of dashboard.panels) {
    expect([title, description === '', fieldConfig.defaults.unit === '']).toEqual([title, false, false]);
    const isOneLine = targets.every(({ expr }) => /^\(?(?:time\(\) - )?\(?max\(/.test(expr)) && targets.length === 1;
    for (const { legendFormat } of targets) expect([title, isOneLine || legendFormat !== '']).toEqual([title, true]);
  }
  const titles = dashboard.panels.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});

test('the dashboard is told apart by namespace and service, has a data source to choose, and panels that do not overlap', () => {
  expect(dashboard.uid).toBe('livechat-marketo-sync');
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace', 'service']);
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const taken = new Set<string>();
  for (const { title, datasource, targets, gridPos } of dashboard.panels) {
    for (const { uid } of [datasource, ...targets.map((target) => target.datasource)])
      expect(uid).toBe(`\${datasource}`);
    for (const { expr } of targets) expect(expr).toContain('{namespace="$namespace", service="$service"');
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect([title, x < 24, taken.has(`${x} ${y}`)]).toEqual([title, true, false]);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

test.skipIf(!canRender)('the chart’s ConfigMap has the dashboard as it is (skipped where there is no helm)', () => {
  const map = one(render(given('production-values.yaml')), 'ConfigMap', '-dashboard');
  expect(map['data']).toEqual({ 'livechat-marketo-sync.json': text });
  expect(map.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
  expect(map.metadata.annotations).toEqual({ grafana_folder: 'Marketing' });
  // It is one for all releases of a Grafana, which choose in it: another brings the same file under the same uid.
  expect(one(render(given('production-values.yaml'), 'other'), 'ConfigMap', '-dashboard')['data']).toEqual(map['data']);
});

type Matcher = { label: string; operator: string; value: string };

/** The metrics of an expression, with their matchers, and where it is not PromQL. */
function read(expr: string): { metrics: { name: string; matchers: Matcher[] }[]; mistakes: string[] } {
  const metrics: { name: string; matchers: Matcher[] }[] = [];
  const mistakes: string[] = [];
  const textOf = ({ from, to }: { from: number; to: number }) => expr.slice(from, to);
  parser.parse(expr).iterate({
    enter(node) {
      if (node.type.isError) mistakes.push(`at ${node.from}: ${expr.slice(node.from, node.from + 20)}`);
      if (node.name !== 'VectorSelector') return;
      const name = node.node.getChild('Identifier');
      const matchers = node.node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      metrics.push({
        name: name ? textOf(name) : '',
        matchers: matchers.map((matcher) => {
          const [, label = '', operator = '', value = ''] =
            /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(textOf(matcher)) ?? [];
          return { label, operator, value };
        }),
      });
    },
  });
  return { metrics, mistakes };
}
