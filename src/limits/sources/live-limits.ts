import type { Clock } from '../../clock.js'
import type { Limits, LimitsHost } from '../../types.js'
import { limitsHost, type Warn } from './limits-host.js'
import { mergeLimits, resolveLimits, type Resolution, type UnknownModel } from '../resolve-limits.js'
import { attached, currentTable, type NamedLimitsSource, subscribed } from './limits-source.js'
import { validateLimits, validateRow } from '../validation.js'
import { TemporaryLimits } from './temporary-limits.js'

export interface LiveLimitsOptions {
  /** The table, as {@link toSource} returns it. */
  readonly source: NamedLimitsSource
  /** The user's limits, validated. @default none */
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  /** Undefined: as the caller of {@link LiveLimits.resolve} says. */
  readonly perSecond: boolean | undefined
  readonly unknownModel: UnknownModel
  /** Ends limits that are set for a time, and serves a source that is attached. */
  readonly clock: Clock
}

/** Hears what becomes of limits while they are in use. */
export interface LimitsListener {
  /** The limits of any model may have changed. */
  onChange(): void
  warn: Warn
}

const NOBODY: LimitsListener = { onChange() {}, warn() {} }

/**
 * The limits that hold now: those of the source, the overrides on top, and on top of them what was set since. They can be resolved
 * as soon as they are made; the source is listened to from {@link start} to {@link close}.
 */
export class LiveLimits {
  readonly #options: LiveLimitsOptions
  readonly #source: NamedLimitsSource
  readonly #host: LimitsHost
  readonly #temporary: TemporaryLimits
  #overrides: Readonly<Record<string, Limits>>
  #listener = NOBODY
  #unsubscribe = (): void => {}
  #detach = (): void => {}

  constructor(options: LiveLimitsOptions) {
    this.#options = options
    this.#source = options.source
    this.#overrides = options.overrides ?? {}
    this.#host = limitsHost(options.clock, (message, cause) => this.#listener.warn(message, cause))
    this.#temporary = new TemporaryLimits(this.#host, () => this.#listener.onChange())
  }

  /**
   * Subscribes to the source, and attaches it. A source may tell `listener` of its first table before this returns: whatever
   * the listener uses must be there already.
   *
   * @throws InvalidLimits for a source that throws, or gives no way to end what it begins; nothing is left of it then
   */
  start(listener: LimitsListener): void {
    this.#listener = listener
    this.#unsubscribe = subscribed(this.#source, () => this.#listener.onChange())
    try {
      this.#detach = attached(this.#source, this.#host)
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
  configuredLimits(model: string): Limits {
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
    this.#listener.onChange()
  }

  /** Whether the source has the method `refused`. */
  get wantsRefusals(): boolean {
    return this.#source.refused !== undefined
  }

  /** Reports to the source that the service refused a request although its limits allowed it. */
  refused(model: string, kind: 'requests' | 'tokens'): void {
    try {
      this.#source.refused?.(model, kind)
    } catch (cause) {
      this.#listener.warn(`The source of limits threw in refused(model): ${String(cause)}`, cause)
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
