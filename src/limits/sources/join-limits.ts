import type { LimitsHost, LimitsSource, LimitsTable } from '../../types.js'
import { attached, currentTable, subscribed, toSource } from './limits-source.js'

/**
 * Joins several tables into one source of limits: a model has the row of the first table that names it. Each may be the
 * name of a built-in table, a table, or a source. A source may go on changing.
 *
 * ```ts
 * createLimiter({ limits: joinLimits(deploymentLimits(studio, id), liveLimits(studio)) })
 * ```
 *
 * @throws InvalidLimits for a table that is wrong, or an unknown name
 */
export function joinLimits(...all: (string | LimitsTable | LimitsSource)[]): LimitsSource {
  const sources = all.map((one) => toSource(one))
  let tables: readonly LimitsTable[] = []
  let joined: LimitsTable = {}
  return {
    current() {
      const now = sources.map(currentTable)
      if (tables.length !== now.length || now.some((table, i) => table !== tables[i])) {
        joined = now.reduceRight((below, table) => ({ ...below, ...table }), {})
        tables = now
      }
      return joined
    },
    subscribe: (listener) => ending(sources.map((source) => () => subscribed(source, listener))),
    attach: (host: LimitsHost) => ending(sources.map((source) => () => attached(source, host))),
    ...(sources.some(({ refused }) => refused !== undefined) && {
      refused(model: string, kind: 'requests' | 'tokens') {
        for (const source of sources) source.refused?.(model, kind)
      },
    }),
  }
}

/** Begins all, or none if one of them throws. Returns a function that ends all of them. */
function ending(begins: readonly (() => () => void)[]): () => void {
  const ends: (() => void)[] = []
  const endAll = () => {
    const left = ends.splice(0)
    for (const end of left) end()
  }
  try {
    for (const begin of begins) ends.push(begin())
  } catch (error) {
    endAll()
    throw error
  }
  return endAll
}
