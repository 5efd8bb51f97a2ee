import type { Clock } from '../clock.ts';

export type Order = 'asc' | 'desc';

/** What one walk over a list was asked for; every page of the walk is bound to it. */
export type Query<F> = { readonly filters: F; readonly order: Order; readonly limit: number };

/** A place in a walk: where one of its pages starts, or for previous_page_id ends. */
export type Place<F> = {
  readonly query: Query<F>;
  readonly walk: number;
  readonly forward: boolean;
  readonly atUs: number;
  /** With ties kept: the row that the page lies beyond. */
  readonly beyond: string | undefined;
};

export type PageLinks = { next_page_id?: string; previous_page_id?: string };

/** What becomes of rows with the same time at the end of a page. LiveChat seems to drop them; 'keep' is the ideal. */
export type PageTies = 'drop' | 'keep';

export type Pages<F> = {
  /** The place a page_id stands for; undefined for one that was never given out here, or too long ago. */
  place(pageId: string): Place<F> | undefined;
  /** Cuts one page out of the rows that match, which must be sorted by the query's order. */
  cut<T>(rows: readonly T[], keys: Keys<T>, from: Query<F> | Place<F>, ties: PageTies): { rows: T[] } & PageLinks;
};

export type Keys<T> = { timeUs(row: T): number; id(row: T): string };

/**
 * Creates the paging of one list.
 *
 * A page_id is what a recorded LiveChat response shows it to be: base64 of `<µs>:<order>:<limit>:<bool>`, a keyset on
 * time alone, one microsecond beyond the last row of the page. Rows with that row's very time that did not fit are
 * therefore never seen by a walk. Whether there is a next page is decided as such servers do, by looking for one row
 * more: a walk can end on an empty page.
 *
 * The recorded one has four parts; where LiveChat keeps the filters is not known. Ours has a fifth, the walk's number,
 * so that two walks that cut at the same microsecond keep their own filters.
 *
 * @param clock dates the page_ids, which live for one month (Agent Chat API, 'Pagination')
 */
export function createPages<F>(clock: Clock): Pages<F> {
  const given = new Map<string, { place: Place<F>; atMs: number }>();
  let walks = 0;

  function give(place: Place<F>): string {
    const { atUs, query, forward, walk, beyond } = place;
    const parts = [atUs, query.order, query.limit, forward, walk, ...(beyond === undefined ? [] : [beyond])];
    const pageId = Buffer.from(parts.join(':')).toString('base64');
    given.set(pageId, { place, atMs: clock.now() });
    return pageId;
  }

  return {
    place(pageId) {
      const entry = given.get(pageId);
      return entry !== undefined && clock.now() - entry.atMs <= PAGE_ID_LIFE_MS ? entry.place : undefined;
    },
    cut(rows, keys, from, ties) {
      const place = 'query' in from ? from : undefined;
      const query = 'query' in from ? from.query : from;
      const walk = place?.walk ?? ++walks;
      const { limit } = query;
      // Against the order, times count backwards: with the sign, "later in the list" is always "greater".
      const sign = query.order === 'asc' ? 1 : -1;

      const [start, end] = place === undefined ? [0, limit] : span(rows, keys, place, sign);
      const page = rows.slice(start, end);
      const links: PageLinks = {};
      const first = page[0];
      const last = page.at(-1);
      if (last !== undefined && end < rows.length) {
        links.next_page_id = give({
          query,
          walk,
          forward: true,
          atUs: keys.timeUs(last) + sign,
          beyond: ties === 'keep' ? keys.id(last) : undefined,
        });
      }
      if (first !== undefined && start > 0) {
        links.previous_page_id = give({
          query,
          walk,
          forward: false,
          atUs: keys.timeUs(first) - sign,
          beyond: ties === 'keep' ? keys.id(first) : undefined,
        });
      }
      return { rows: page, ...links };
    },
  };
}

/** From which row to which (exclusive) the page at this place reaches. */
function span<T, F>(rows: readonly T[], keys: Keys<T>, place: Place<F>, sign: 1 | -1): [number, number] {
  const { limit } = place.query;
  // A row that has gone since cannot mark the place; then the time does.
  const marked = place.beyond === undefined ? -1 : rows.findIndex((row) => keys.id(row) === place.beyond);
  if (place.forward) {
    const byTime = rows.findIndex((row) => keys.timeUs(row) * sign >= place.atUs * sign);
    const start = marked >= 0 ? marked + 1 : byTime < 0 ? rows.length : byTime;
    return [start, start + limit];
  }
  const byTime = rows.findIndex((row) => keys.timeUs(row) * sign > place.atUs * sign);
  const end = marked >= 0 ? marked : byTime < 0 ? rows.length : byTime;
  return [Math.max(0, end - limit), end];
}

/** "One month" in the docs; 30 days here, the shortest month a client may count on but February. */
const PAGE_ID_LIFE_MS = 30 * 24 * 60 * 60 * 1000;
