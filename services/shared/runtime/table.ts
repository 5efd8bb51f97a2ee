/** So long a text may be in a column that is not the last. */
const WIDEST = 60;

/**
 * Rows in columns, for a terminal.
 *
 * @param heads the columns' names; none for a table without a head.
 * @param rows cells; what they hold may come from a visitor, so nothing in it reaches the terminal as a command.
 */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [...(heads.length > 0 ? [heads] : []), ...rows].map((row) => row.map(shown));
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line.map((cell, column) => (column === line.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function shown(cell: string, column: number, row: readonly string[]): string {
  const plain = cell.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
  return column === row.length - 1 || plain.length <= WIDEST ? plain : `${plain.slice(0, WIDEST - 1).toWellFormed()}…`;
}
