import type { ModelRow } from '../model-rows.js'
import type { Limits } from '../../types.js'
import type { ControlPlaneSettings } from '../settings/control-plane-settings.js'

/** What a deployment can be in; the service knows more. */
export type DeploymentStatus =
  | 'PENDING'
  | 'DEPLOYING'
  | 'UPDATING'
  | 'SCALING'
  | 'RUNNING'
  | 'STOPPED'
  | 'DELETING'
  | 'FAILED'

export type Plan = 'mu' | 'ptu' | 'lora'

/** Provisioned throughput as the control plane writes it. */
export interface PtuCapacity {
  readonly input_tpm: number
  readonly output_tpm: number
  readonly thinking_output_tpm?: number
}

/** What does not change in a deployment's life. */
export interface DeploymentOrder {
  readonly deployedModel: string
  readonly modelName: string
  readonly plan: Plan
  readonly baseCapacity: number
  readonly workspace: string
  readonly chargeType: string
  /** Fields that go out as they came in. */
  readonly given: Readonly<Record<string, unknown>>
}

/** What may change. */
export interface Sizing {
  capacity?: number
  ptu?: PtuCapacity
  rpm?: number
  tpm?: number
}

interface Step {
  /** Clock milliseconds. */
  readonly at: number
  readonly status: DeploymentStatus | 'GONE'
}

/** One deployment. It has no timer: what fell due is made up for whenever it is looked at. */
export class Deployment {
  readonly order: DeploymentOrder
  readonly #settings: ControlPlaneSettings
  readonly #createdAt: number
  /** What was asked for last, and what serves. */
  readonly #sizing: Sizing
  #inForce: Sizing = {}
  #modifiedAt: number
  #inForceSince = 0
  #status: DeploymentStatus | 'GONE' = 'PENDING'
  /** It was set up, whatever it runs or not. */
  #isSetUp = false
  /** It runs, whatever its status is called while it changes. */
  #serves = false
  #steps: Step[]
  #row: ModelRow | undefined
  /** The row of its model that `#row` was made with. */
  #base: ModelRow | undefined

  constructor(order: DeploymentOrder, sizing: Sizing, settings: ControlPlaneSettings, deployMs: number, now: number) {
    this.order = order
    this.#sizing = { ...sizing }
    this.#settings = settings
    this.#createdAt = now
    this.#modifiedAt = now
    const outcome = settings.failsToDeploy(order.deployedModel) ? 'FAILED' : 'RUNNING'
    const deployingAt = now + Math.min(settings.pendingMs, deployMs)
    this.#steps = [
      { at: deployingAt, status: 'DEPLOYING' },
      { at: now + deployMs, status: outcome },
    ]
  }

  /** What it is in; undefined once it is gone. */
  statusAt(now: number): DeploymentStatus | undefined {
    for (let next = this.#steps[0]; next !== undefined && next.at <= now; next = this.#steps[0]) {
      this.#steps.shift()
      this.#enter(next.status, next.at)
    }
    return this.#status === 'GONE' ? undefined : this.#status
  }

  /** Changes its limits; they hold when it is RUNNING again. */
  update(limits: { rpm?: number; tpm?: number }, now: number): void {
    Object.assign(this.#sizing, limits)
    this.#change(this.#settings.updatingStatus, this.#settings.updateMs, now)
  }

  /** Changes its units or its throughput, which is there when it is RUNNING again. */
  scale(sizing: Pick<Sizing, 'capacity' | 'ptu'>, now: number): void {
    Object.assign(this.#sizing, sizing)
    this.#change(this.#settings.scalingStatus, this.#settings.scaleMs, now)
  }

  delete(now: number): void {
    this.#modifiedAt = now
    this.#enter('DELETING', now)
    this.#steps = [{ at: now + this.#settings.deleteMs, status: 'GONE' }]
  }

  /** What holds for requests to it; undefined while it serves none. The same object until it changes. */
  rowAt(now: number, base: ModelRow | undefined): ModelRow | undefined {
    this.statusAt(now)
    if (!this.#serves) return undefined
    if (this.#row === undefined || this.#base !== base) {
      this.#base = base
      this.#row = this.#newRow(base)
    }
    return this.#row
  }

  /** As the control plane answers. `time` writes a clock time. */
  output(now: number, time: (at: number) => string): Readonly<Record<string, unknown>> {
    const status = this.statusAt(now) ?? 'DELETING'
    const { order } = this
    const { capacity, ptu, rpm, tpm } = this.#sizing
    return {
      deployed_model: order.deployedModel,
      gmt_create: time(this.#createdAt),
      gmt_modified: time(this.#modifiedAt),
      status,
      model_name: order.modelName,
      base_model: order.modelName,
      base_capacity: order.baseCapacity,
      capacity,
      ready_capacity: this.#serves ? (this.#inForce.capacity ?? 0) : 0,
      workspace_id: order.workspace,
      charge_type: order.chargeType,
      creator: 'simulated',
      modifier: 'simulated',
      plan: order.plan,
      ...order.given,
      rpm_limit: rpm,
      tpm_limit: tpm,
      ptu_capacity: ptu,
    }
  }

  /** Goes through a change if it is set up; else what comes into force is what was asked for last. */
  #change(status: DeploymentStatus, takesMs: number, now: number): void {
    this.statusAt(now)
    this.#modifiedAt = now
    if (!this.#isSetUp) return
    // One change does not cut another short.
    const doneAt = Math.max(now + takesMs, ...this.#steps.map(({ at }) => at))
    this.#status = status
    this.#steps = [{ at: doneAt, status: 'RUNNING' }]
  }

  #enter(status: DeploymentStatus | 'GONE', at: number): void {
    const runs = status === 'RUNNING' && this.#sizing.capacity !== 0
    this.#status = status === 'RUNNING' && !runs ? 'STOPPED' : status
    this.#isSetUp ||= status === 'RUNNING'
    this.#serves = runs
    this.#modifiedAt = at
    this.#row = undefined
    this.#inForce = { ...this.#sizing }
    this.#inForceSince = at
  }

  #newRow(base: ModelRow | undefined): ModelRow {
    const { ptu, rpm, tpm } = this.#inForce
    const since = Math.max(this.#inForceSince, base?.since ?? this.#inForceSince)
    if (this.order.plan === 'lora') return { limits: base?.limits ?? {}, since }
    if (this.order.plan === 'mu' || ptu === undefined) {
      const limits: Limits = { ...(rpm !== undefined && { rpm }), ...(tpm !== undefined && { tpm }) }
      return { limits, since }
    }
    const { input_tpm: inputTpm, output_tpm: outputTpm, thinking_output_tpm: thinkingTpm } = ptu
    const bought = {
      inputTpm,
      outputTpm,
      snapshot: this.order.modelName,
      ...(thinkingTpm !== undefined && { thinkingTpm }),
    }
    return { limits: base?.limits ?? {}, provisioned: bought, since }
  }
}
