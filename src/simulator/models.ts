import { checkLimits, checkWorkspace } from './checks.js'
import { checkState } from './settings.js'
import { isInForce } from './errors/states.js'
import type { AccountState } from './errors/states.js'
import { emptyTally } from './ledger.js'
import type { ModelSummary, ModelTally, Windows } from './ledger.js'
import { SurgeDetector, surgeMinimum } from './metering/surge.js'
import { Throttle } from './metering/throttle.js'
import type { ProvisionedThroughput } from './options/limits.js'
import type { Settings } from './settings.js'
import type { Limits } from '../types.js'

/** What holds for a model. */
export interface ModelRow {
  readonly limits: Limits
  readonly provisioned?: ProvisionedThroughput | undefined
}

/** One model: its limits and its sums. */
export interface Model {
  readonly name: string
  readonly throttle: Throttle
  readonly surge: SurgeDetector | undefined
  readonly tally: ModelTally
  /** By workspace, those with limits of their own. */
  readonly workspaces: Map<string, Throttle>
  provisioned: { readonly bought: ProvisionedThroughput; readonly throttle: Throttle } | undefined
  row: ModelRow
}

/** The models of the account. Each is set up when it is first asked for. */
export class Models {
  /** The models that were deployed, and can be called now. */
  deployed: (name: string) => ModelRow | undefined = () => undefined
  readonly #settings: Settings
  readonly #startedAt: number
  readonly #rows: Map<string, ModelRow>
  readonly #models = new Map<string, Model>()
  readonly #states: Map<string, AccountState>
  readonly #workspaces: Map<string, Map<string, Limits>>
  #state: AccountState | undefined
  #changesMade = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#startedAt = settings.clock.now()
    const { limits = {}, provisioned } = settings
    this.#rows = new Map(Object.entries(limits).map(([name, row]) => [name, { limits: row }]))
    for (const [name, bought] of Object.entries(provisioned)) {
      const own = limits[name] ?? limits[bought.snapshot ?? ''] ?? {}
      this.#rows.set(name, { limits: own, provisioned: bought })
    }
    this.#states = new Map(Object.entries(settings.modelStates))
    this.#state = settings.state
    this.#workspaces = new Map(
      Object.entries(settings.workspaces).map(([name, table]) => [name, new Map(Object.entries(table))]),
    )
  }

  /** The model of exactly this name, or undefined where it does not exist or is retired. */
  find(name: string): Model | undefined {
    this.#change()
    const row = this.rowOf(name)
    if (row === undefined) return undefined
    const model = this.#models.get(name) ?? this.#create(name, row)
    if (model.row !== row) this.#renew(model, row)
    return model
  }

  /** Whether a request for it would be judged. */
  exists(name: string): boolean {
    this.#change()
    return this.rowOf(name) !== undefined
  }

  /** What holds for a model, or undefined where it does not exist or is retired. */
  rowOf(name: string): ModelRow | undefined {
    const { limits, defaultLimits } = this.#settings
    const row = this.#rows.get(name) ?? this.deployed(name) ?? this.#default(limits === undefined ? {} : defaultLimits)
    return row?.limits.rpm === 0 && row.limits.tpm === 0 ? undefined : row
  }

  /** The limits of a model in a workspace, where they are lower. */
  workspaceLimits(workspace: string, name: string): Limits | undefined {
    return this.#workspaces.get(workspace)?.get(name)
  }

  /** The limits that a workspace puts on requests for a model; undefined where it has none of its own. */
  workspaceThrottle(workspace: string, model: Model): Throttle | undefined {
    const known = model.workspaces.get(workspace)
    if (known !== undefined) return known
    const limits = this.workspaceLimits(workspace, model.name)
    if (limits === undefined) return undefined
    const throttle = this.#throttle(limits)
    model.workspaces.set(workspace, throttle)
    return throttle
  }

  /** Gives the model these limits, whole, at once; a model that did not exist does from now on. */
  setLimits(name: string, limits: Limits): void {
    checkLimits(name, limits)
    const provisioned = this.#rows.get(name)?.provisioned
    const row = { limits, provisioned }
    this.#rows.set(name, row)
    const model = this.#models.get(name)
    if (model !== undefined) this.#renew(model, row)
  }

  /** Gives a workspace these limits of a model, whole, at once. */
  setWorkspaceLimits(workspace: string, name: string, limits: Limits): void {
    checkWorkspace(workspace, name, limits, this.rowOf(name)?.limits)
    const rows = this.#workspaces.get(workspace) ?? new Map<string, Limits>()
    this.#workspaces.set(workspace, rows.set(name, limits))
    this.#models.get(name)?.workspaces.get(workspace)?.setLimits(limits, this.#settings.clock.now())
  }

  /** Puts the account, or one model, into a lasting state, or out of it. */
  setState(state: AccountState | undefined, name?: string): void {
    if (state !== undefined) checkState('state', state)
    if (name === undefined) this.#state = state
    else if (state === undefined) this.#states.delete(name)
    else this.#states.set(name, state)
  }

  /** The state that keeps a model from answering now. */
  stateOf(model: Model, epochMs: number): AccountState | undefined {
    const own = this.#states.get(model.name)
    if (own !== undefined && isInForce(own, tokensOf(model), epochMs)) return own
    if (this.#state === undefined) return undefined
    const used = [...this.#models.values()].reduce((sum, one) => sum + tokensOf(one), 0)
    return isInForce(this.#state, used, epochMs) ? this.#state : undefined
  }

  /** The names that the table knows, and those that were asked for. */
  names(): string[] {
    return [...new Set([...this.#rows.keys(), ...this.#models.keys()])].filter((name) => this.exists(name))
  }

  summaries(now: number): Record<string, ModelSummary> {
    return Object.fromEntries(
      [...this.#models.values()].map((model) => [model.name, summaryOf(model, now)] as [string, ModelSummary]),
    )
  }

  /** Makes the changes that have fallen due. */
  #change(): void {
    const { limitChanges, clock } = this.#settings
    for (let next = limitChanges[this.#changesMade]; next !== undefined; next = limitChanges[this.#changesMade]) {
      if (clock.now() - this.#startedAt < next.afterMs) return
      this.#changesMade += 1
      this.setLimits(next.model, next.limits)
    }
  }

  /** Rows are told apart by identity, so the default is made once. */
  #default(limits: Limits | undefined): ModelRow | undefined {
    const own = this.#settings.defaultLimits ?? limits
    if (own === undefined) return undefined
    this.#defaultRow ??= { limits: own }
    return this.#defaultRow
  }
  #defaultRow: ModelRow | undefined

  #create(name: string, row: ModelRow): Model {
    const { surge } = this.#settings
    const throttle = this.#throttle(row.limits)
    const model: Model = {
      name,
      throttle,
      surge: surge && new SurgeDetector({ ...surge, minimum: this.#surgeMinimum(throttle) }),
      tally: emptyTally(),
      workspaces: new Map(),
      provisioned: row.provisioned && { bought: row.provisioned, throttle: this.#bought(row.provisioned) },
      row,
    }
    this.#models.set(name, model)
    return model
  }

  #renew(model: Model, row: ModelRow): void {
    const now = this.#settings.clock.now()
    model.row = row
    model.throttle.setLimits(row.limits, now)
    if (model.surge !== undefined) model.surge.minimum = this.#surgeMinimum(model.throttle)
    const { provisioned: bought } = row
    if (bought === undefined) model.provisioned = undefined
    else if (model.provisioned === undefined) model.provisioned = { bought, throttle: this.#bought(bought) }
    else {
      const { throttle } = model.provisioned
      throttle.setLimits(windowsOf(bought), now)
      model.provisioned = { bought, throttle }
    }
  }

  #surgeMinimum({ limits }: Throttle): number {
    const { minimum, measures = 'requests', windowMs = 0 } = this.#settings.surge ?? {}
    return minimum ?? surgeMinimum(measures, windowMs, limits)
  }

  #throttle(limits: Limits): Throttle {
    return new Throttle(limits, this.#settings, this.#startedAt + this.#settings.windowPhaseMs)
  }

  #bought(bought: ProvisionedThroughput): Throttle {
    return this.#throttle(windowsOf(bought))
  }
}

function windowsOf({ inputTpm, outputTpm, thinkingTpm = Infinity }: ProvisionedThroughput): Limits {
  return { inputTpm, outputTpm, thinkingTpm }
}

function tokensOf({ tally }: Model): number {
  return tally.inputTokens + tally.outputTokens
}

function summaryOf({ tally, throttle, provisioned, workspaces }: Model, now: number): ModelSummary {
  const used = [...workspaces].map(([name, own]): [string, Windows] => [name, own.use(now)])
  return {
    ...tally,
    refused: { ...tally.refused },
    windows: throttle.use(now),
    ...(provisioned && { provisioned: provisioned.throttle.use(now) }),
    ...(used.length > 0 && { workspaces: Object.fromEntries(used) }),
  }
}
