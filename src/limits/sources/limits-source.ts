import { InvalidLimits } from '../../errors.js'
import type { LimitsHost, LimitsSource, LimitsTable } from '../../types.js'
import { type BuiltInTableName, builtInTables, DEFAULT_TABLE } from '../built-in-tables.js'
import { didYouMean } from '../did-you-mean.js'
import { validateTable } from '../validation.js'
import { isPlainOrModule, shown } from '../limit-values.js'

/** A source that may say what its table is called; see `ResolveOptions.tableName`. */
export interface NamedLimitsSource extends LimitsSource {
  readonly name?: string
}

/** A source of one table that never changes. The table is taken as it is: validate it first. */
export function staticSource(table: LimitsTable, name?: string): NamedLimitsSource {
  return {
    ...(name !== undefined && { name }),
    current: () => table,
    subscribe: () => () => {},
  }
}

/**
 * The source that the option `limits` means: the name of a built-in table, a table, which is checked here, or a source,
 * which comes back as it is and whose rows are checked when they are resolved.
 *
 * @param limits - @default 'model-studio/singapore'
 * @throws InvalidLimits for a name that no table has, a table that is not valid, or half a source
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
    `limits is ${shown(name)}, which is no built-in table.${hint}${file} There are ${names.join(', ')}.`,
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

/** What users write as a source is called in the middle of a request: what goes wrong there must say where. */
export function currentTable(source: LimitsSource): LimitsTable {
  let table: unknown
  try {
    table = source.current()
  } catch (cause) {
    throw new InvalidLimits(`The source of limits threw in current(): ${String(cause)}`, { cause })
  }
  // A promise or a Map would be taken for a table without rows.
  if (!isPlainOrModule(table) || typeof (table as PromiseLike<unknown>).then === 'function') {
    throw new InvalidLimits(
      `The source of limits gave ${shown(table)} in current(): give a table, { 'a-model': { rpm, tpm } }; {} while there is none`,
    )
  }
  return table as LimitsTable
}

/** Listens to a source; returns the way to stop that. @throws InvalidLimits */
export function subscribed(source: LimitsSource, onChange: () => void): () => void {
  return endOf(() => source.subscribe(onChange), 'subscribe(listener)', 'ends the subscription')
}

/** Attaches a source that wants it to what it works by; returns the way to end that. @throws InvalidLimits */
export function attached(source: LimitsSource, host: LimitsHost): () => void {
  if (source.attach === undefined) return () => {}
  return endOf(() => source.attach!(host), 'attach(host)', 'ends what was begun')
}

/** What a user's method returns to end what it began. */
function endOf(begin: () => unknown, method: string, what: string): () => void {
  let end: unknown
  try {
    end = begin()
  } catch (cause) {
    throw new InvalidLimits(`The source of limits threw in ${method}: ${String(cause)}`, { cause })
  }
  if (typeof end === 'function') return end as () => void
  throw new InvalidLimits(`The source of limits gave ${shown(end)} in ${method}: give a function that ${what}`)
}
