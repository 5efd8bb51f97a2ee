/**
 * Leaves out what is undefined, so that it is absent rather than null or undefined: LiveChat omits what it does not have.
 *
 * @param fields any object
 * @returns a copy with only the fields that have a value
 */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> };
export function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
