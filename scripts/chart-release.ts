import { mkdirSync, writeFileSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };
import { fixedParts } from '../test/chart/fixed-parts.ts';
import { CASES, given, render } from '../test/chart/render.ts';

// Run once when a release is published: what an API server would refuse to change in its objects is kept beside the tests,
// which hold every later chart against it.
const folder = 'test/chart/releases';
mkdirSync(folder, { recursive: true });
const fixed = Object.fromEntries(CASES.map((file) => [file, fixedParts(render(given(file)))]));
writeFileSync(`${folder}/${manifest.version}.json`, `${JSON.stringify(fixed, null, 2)}\n`);
