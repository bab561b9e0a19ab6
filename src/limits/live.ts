import { InvalidLimits } from '../errors.js'
import type { Limits, LimitsSource, LimitsTable } from '../types.js'
import { mergeLimits, resolveLimits, type Resolution, type UnknownModel } from './resolve.js'
import { toSource, type NamedLimitsSource } from './source.js'
import { validateLimits, validateOverrides, validateRow } from './table.js'
import { isPlainOrModule, shown } from './value.js'

export interface LiveLimitsOptions {
  readonly limits?: string | LimitsTable | LimitsSource | undefined
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  readonly perSecond?: boolean | undefined
  readonly unknownModel?: UnknownModel | undefined
}

/** The limits that hold now: those of the source, the overrides on top, and on top of them what was set since. */
export class LiveLimits {
  readonly #source: NamedLimitsSource
  readonly #unsubscribe: () => void
  readonly #onChange: () => void
  readonly #options: LiveLimitsOptions
  #overrides: Readonly<Record<string, Limits>>

  /**
   * `onChange` is called after each change.
   *
   * @throws InvalidLimits for a table or an override that is wrong
   */
  constructor(options: LiveLimitsOptions, onChange: () => void) {
    this.#options = options
    this.#source = toSource(options.limits)
    this.#overrides = validateOverrides(options.overrides ?? {})
    this.#onChange = onChange
    this.#unsubscribe = subscribed(this.#source, onChange)
  }

  /** `perSecondDefault` holds where the option `perSecond` was left out. */
  resolve(model: string, perSecondDefault: boolean): Resolution {
    const { unknownModel, perSecond = perSecondDefault } = this.#options
    return resolveLimits(model, {
      table: currentTable(this.#source),
      tableName: this.#source.name,
      overrides: this.#overrides,
      unknownModel,
      perSecond,
    })
  }

  /** The models that the table or an override names now. */
  models(): string[] {
    return [...new Set([...Object.keys(currentTable(this.#source)), ...Object.keys(this.#overrides)])]
  }

  /** What the table and the overrides say of a model, and no more. */
  stated(model: string): Limits {
    const table = currentTable(this.#source)
    const row = Object.hasOwn(table, model) ? validateRow(model, table[model], this.#source.name) : {}
    return mergeLimits(row, Object.hasOwn(this.#overrides, model) ? this.#overrides[model]! : {})
  }

  /** @throws InvalidLimits */
  set(model: string, limits: Limits): void {
    const checked = validateLimits(model, limits)
    const before = Object.hasOwn(this.#overrides, model) ? this.#overrides[model]! : {}
    this.#overrides = { ...this.#overrides, [model]: mergeLimits(before, checked) }
    this.#onChange()
  }

  /** Hears of no more changes. */
  close(): void {
    this.#unsubscribe()
  }
}

/** What users write as a source is called in the middle of a request: what goes wrong there must say where. */
function currentTable(source: NamedLimitsSource): LimitsTable {
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

function subscribed(source: NamedLimitsSource, onChange: () => void): () => void {
  let unsubscribe: unknown
  try {
    unsubscribe = source.subscribe(onChange)
  } catch (cause) {
    throw new InvalidLimits(`The source of limits threw in subscribe(listener): ${String(cause)}`, { cause })
  }
  if (typeof unsubscribe === 'function') return unsubscribe as () => void
  throw new InvalidLimits(
    `The source of limits gave ${shown(unsubscribe)} in subscribe(listener): give a function that ends the subscription`,
  )
}
