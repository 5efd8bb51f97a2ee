import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { EXIT, Failure } from '../runtime/failure.ts';
import { type Rules, rulesFile } from './schema.ts';

/**
 * Reads the decision model.
 *
 * @param text the file's text, YAML.
 * @param name the file's name, for the reader of an error.
 * @throws Failure (78) with every mistake at once, each with its line.
 */
export function parseRules(text: string, name: string): Rules {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors.map(
    (error) => `line ${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`,
  );
  if (broken.length > 0) throw refusal(name, broken);
  const parsed = rulesFile.safeParse(document.toJS());
  if (!parsed.success) {
    throw refusal(
      name,
      parsed.error.issues.map((issue) => {
        const node = nearestNode(document, issue.path);
        const line = isNode(node) && node.range ? lines.linePos(node.range[0]).line : 1;
        return `line ${line}: ${[placeOf(issue.path, document.toJS()), issue.message].filter(Boolean).join(' ')}`;
      }),
    );
  }
  const rules = parsed.data.fields.map((rule) =>
    'group' in rule
      ? { name: rule.group, write: rule.write, fields: rule.fields }
      : { name: rule.field, write: rule.write, fields: [{ field: rule.field, from: rule.from, value: rule.value }] },
  );
  return { rules, fieldNames: rules.flatMap((rule) => rule.fields.map((field) => field.field)) };
}

function refusal(name: string, mistakes: string[]): Failure {
  return new Failure(EXIT.configuration, `The rules in ${name} do not hold: ${mistakes.join('; ')}.`);
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

/** Where a mistake is, in the file's own words: the rule by its field's or group's name, then the key. */
function placeOf(path: readonly PropertyKey[], file: unknown): string {
  const [list, index, ...rest] = path;
  if (list !== 'fields' || typeof index !== 'number') return path.join('.');
  const rule = named.safeParse(file).data?.fields[index];
  const name = rule?.group ?? rule?.field;
  return [name === undefined ? `rule ${index + 1}` : `rule "${name}"`, rest.join('.')].filter(Boolean).join(', ');
}

const named = z.object({
  fields: z.array(z.object({ group: z.string().optional(), field: z.string().optional() }).catch({})),
});

/** The node that a problem is about, or the nearest one around it: a missing key has no place of its own. */
function nearestNode(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): unknown {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (node !== undefined) return node;
  }
  return document.contents;
}
