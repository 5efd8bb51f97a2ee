import { writeFileSync } from 'node:fs';
import { jsonSchema } from '../services/shared/rules/schema.ts';

// For editors, and for the chart, which refuses rules by it; `npm run docs` makes both anew, and formats them.
const text = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
for (const file of ['rules.schema.json', 'charts/livechat-marketo-sync/files/rules.schema.json'])
  writeFileSync(file, text);
