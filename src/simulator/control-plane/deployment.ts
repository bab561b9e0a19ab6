import type { ModelRow } from '../model-rows.js'
import type { Limits } from '../../types.js'
import type { ControlPlaneSettings } from '../settings/control-plane-settings.js'

/** The statuses that the simulator gives a deployment. The service has more. */
export type DeploymentStatus =
  | 'PENDING'
  | 'DEPLOYING'
  | 'UPDATING'
  | 'SCALING'
  | 'RUNNING'
  | 'STOPPED'
  | 'DELETING'
  | 'FAILED'

/** How a deployment is paid for: model units, provisioned throughput, or a fine-tuned model billed by tokens. */
export type Plan = 'mu' | 'ptu' | 'lora'

/** Provisioned throughput in the form of the control plane, in tokens per minute. */
export interface PtuCapacity {
  readonly input_tpm: number
  readonly output_tpm: number
  readonly thinking_output_tpm?: number
}

/** The constant properties of a deployment. */
export interface DeploymentOrder {
  readonly deployedModel: string
  readonly modelName: string
  readonly plan: Plan
  readonly baseCapacity: number
  readonly workspace: string
  readonly chargeType: string
  /** Fields that are returned as the client sent them. */
  readonly given: Readonly<Record<string, unknown>>
}

/** The properties that an update or a scaling changes. */
export interface Sizing {
  capacity?: number
  ptu?: PtuCapacity
  rpm?: number
  tpm?: number
}

interface Step {
  /** When the status begins, in clock milliseconds. */
  readonly at: number
  readonly status: DeploymentStatus | 'GONE'
}

/** One deployment. It has no timer. Each call first makes the changes of status that have fallen due by its time. */
export class Deployment {
  readonly order: DeploymentOrder
  readonly #settings: ControlPlaneSettings
  readonly #createdAt: number
  /** The sizing of the last order or change. `#inForce` is the sizing that serves requests now. */
  readonly #sizing: Sizing
  #inForce: Sizing = {}
  #modifiedAt: number
  #inForceSince = 0
  #status: DeploymentStatus | 'GONE' = 'PENDING'
  /** Whether the deployment has been RUNNING or STOPPED once. Until then, a change does not begin a new status. */
  #isSetUp = false
  /** Whether the deployment serves requests. It keeps serving while an update or a scaling changes its status. */
  #serves = false
  #steps: Step[]
  #row: ModelRow | undefined
  /** The row of the deployed model from which `#row` was made. */
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

  /** The status; undefined once the deployment is gone. */
  statusAt(now: number): DeploymentStatus | undefined {
    for (let next = this.#steps[0]; next !== undefined && next.at <= now; next = this.#steps[0]) {
      this.#steps.shift()
      this.#enter(next.status, next.at)
    }
    return this.#status === 'GONE' ? undefined : this.#status
  }

  /** Changes the limits. They take effect when the status is RUNNING again. */
  update(limits: { rpm?: number; tpm?: number }, now: number): void {
    Object.assign(this.#sizing, limits)
    this.#change(this.#settings.updatingStatus, this.#settings.updateMs, now)
  }

  /**
   * Changes the model units or the provisioned throughput. The change takes effect when the status is RUNNING again.
   */
  scale(sizing: Pick<Sizing, 'capacity' | 'ptu'>, now: number): void {
    Object.assign(this.#sizing, sizing)
    this.#change(this.#settings.scalingStatus, this.#settings.scaleMs, now)
  }

  /** Starts to delete the deployment. It stops serving at once. */
  delete(now: number): void {
    this.#modifiedAt = now
    this.#enter('DELETING', now)
    this.#steps = [{ at: now + this.#settings.deleteMs, status: 'GONE' }]
  }

  /**
   * The limits of requests to the deployment. Undefined while it serves none. The same object is returned until it
   * changes.
   */
  rowAt(now: number, base: ModelRow | undefined): ModelRow | undefined {
    this.statusAt(now)
    if (!this.#serves) return undefined
    if (this.#row === undefined || this.#base !== base) {
      this.#base = base
      this.#row = this.#newRow(base)
    }
    return this.#row
  }

  /** The deployment object of the control plane. `time` formats clock milliseconds. */
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

  /**
   * Begins a change of status. Before the first RUNNING there is none: the new sizing takes effect with that status.
   */
  #change(status: DeploymentStatus, takesMs: number, now: number): void {
    this.statusAt(now)
    this.#modifiedAt = now
    if (!this.#isSetUp) return
    // A second change does not shorten the first.
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
    const provisioned = {
      inputTpm,
      outputTpm,
      snapshot: this.order.modelName,
      ...(thinkingTpm !== undefined && { thinkingTpm }),
    }
    return { limits: base?.limits ?? {}, provisioned, since }
  }
}
