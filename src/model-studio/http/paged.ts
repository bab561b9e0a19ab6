import { UnexpectedAnswer } from '../errors.js'
import type { Paged } from '../types.js'

/** One page of a list, as the service gave it. */
export interface Page<T> {
  readonly rows: readonly T[]
  /** How many there are in all; undefined where the service does not say. */
  readonly total: number | undefined
}

/**
 * Maximum number of pages of a list. Chosen. A larger value delays the error for a list without an end. A smaller value cuts
 * long lists.
 */
const MAX_PAGES = 10_000
/**
 * Pages in a row without a new row after which the service repeats the same page. Chosen.
 * At 1, a list that grows by a page during iteration would fail. A larger value delays the error.
 */
const MAX_OLD_PAGES = 2

/**
 * A list over `read`, which gets page numbers from 1. `idOf` tells rows apart: what moved to the next page because something was
 * added before it comes once. It ends with an empty page, or when as many rows were read as there are said to be.
 */
export function paged<T>(
  what: string,
  pageSize: number,
  idOf: (row: T) => string,
  read: (pageNo: number) => Promise<Page<T>>,
): Paged<T> {
  async function* rows(): AsyncGenerator<T, void, undefined> {
    const seen = new Set<string>()
    let readRows = 0
    let oldPages = 0
    for (let pageNo = 1; pageNo <= MAX_PAGES; pageNo++) {
      const page = await read(pageNo)
      const added = page.rows.filter((row) => !seen.has(idOf(row)) && seen.add(idOf(row)))
      yield* added
      readRows += page.rows.length
      const isLast = page.total === undefined ? page.rows.length < pageSize : readRows >= page.total
      if (page.rows.length === 0 || isLast) return
      oldPages = added.length === 0 ? oldPages + 1 : 0
      if (oldPages === MAX_OLD_PAGES) {
        throw new UnexpectedAnswer(
          `The list of ${what} repeats itself: page ${pageNo} has nothing that was not on one before`,
        )
      }
    }
    throw new UnexpectedAnswer(`The list of ${what} does not end: it has more than ${MAX_PAGES} pages`)
  }
  return {
    [Symbol.asyncIterator]: rows,
    async all() {
      const all: T[] = []
      for await (const row of rows()) all.push(row)
      return all
    },
  }
}
