import { writeFileSync } from 'node:fs';
import { jsonSchema } from '../services/shared/rules/schema.ts';

// The schema that editors use for a rules file; `npm run docs` makes it anew, and formats it.
writeFileSync('rules.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`);
