import type { DigestView, GroupView } from './email.ts';

/** The text part of a digest: complete by itself, in lines of at most 76 characters (a link stays whole). */
export function textPart(view: DigestView): string {
  const blocks = [
    [`livechat-marketo-sync, ${view.day}`],
    [...underlined(view.headline), ...wrapped(view.summary)],
    ...(view.silence === undefined ? [] : [[...wrapped(view.silence.says), ...wrapped(`To do: ${view.silence.todo}`)]]),
    ...view.groups.map(groupLines),
    ...(view.rest === undefined ? [] : [wrapped(view.rest)]),
    ...recoveredLines(view),
    [...underlined('State of the sync'), ...view.health.flatMap(healthLines)],
    ...(view.statusUrl === undefined ? [] : [['The status page has all of it:', view.statusUrl]]),
    ['-- ', ...wrapped(view.footer)],
  ];
  const text = blocks.map((lines) => lines.join('\n')).join('\n\n');
  // The lines are made: from here on, a no-break space would only be in the way of searching and copying.
  return `${text.replaceAll('\u00a0', ' ')}\n`;
}

/** RFC 5322 advises 78 characters a line; two remain for a quote mark in an answer. */
const WIDTH = 76;

function groupLines(group: GroupView, index: number): string[] {
  const number = `${index + 1}. `;
  const indent = ' '.repeat(number.length);
  const { message, threadId } = group.example;
  return [
    ...wrapped(`${group.severity.toUpperCase()}: ${group.says}`, { first: number, next: indent }),
    ...wrapped(`${group.code}, ${group.often}`, { first: indent, next: indent }),
    ...wrapped(`${group.standing}: ${group.seen}`, { first: indent, next: indent }),
    ...labelled('Example', threadId === undefined ? message : `${message} (thread ${threadId})`, indent),
    ...labelled('To do', group.todo, indent),
  ];
}

function recoveredLines({ recovered, restOfRecovered }: DigestView): string[][] {
  if (recovered.length === 0) return [];
  const lines = recovered.flatMap(({ says, code, seen }) =>
    wrapped(`${says} ${code}, ${seen}`, { first: '  ', next: '    ' }),
  );
  return [
    [
      ...underlined('No longer seen since the last digest'),
      ...lines,
      ...(restOfRecovered === undefined ? [] : wrapped(restOfRecovered, { first: '  ', next: '    ' })),
    ],
  ];
}

function labelled(label: string, text: string, indent: string): string[] {
  const first = `${indent}${`${label}:`.padEnd(9)}`;
  return wrapped(text, { first, next: ' '.repeat(first.length) });
}

function healthLines({ label, value, needsAttention }: DigestView['health'][number]): string[] {
  return wrapped(`${label}: ${value}`, { first: needsAttention ? '! ' : '  ', next: '    ' });
}

function underlined(heading: string): string[] {
  return [heading, '-'.repeat(heading.length)];
}

function wrapped(text: string, indent = { first: '', next: '' }): string[] {
  const lines: string[] = [];
  let line = indent.first;
  let isEmpty = true;
  for (const word of text.split(' ').flatMap((each) => pieces(each, WIDTH - indent.next.length))) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent.next;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

/** A word that is longer than a line, cut into lines. */
function pieces(word: string, width: number): string[] {
  const characters = [...word];
  const count = Math.max(1, Math.ceil(characters.length / width));
  return Array.from({ length: count }, (_, index) => characters.slice(index * width, (index + 1) * width).join(''));
}
