import { misfitsOf } from '../shared/rules/check.ts';
import { readRules } from '../shared/rules/load.ts';
import { EXIT, type ExitCode } from '../shared/runtime/failure.ts';
import { table } from '../shared/runtime/table.ts';
import { readDescribe, readRulesFile } from './files.ts';

/** What a command says, to a person and to a program. */
export type Said = { exitCode: ExitCode; text: string; json: unknown };

/**
 * Whether a rules file holds, by itself and against Marketo's fields where these are given.
 *
 * @throws Failure where a file cannot be read.
 */
export function checkFile(file: string, flags: { describe?: string | undefined }): Said {
  const read = readRules(readRulesFile(file));
  const fields = flags.describe === undefined ? undefined : readDescribe(flags.describe);
  const mistakes = 'mistakes' in read ? read.mistakes : fields ? misfitsOf(read.rules, fields) : [];
  if (mistakes.length > 0 || 'mistakes' in read) {
    const rows = mistakes.map(({ line, message }) => [`${file}:${line}`, message]);
    const told = `${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}`;
    return {
      exitCode: EXIT.configuration,
      text: `${table([], rows)}\n${told}.\n`,
      json: { holds: false, mistakes: mistakes.map(({ line, message }) => ({ line, message })) },
    };
  }
  const { rules, eligible, fieldNames } = read.rules;
  const against = fields
    ? `, and fits the ${fields.size} fields of ${flags.describe}`
    : '; --describe would hold it against Marketo’s fields too';
  return {
    exitCode: EXIT.done,
    text: `${file} holds: ${rules.length} rules for ${fieldNames.length} fields, ${eligible.length} conditions on threads${against}.\n`,
    json: { holds: true, fields: fieldNames, againstMarketo: fields !== undefined },
  };
}
