/**
 * The ready-made rules, with those that are off in the file: they need custom fields, which the sandbox's Marketo has.
 * What is off begins with `#-` or with `#` and two blanks; prose begins with `#` and one. The condition on the channel
 * stays off: the channel in it is nobody's.
 *
 * @param text the text of rules.yaml.
 */
export function withEveryRule(text: string): string {
  const start = text.indexOf('\nfields:');
  return `${text.slice(0, start)}${text.slice(start).replaceAll(/^( +)#(?=-| {2})/gm, '$1')}`;
}
