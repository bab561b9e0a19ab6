import { InvalidLimits } from '../../errors.js'
import type { LimitsHost, LimitsSource, LimitsTable } from '../../types.js'
import { type BuiltInTableName, builtInTables, DEFAULT_TABLE } from '../built-in-tables.js'
import { didYouMean } from '../did-you-mean.js'
import { validateTable } from '../validation.js'
import { isPlainOrModule, shown } from '../limit-values.js'

/** A source that may name its table; see `ResolveOptions.tableName`. */
export interface NamedLimitsSource extends LimitsSource {
  readonly name?: string
}

/** A source of one table that never changes. The table is not checked here. */
export function staticSource(table: LimitsTable, name?: string): NamedLimitsSource {
  return {
    ...(name !== undefined && { name }),
    current: () => table,
    subscribe: () => () => {},
  }
}

/**
 * Returns the source that the option `limits` means. A name means a built-in table. A table is checked here. A source
 * is returned as it is, and its rows are checked when they are resolved.
 *
 * @param limits - @default 'model-studio/singapore'
 * @throws InvalidLimits for an unknown name, a table that is not valid, or a source that lacks a method
 */
export function toSource(limits: string | LimitsTable | LimitsSource | undefined): NamedLimitsSource {
  if (limits === undefined) return staticSource(builtInTables[DEFAULT_TABLE], DEFAULT_TABLE)
  if (typeof limits === 'string') return builtInSource(limits)
  if (isSource(limits)) return limits
  return staticSource(validateTable(limits, 'limits'))
}

function builtInSource(name: string): NamedLimitsSource {
  if (isBuiltIn(name)) return staticSource(builtInTables[name], name)
  const names = Object.keys(builtInTables)
  const hint = didYouMean(name, names)
  const file = name.endsWith('.json') ? ' To read a file, give what loadLimits(path) of headgate/node resolves to.' : ''
  throw new InvalidLimits(
    `limits is ${shown(name)}, which is not a built-in table.${hint}${file} The built-in tables are ${names.join(', ')}.`,
  )
}

function isBuiltIn(name: string): name is BuiltInTableName {
  return Object.hasOwn(builtInTables, name)
}

function isSource(limits: LimitsTable | LimitsSource | null): limits is LimitsSource {
  const { current, subscribe } = (limits ?? {}) as Partial<LimitsSource>
  if (typeof current === 'function' && typeof subscribe === 'function') return true
  if (typeof current !== 'function' && typeof subscribe !== 'function') return false
  const lacking = typeof current === 'function' ? 'subscribe' : 'current'
  throw new InvalidLimits(`limits is a source without ${lacking}(): a source has current() and subscribe(listener)`)
}

/**
 * The current table of a source. A user's source is called in the middle of a request, so its errors must say where
 * they come from.
 */
export function currentTable(source: LimitsSource): LimitsTable {
  let table: unknown
  try {
    table = source.current()
  } catch (cause) {
    throw new InvalidLimits(`The source of limits threw in current(): ${String(cause)}`, { cause })
  }
  // A promise or a Map would pass for a table without rows.
  if (!isPlainOrModule(table) || typeof (table as PromiseLike<unknown>).then === 'function') {
    throw new InvalidLimits(
      `The source of limits returned ${shown(table)} from current(): return a table, { 'a-model': { rpm, tpm } }, or {} while there is none`,
    )
  }
  return table as LimitsTable
}

/** Subscribes to a source. Returns a function that ends the subscription. @throws InvalidLimits */
export function subscribed(source: LimitsSource, onChange: () => void): () => void {
  return endOf(() => source.subscribe(onChange), 'subscribe(listener)', 'ends the subscription')
}

/** Attaches a source to its host, if it has `attach`. Returns a function that detaches it. @throws InvalidLimits */
export function attached(source: LimitsSource, host: LimitsHost): () => void {
  if (source.attach === undefined) return () => {}
  return endOf(() => source.attach!(host), 'attach(host)', 'ends what was begun')
}

/** Calls a method of the user's that begins something, and returns the function that ends it. */
function endOf(begin: () => unknown, method: string, what: string): () => void {
  let end: unknown
  try {
    end = begin()
  } catch (cause) {
    throw new InvalidLimits(`The source of limits threw in ${method}: ${String(cause)}`, { cause })
  }
  if (typeof end === 'function') return end as () => void
  throw new InvalidLimits(`The source of limits returned ${shown(end)} from ${method}: return a function that ${what}`)
}
