import type { ProvisionedThroughput } from './options/limit-options.js'
import type { Settings } from './settings/settings.js'
import type { Limits } from '../types.js'

/** The limits of a model. Rows are compared by identity: another object is a change. */
export interface ModelRow {
  readonly limits: Limits
  readonly provisioned?: ProvisionedThroughput | undefined
  /** Since when the row applies, in clock milliseconds. @default the simulator's start */
  readonly since?: number
}

/** The models that deployments serve. */
export interface DeployedModels {
  /** The row of a deployment. `row` is undefined while it serves nothing. Undefined if there is no such deployment. */
  find(name: string): { readonly row: ModelRow | undefined } | undefined
  names(): readonly string[]
}

/** Limits that `setLimits` set for a deployment. They replace the deployment's own. */
interface Override {
  readonly limits: Limits
  readonly since: number
  /** The deployment's own row for which `row` was made, and `row` itself. */
  base?: ModelRow
  row?: ModelRow
}

/** The models that exist, and the row of each. */
export class ModelRows {
  deployed: DeployedModels = { find: () => undefined, names: () => [] }
  readonly #settings: Settings
  readonly #rows: Map<string, ModelRow>
  /** Limits set for deployments. They end with the deployment. */
  readonly #overrides = new Map<string, Override>()
  #defaultRow: ModelRow | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    const { limits = {}, provisioned } = settings
    this.#rows = new Map(Object.entries(limits).map(([name, row]) => [name, { limits: row }]))
    for (const [name, capacity] of Object.entries(provisioned)) {
      const own = limits[name] ?? limits[capacity.snapshot ?? ''] ?? {}
      this.#rows.set(name, { limits: own, provisioned: capacity })
    }
  }

  /** The row of a model. Undefined if the model does not exist, is retired, or serves no requests now. */
  get(name: string): ModelRow | undefined {
    const deployment = this.deployed.find(name)
    const row =
      deployment === undefined ? (this.#rows.get(name) ?? this.#default()) : this.#overridden(name, deployment)
    return row?.limits.rpm === 0 && row.limits.tpm === 0 ? undefined : row
  }

  /** Replaces all limits of a model. A model that did not exist does from now on. */
  set(name: string, limits: Limits, since: number): void {
    if (this.deployed.find(name) !== undefined) this.#overrides.set(name, { limits, since })
    else this.#rows.set(name, { limits, since, provisioned: this.#rows.get(name)?.provisioned })
  }

  /** Forgets the limits that were set for a deployment. */
  forget(name: string): void {
    this.#overrides.delete(name)
  }

  /** The models of the table and those that `set` added, without the retired ones. */
  listed(): string[] {
    return [...this.#rows.keys()].filter((name) => this.get(name) !== undefined)
  }

  #overridden(name: string, { row: base }: { readonly row: ModelRow | undefined }): ModelRow | undefined {
    const override = this.#overrides.get(name)
    if (override === undefined || base === undefined) return base
    if (override.base !== base) {
      const { limits, since } = override
      override.base = base
      override.row = { limits, provisioned: base.provisioned, since: Math.max(since, base.since ?? since) }
    }
    return override.row
  }

  /** The row of models that the table lacks. It is always the same object. */
  #default(): ModelRow | undefined {
    const { limits: table, defaultLimits = table === undefined ? {} : undefined } = this.#settings
    if (defaultLimits === undefined) return undefined
    this.#defaultRow ??= { limits: defaultLimits }
    return this.#defaultRow
  }
}
