import type { Migration } from 'kysely/migration';
import * as tables from './0001_tables.ts';
import * as indexes from './0002_indexes.ts';
import * as digest from './0003_digest.ts';
import * as leadField from './0004_lead_field.ts';
import * as statusIndexes from './0005_status_indexes.ts';
import * as rulesHash from './0006_rules_hash.ts';
import * as looks from './0007_looks.ts';
import * as counterLabels from './0008_counter_labels.ts';

/**
 * Every migration in order. Forward only: a release never undoes one, it adds the next. Named here one by one, not
 * read from the folder, so that a bundle contains them.
 */
export const MIGRATIONS: Record<string, Migration> = {
  '0001_tables': tables,
  '0002_indexes': indexes,
  '0003_digest': digest,
  '0004_lead_field': leadField,
  '0005_status_indexes': statusIndexes,
  '0006_rules_hash': rulesHash,
  '0007_looks': looks,
  '0008_counter_labels': counterLabels,
};
