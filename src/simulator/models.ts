import type { Limits } from '../types.js'
import { emptyTally } from './ledger.js'
import type { ModelSummary, ModelTally } from './ledger.js'
import type { Settings } from './options.js'
import { checkLimits } from './options.js'
import { Throttle } from './throttle.js'

/** One model: its limits and its sums. */
export interface Model {
  readonly name: string
  readonly throttle: Throttle
  readonly tally: ModelTally
}

/** The models of the account. Each is set up when it is first asked for. */
export class Models {
  readonly #settings: Settings
  readonly #origin: number
  readonly #rows: Map<string, Limits>
  readonly #models = new Map<string, Model>()

  constructor(settings: Settings) {
    this.#settings = settings
    this.#origin = settings.clock.now() + settings.windowPhaseMs
    this.#rows = new Map(Object.entries(settings.limits ?? {}))
  }

  /** The model of exactly this name, or undefined where it does not exist or is retired. */
  find(name: string): Model | undefined {
    const row = this.#rowOf(name)
    if (row === undefined) return undefined
    let model = this.#models.get(name)
    if (model === undefined) {
      model = { name, throttle: new Throttle(row, this.#settings, this.#origin), tally: emptyTally() }
      this.#models.set(name, model)
    }
    return model
  }

  /** Whether a request for it would be judged. */
  exists(name: string): boolean {
    return this.#rowOf(name) !== undefined
  }

  /** Gives the model these limits, whole, at once; a model that did not exist does from now on. */
  setLimits(name: string, limits: Limits): void {
    checkLimits(name, limits)
    this.#rows.set(name, limits)
    this.#models.get(name)?.throttle.setLimits(limits, this.#settings.clock.now())
  }

  /** The names that the table knows, and those that were asked for. */
  names(): string[] {
    return [...new Set([...this.#rows.keys(), ...this.#models.keys()])].filter((name) => this.exists(name))
  }

  summaries(now: number): Record<string, ModelSummary> {
    const summaries = [...this.#models.values()].map(({ name, throttle, tally }): [string, ModelSummary] => [
      name,
      { ...tally, refused: { ...tally.refused }, windows: throttle.use(now) },
    ])
    return Object.fromEntries(summaries)
  }

  #rowOf(name: string): Limits | undefined {
    const { limits, defaultLimits } = this.#settings
    const row = this.#rows.get(name) ?? defaultLimits ?? (limits === undefined ? {} : undefined)
    const retired = row?.rpm === 0 && row.tpm === 0
    return retired ? undefined : row
  }
}
