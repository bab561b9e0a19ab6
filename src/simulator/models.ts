import { checkLimits, checkWorkspace } from './settings/limit-checks.js'
import { checkState, isInForce } from './errors/states.js'
import type { AccountState } from './errors/states.js'
import { emptyTally } from './ledger.js'
import type { ModelSummary, ModelTally, Windows } from './ledger.js'
import { SurgeDetector, surgeMinimum } from './metering/surge-detector.js'
import { Throttle } from './metering/throttle.js'
import { ModelRows } from './model-rows.js'
import type { DeployedModels, ModelRow } from './model-rows.js'
import type { ProvisionedThroughput } from './options/limit-options.js'
import type { Settings } from './settings/settings.js'
import type { Limits } from '../types.js'

/** One model: its limits and its totals. */
export interface Model {
  readonly name: string
  readonly throttle: Throttle
  readonly surge: SurgeDetector | undefined
  readonly tally: ModelTally
  /** The limits of the workspaces that have their own, by workspace. */
  readonly workspaces: Map<string, Throttle>
  provisioned: { readonly capacity: ProvisionedThroughput; readonly throttle: Throttle } | undefined
  row: ModelRow
}

/** The models of the simulated account. Each is created when a request first names it. */
export class Models {
  readonly #rows: ModelRows
  readonly #settings: Settings
  readonly #startedAt: number
  readonly #models = new Map<string, Model>()
  readonly #states: Map<string, AccountState>
  readonly #workspaces: Map<string, Map<string, Limits>>
  #state: AccountState | undefined
  #changesMade = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#startedAt = settings.clock.now()
    this.#rows = new ModelRows(settings)
    this.#states = new Map(Object.entries(settings.modelStates))
    this.#state = settings.state
    this.#workspaces = new Map(
      Object.entries(settings.workspaces).map(([name, table]) => [name, new Map(Object.entries(table))]),
    )
  }

  /** Adds the models that deployments serve. */
  addDeployed(deployed: DeployedModels): void {
    this.#rows.deployed = deployed
  }

  /** Forgets the limits that were set for a deployment. */
  forgetDeployed(name: string): void {
    this.#rows.forget(name)
  }

  /** The model with exactly this name. Undefined if it does not exist, is retired, or serves no requests now. */
  find(name: string): Model | undefined {
    const row = this.rowOf(name)
    if (row === undefined) return undefined
    const model = this.#models.get(name) ?? this.#create(name, row)
    if (model.row !== row) this.#renew(model, row)
    return model
  }

  /** Whether the model exists and serves requests now. */
  exists(name: string): boolean {
    return this.rowOf(name) !== undefined
  }

  /** The current row of a model. Undefined in the same cases as `find`. */
  rowOf(name: string): ModelRow | undefined {
    this.catchUp()
    return this.#rows.get(name)
  }

  /** A workspace's own limits of a model, if it has any. */
  workspaceLimits(workspace: string, name: string): Limits | undefined {
    return this.#workspaces.get(workspace)?.get(name)
  }

  /** The throttle of a workspace's own limits of a model, if it has any. */
  workspaceThrottle(workspace: string, model: Model): Throttle | undefined {
    const known = model.workspaces.get(workspace)
    if (known !== undefined) return known
    const limits = this.workspaceLimits(workspace, model.name)
    if (limits === undefined) return undefined
    const throttle = this.#throttle(limits)
    model.workspaces.set(workspace, throttle)
    return throttle
  }

  /** Replaces all limits of a model at once. A model that did not exist does from now on. @throws InvalidLimits */
  setLimits(name: string, limits: Limits): void {
    checkLimits(name, limits)
    this.catchUp()
    this.#set(name, limits, this.#settings.clock.now())
  }

  /** Replaces all of a workspace's own limits of a model at once. @throws InvalidLimits */
  setWorkspaceLimits(workspace: string, name: string, limits: Limits): void {
    checkWorkspace(workspace, name, limits, this.rowOf(name)?.limits)
    const rows = this.#workspaces.get(workspace) ?? new Map<string, Limits>()
    this.#workspaces.set(workspace, rows.set(name, limits))
    this.#models.get(name)?.workspaces.get(workspace)?.setLimits(limits, this.#settings.clock.now())
  }

  /** Sets the lasting state of the account or of one model. Undefined ends the state. @throws InvalidRequest */
  setState(state: AccountState | undefined, name?: string): void {
    if (state !== undefined) checkState('state', state)
    if (name === undefined) this.#state = state
    else if (state === undefined) this.#states.delete(name)
    else this.#states.set(name, state)
  }

  /**
   * The state in which the service refuses requests for this model now, if any. The model's state precedes the
   * account's.
   */
  stateOf(model: Model, epochMs: number): AccountState | undefined {
    const own = this.#states.get(model.name)
    if (own !== undefined && isInForce(own, tokensOf(model), epochMs)) return own
    if (this.#state === undefined) return undefined
    const used = [...this.#models.values()].reduce((sum, one) => sum + tokensOf(one), 0)
    return isInForce(this.#state, used, epochMs) ? this.#state : undefined
  }

  /** The names of the table, of deployments, and of models that requests named. */
  names(): string[] {
    const names = new Set([...this.listed(), ...this.#rows.deployed.names(), ...this.#models.keys()])
    return [...names].filter((name) => this.exists(name))
  }

  /** The names of the table, and of models that `setLimits` added. */
  listed(): string[] {
    this.catchUp()
    return this.#rows.listed()
  }

  summaries(now: number): Record<string, ModelSummary> {
    return Object.fromEntries(
      [...this.#models.values()].map((model): [string, ModelSummary] => {
        const row = this.rowOf(model.name)
        if (row !== undefined && row !== model.row) this.#renew(model, row)
        return [model.name, summaryOf(model, now)]
      }),
    )
  }

  /**
   * Makes the changes of limits that have fallen due, each at its own time. It must run before anything is counted,
   * because counters do not go back in time.
   */
  catchUp(): void {
    const { limitChanges, clock } = this.#settings
    for (let next = limitChanges[this.#changesMade]; next !== undefined; next = limitChanges[this.#changesMade]) {
      const dueAt = this.#startedAt + next.afterMs
      if (clock.now() < dueAt) return
      this.#changesMade += 1
      this.#set(next.model, next.limits, dueAt)
    }
  }

  #set(name: string, limits: Limits, since: number): void {
    this.#rows.set(name, limits, since)
    const model = this.#models.get(name)
    const row = this.#rows.get(name)
    if (model !== undefined && row !== undefined) this.#renew(model, row)
  }

  #create(name: string, row: ModelRow): Model {
    const { surge } = this.#settings
    const throttle = this.#throttle(row.limits)
    const model: Model = {
      name,
      throttle,
      surge: surge && new SurgeDetector({ ...surge, minimum: this.#surgeMinimum(throttle) }),
      tally: emptyTally(),
      workspaces: new Map(),
      provisioned: row.provisioned && { capacity: row.provisioned, throttle: this.#provisioned(row.provisioned) },
      row,
    }
    this.#models.set(name, model)
    return model
  }

  #renew(model: Model, row: ModelRow): void {
    const since = row.since ?? this.#startedAt
    model.row = row
    model.throttle.setLimits(row.limits, since)
    if (model.surge !== undefined) model.surge.minimum = this.#surgeMinimum(model.throttle)
    const { provisioned: capacity } = row
    if (capacity === undefined) model.provisioned = undefined
    else if (model.provisioned === undefined) model.provisioned = { capacity, throttle: this.#provisioned(capacity) }
    else {
      const { throttle } = model.provisioned
      throttle.setLimits(windowsOf(capacity), since)
      model.provisioned = { capacity, throttle }
    }
  }

  #surgeMinimum({ limits }: Throttle): number {
    const { minimum, measures = 'requests', windowMs = 0 } = this.#settings.surge ?? {}
    return minimum ?? surgeMinimum(measures, windowMs, limits)
  }

  #throttle(limits: Limits): Throttle {
    return new Throttle(limits, this.#settings, this.#startedAt + this.#settings.windowPhaseMs)
  }

  #provisioned(capacity: ProvisionedThroughput): Throttle {
    return this.#throttle(windowsOf(capacity))
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
