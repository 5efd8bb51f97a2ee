/** A count as a person reads it: `1,204`. */
export function inThousands(count: number): string {
  return count.toLocaleString('en-GB');
}

/** A count with its word: `1 thread`, `1,204 threads`. */
export function counted(count: number, one: string, many: string): string {
  return `${inThousands(count)} ${count === 1 ? one : many}`;
}
