import { writeFileSync } from 'node:fs';
import { jsonSchema } from '../services/shared/rules/schema.ts';

// The schema that editors use for a rules file; `npm run docs` makes it anew, and formats it.
const schema = jsonSchema();
writeFileSync('rules.schema.json', `${JSON.stringify(schema, null, 2)}\n`);
// The chart refuses rules by it, in Helm's templates.
writeFileSync('charts/livechat-marketo-sync/files/rules.schema.json', `${JSON.stringify(schema)}\n`);
