import type { ProvisionedThroughput } from './options/limit-options.js'
import type { Settings } from './settings/settings.js'
import type { Limits } from '../types.js'

/** What holds for a model. Rows are told apart by identity: another one is a change. */
export interface ModelRow {
  readonly limits: Limits
  readonly provisioned?: ProvisionedThroughput | undefined
  /** Since when, in clock milliseconds; left out: from the start. */
  readonly since?: number
}

/** The models that were deployed. */
export interface DeployedModels {
  /** What holds for requests to a deployment, `row` undefined while it serves none; undefined where there is none. */
  find(name: string): { readonly row: ModelRow | undefined } | undefined
  names(): readonly string[]
}

/** Limits that were set for a deployment, laid over its own. */
interface Override {
  readonly limits: Limits
  readonly since: number
  /** The row that it was laid over last, and what came of it. */
  base?: ModelRow
  row?: ModelRow
}

/** Which models there are, and what holds for each. */
export class ModelRows {
  deployed: DeployedModels = { find: () => undefined, names: () => [] }
  readonly #settings: Settings
  readonly #rows: Map<string, ModelRow>
  /** Of deployments, which they do not outlive. */
  readonly #overrides = new Map<string, Override>()
  #defaultRow: ModelRow | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    const { limits = {}, provisioned } = settings
    this.#rows = new Map(Object.entries(limits).map(([name, row]) => [name, { limits: row }]))
    for (const [name, bought] of Object.entries(provisioned)) {
      const own = limits[name] ?? limits[bought.snapshot ?? ''] ?? {}
      this.#rows.set(name, { limits: own, provisioned: bought })
    }
  }

  /** What holds for a model, or undefined where it does not exist, is retired, or serves no requests now. */
  get(name: string): ModelRow | undefined {
    const deployment = this.deployed.find(name)
    const row = deployment === undefined ? (this.#rows.get(name) ?? this.#default()) : this.#laidOver(name, deployment)
    return row?.limits.rpm === 0 && row.limits.tpm === 0 ? undefined : row
  }

  /** Gives the model these limits, whole; one that did not exist does from now on. */
  set(name: string, limits: Limits, since: number): void {
    if (this.deployed.find(name) !== undefined) this.#overrides.set(name, { limits, since })
    else this.#rows.set(name, { limits, since, provisioned: this.#rows.get(name)?.provisioned })
  }

  /** A deployment is gone, and what was set for it. */
  forget(name: string): void {
    this.#overrides.delete(name)
  }

  /** The models of the table and those that were added to it, without the retired ones. */
  listed(): string[] {
    return [...this.#rows.keys()].filter((name) => this.get(name) !== undefined)
  }

  #laidOver(name: string, { row: base }: { readonly row: ModelRow | undefined }): ModelRow | undefined {
    const override = this.#overrides.get(name)
    if (override === undefined || base === undefined) return base
    if (override.base !== base) {
      const { limits, since } = override
      override.base = base
      override.row = { limits, provisioned: base.provisioned, since: Math.max(since, base.since ?? since) }
    }
    return override.row
  }

  /** The same object each time. */
  #default(): ModelRow | undefined {
    const { limits: table, defaultLimits = table === undefined ? {} : undefined } = this.#settings
    if (defaultLimits === undefined) return undefined
    this.#defaultRow ??= { limits: defaultLimits }
    return this.#defaultRow
  }
}
