import { Events } from '../metrics/events.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'
import type { Scheduler } from '../queue/scheduler.js'
import type { Resolve } from './state/configured-limits.js'
import { IdleTracker } from './idle-tracker.js'
import type { ModelOwner } from './model-owner.js'
import { ModelRegistry, type ModelRegistryOptions } from './model-registry.js'
import type { QueuedRequest } from './queued-request.js'
import { TenantActivity } from './tenant-activity.js'

interface Within {
  readonly account: Workspace
  readonly name: string
}

/**
 * What requests are sent for: the account itself, or one of its workspaces, whose limits hold beside the account's. Each has
 * models, queues, statistics and an end of its own.
 */
export class Workspace implements ModelOwner {
  /** Undefined: it is the account. */
  readonly account: Workspace | undefined
  readonly name: string | undefined
  readonly events: Events
  readonly models: ModelRegistry
  readonly tenants: TenantActivity
  readonly idle: IdleTracker
  #isClosed = false
  #isAbandoned = false
  #isPaused = false

  constructor(options: ModelRegistryOptions, resolve: Resolve, scheduler: Scheduler<QueuedRequest>, within?: Within) {
    const account = within?.account
    this.account = account
    this.name = within?.name
    this.events = new Events(within && { above: within.account.events, workspace: within.name })
    this.tenants = new TenantActivity(() => options.clock.now())
    this.models = new ModelRegistry(options, resolve, scheduler, this, account?.models)
    this.idle = new IdleTracker(() => this.waiting(scheduler), account?.idle)
  }

  /** Whether it takes no new requests. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  get isPaused(): boolean {
    return this.#isPaused || this.account?.isPaused === true
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
  }

  /** Takes no new requests; with `abandon` nothing that runs is repeated, either. */
  close(abandon: boolean): void {
    this.#isClosed = true
    if (abandon) this.#isAbandoned = true
  }

  recorderOf(tenant: string, others: Recorder): Recorder {
    const own = this.tenants.of(tenant)
    const all = this.account?.tenants.of(tenant)
    return new Recorders(...[others, own, all].filter((each) => each !== undefined))
  }

  /** How many requests wait; those of its workspaces wait for the account, too. */
  waiting(scheduler: Scheduler<QueuedRequest>): number {
    if (this.account === undefined) return scheduler.waiting
    let waiting = 0
    for (const { lane } of this.models.all()) waiting += scheduler.waitingIn(lane)
    return waiting
  }
}
