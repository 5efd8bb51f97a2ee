/** A reading that many ask for at once and that may be a moment old. */
export type Recent<T> = {
  /** The value; throws what the reading throws where there is none that is recent enough. */
  get(): Promise<T>;
  /** After a change: whoever asks next gets a reading that began after it. */
  outdate(): void;
};

/** How many times as old as fresh a value may be while its successor is being read. */
const STALE = 3;

/**
 * Reads at most once at a time, whoever asks, and not again within `keepFor`. So the load on the database does not grow
 * with the number of scrapes and page views. A value that is a little older is given out while the next is read: nobody
 * waits where many ask. One that is older than three times `keepFor` is never given out.
 *
 * @param keepFor milliseconds; 0 reads anew for each question.
 */
export function recent<T>(read: () => Promise<T>, keepFor: number): Recent<T> {
  let last: { value: T; at: number } | undefined;
  let underWay: Promise<T> | undefined;
  let generation = 0;

  function refresh(): Promise<T> {
    if (underWay) return underWay;
    const [at, mine] = [performance.now(), generation];
    const reading = read()
      .then((value) => {
        if (mine === generation) last = { value, at };
        return value;
      })
      .finally(() => {
        if (underWay === reading) underWay = undefined;
      });
    underWay = reading;
    return reading;
  }

  return {
    async get() {
      if (keepFor === 0) return read();
      const age = last ? performance.now() - last.at : Number.POSITIVE_INFINITY;
      if (last && age < keepFor) return last.value;
      const next = refresh();
      if (!last || age >= STALE * keepFor) return next;
      // Its failure is for whoever asks once the last value is too old.
      next.catch(() => {});
      return last.value;
    },
    outdate() {
      generation += 1;
      last = undefined;
      underWay = undefined;
    },
  };
}
