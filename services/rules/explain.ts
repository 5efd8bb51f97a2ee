import { addressProblem } from '../shared/livechat/visitor.ts';
import { type FieldFacts, misfitsOf } from '../shared/rules/check.ts';
import { type Decision, decide, type RuleInput } from '../shared/rules/decide.ts';
import { ineligible } from '../shared/rules/eligible.ts';
import { parseRules } from '../shared/rules/load.ts';
import { kindOf, valueAt } from '../shared/rules/paths.ts';
import type { Member, Rule, Rules } from '../shared/rules/schema.ts';
import { EXIT, Failure } from '../shared/runtime/failure.ts';
import { table } from '../shared/runtime/table.ts';
import type { Said } from './check-file.ts';
import { readDescribe, readLead, readRulesFile, readThread } from './files.ts';

type Flags = { thread?: string | undefined; lead?: string | undefined; describe?: string | undefined };

/**
 * What the rules would write for one thread, and why every other field is left alone.
 *
 * @throws Failure (78) where the rules do not hold, (64) where a file cannot be read.
 */
export function explainThread(file: string, flags: Flags): Said {
  const rules = parseRules(readRulesFile(file), file);
  const described = flags.describe === undefined ? undefined : readDescribe(flags.describe);
  const [misfit] = described ? misfitsOf(rules, described) : [];
  if (misfit)
    throw new Failure(
      EXIT.configuration,
      `The rules in ${file} do not fit ${flags.describe}: line ${misfit.line}: ${misfit.message}.`,
    );
  const input = readThread(flags.thread ?? '');
  const reason = addressProblem(addressOf(input), []) ?? ineligible(rules, input);
  if (reason !== undefined) {
    return {
      exitCode: EXIT.done,
      text: `The thread is ignored: ${reason}.\n`,
      json: { ignored: reason, changes: [], leftAlone: [] },
    };
  }
  const lead = flags.lead === undefined ? undefined : readLead(flags.lead);
  const decision = decide(rules, input, lead, described ?? guessedFacts(rules));
  const guess = described
    ? ''
    : '\nWithout --describe, fields are taken for text of 255 characters, or for what their rule needs.\n';
  const takenForEmpty = lead ? rules.leadFields.filter((field) => !(field in lead)) : [];
  const lacks = takenForEmpty.length > 0 ? `\n${flags.lead} lacks ${takenForEmpty.join(', ')}: taken for empty.\n` : '';
  return {
    exitCode: EXIT.done,
    text: `${story(decision, lead === undefined)}${lacks}${guess}`,
    json: { lead: lead === undefined ? 'new' : 'known', ...decision, takenForEmpty, guessed: described === undefined },
  };
}

/** What the configuration excludes is not known here; an address that Marketo takes is what every thread needs. */
function addressOf(input: RuleInput): string {
  const address = valueAt(input, ['visitor', 'email']);
  return typeof address === 'string' ? address.trim() : '';
}

function story({ changes, leftAlone }: Decision, isNew: boolean): string {
  const what = isNew
    ? 'The visitor is new: a lead is created'
    : changes.length > 0
      ? 'The lead is updated'
      : 'The lead stays as it is';
  const written = changes.map(({ field, from, to, rule, mode }) => [field, said(from), said(to), mode, rule]);
  const left = leftAlone.map(({ field, reason, rule }) => [field, reason, rule]);
  return [
    `${what}.\n`,
    ...(written.length > 0 ? [`\n${table(['written', 'from', 'to', 'mode', 'rule'], written)}`] : []),
    ...(left.length > 0 ? [`\n${table(['left alone', 'because', 'rule'], left)}`] : []),
  ].join('');
}

function said(value: unknown): string {
  return value === null ? '(empty)' : String(value);
}

/** What the fields are where nobody has said it: what their rule can write to. */
function guessedFacts(rules: Rules): Map<string, FieldFacts> {
  return new Map(
    rules.rules.flatMap((rule) =>
      rule.fields.map((member) => [
        member.field,
        { name: member.field, type: guessedType(rule, member), length: 255, readOnly: false },
      ]),
    ),
  );
}

function guessedType(rule: Rule, member: Member): string {
  if (rule.write === 'if-newer') return 'datetime';
  if (rule.write === 'if-greater') return 'float';
  const [source] = member.sources;
  if (source?.kind === 'path' && kindOf(source.path.text) === 'time' && member.transforms.length === 0)
    return 'datetime';
  if (source?.kind === 'constant' && typeof source.value === 'boolean') return 'boolean';
  return source?.kind === 'constant' && typeof source.value === 'number' ? 'float' : 'string';
}
