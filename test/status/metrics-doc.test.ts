import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { metricsDocument } from '../../scripts/metrics-doc.ts';
import { COUNTERS, DATABASE_GAUGES, SERVICE_GAUGES } from '../../services/status/metrics.ts';

test('docs/metrics.md is what the code would write', () => {
  const written = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  expect(written, 'docs/metrics.md is out of date: run `npm run docs`').toBe(metricsDocument());
});

test('a metric has one definition', () => {
  const names = [...COUNTERS, ...DATABASE_GAUGES, ...SERVICE_GAUGES].map((metric) => metric.name);
  expect(new Set(names).size).toBe(names.length);
});

test('no label is called as one that Prometheus or its operator adds, which would rename ours', () => {
  const theirs = ['job', 'instance', 'namespace', 'service', 'pod', 'container', 'endpoint', 'node'];
  const labels = [...COUNTERS, ...DATABASE_GAUGES, ...SERVICE_GAUGES].flatMap(({ labels = {} }) => Object.keys(labels));
  expect(labels.filter((label) => theirs.includes(label))).toEqual([]);
});
