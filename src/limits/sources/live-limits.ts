import { type Clock, systemClock } from '../../clock.js'
import type { Limits, LimitsSource, LimitsTable } from '../../types.js'
import { limitsHost, type Warn } from './limits-host.js'
import { mergeLimits, resolveLimits, type Resolution, type UnknownModel } from '../resolve-limits.js'
import { attached, currentTable, type NamedLimitsSource, subscribed, toSource } from './limits-source.js'
import { validateLimits, validateOverrides, validateRow } from '../validation.js'
import { TemporaryLimits } from './temporary-limits.js'

export interface LiveLimitsOptions {
  readonly limits?: string | LimitsTable | LimitsSource | undefined
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  readonly perSecond?: boolean | undefined
  readonly unknownModel?: UnknownModel | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** Receives the warnings of the source. @default they are dropped */
  readonly warn?: Warn | undefined
}

/**
 * The effective limits of all models at any time: those of the source, then the overrides, then what {@link set} has
 * set since.
 */
export class LiveLimits {
  readonly #source: NamedLimitsSource
  readonly #unsubscribe: () => void
  readonly #detach: () => void
  readonly #onChange: () => void
  readonly #options: LiveLimitsOptions
  readonly #warn: Warn
  readonly #temporary: TemporaryLimits
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
    this.#warn = options.warn ?? (() => {})
    const host = limitsHost(options.clock ?? systemClock, this.#warn)
    this.#temporary = new TemporaryLimits(host, onChange)
    this.#unsubscribe = subscribed(this.#source, onChange)
    try {
      this.#detach = attached(this.#source, host)
    } catch (error) {
      this.#unsubscribe()
      throw error
    }
  }

  /**
   * The effective limits of a model. `perSecondDefault` applies if the option `perSecond` was left out.
   *
   * @throws InvalidLimits for a row that is wrong
   * @throws InvalidRequest for an unknown model, if `unknownModel` is `'reject'`
   */
  resolve(model: string, perSecondDefault: boolean): Resolution {
    const { unknownModel, perSecond = perSecondDefault } = this.#options
    const temporary = this.#temporary.of(model)
    const resolved = resolveLimits(model, {
      table: currentTable(this.#source),
      tableName: this.#source.name,
      overrides: temporary === undefined ? this.#overrides : { [model]: this.#set(model) },
      unknownModel,
      perSecond,
    })
    return temporary === undefined ? resolved : { ...resolved, limits: { ...resolved.limits, until: temporary.until } }
  }

  /** The models that the table or an override names now. */
  models(): string[] {
    const named = [currentTable(this.#source), this.#overrides].flatMap((rows) => Object.keys(rows))
    return [...new Set([...named, ...this.#temporary.models()])]
  }

  /**
   * The configured limits of a model: those that the table and the overrides name, without any that are derived or
   * assumed.
   */
  stated(model: string): Limits {
    const table = currentTable(this.#source)
    const row = Object.hasOwn(table, model) ? validateRow(model, table[model], this.#source.name) : {}
    return mergeLimits(row, this.#set(model))
  }

  /**
   * Sets limits of a model, until `until` (ms since 1970) or for good if it is left out.
   *
   * @throws InvalidLimits for a limit that is wrong
   */
  set(model: string, limits: Limits, until?: number): void {
    const checked = validateLimits(model, limits)
    if (until === undefined) {
      const before = Object.hasOwn(this.#overrides, model) ? this.#overrides[model]! : {}
      this.#overrides = { ...this.#overrides, [model]: mergeLimits(before, checked) }
      this.#temporary.replace(model, checked)
    } else this.#temporary.set(model, checked, until)
    this.#onChange()
  }

  /** Whether the source has the method `refused`. */
  get hearsRefusals(): boolean {
    return this.#source.refused !== undefined
  }

  /** Reports to the source that the service refused a request although its limits allowed it. */
  refused(model: string, kind: 'requests' | 'tokens'): void {
    try {
      this.#source.refused?.(model, kind)
    } catch (cause) {
      this.#warn(`The source of limits threw in refused(model): ${String(cause)}`, cause)
    }
  }

  /** Ends the subscription, detaches the source, and stops all timers. */
  close(): void {
    this.#temporary.close()
    try {
      this.#detach()
    } finally {
      this.#unsubscribe()
    }
  }

  /** The user's limits of a model: those set for good, overridden by the temporary ones. */
  #set(model: string): Limits {
    const given = Object.hasOwn(this.#overrides, model) ? this.#overrides[model]! : {}
    const temporary = this.#temporary.of(model)
    return temporary === undefined ? given : mergeLimits(given, temporary.limits)
  }
}
