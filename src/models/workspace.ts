import { Events } from '../metrics/events.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'
import type { Scheduler } from '../queue/scheduler.js'
import { ModelRegistry, type ModelRegistryOptions } from './model-registry.js'
import type { Resolve } from './effective-limits.js'
import { IdleTracker } from './idle-tracker.js'
import type { Job } from '../dispatch/job.js'
import { TenantActivity } from './tenant-activity.js'

interface Within {
  readonly account: Workspace
  readonly name: string
}

/**
 * What requests are sent for: the account itself, or one of its workspaces, whose limits hold beside the account's. Each has
 * models, queues, statistics and an end of its own.
 */
export class Workspace {
  /** Undefined: it is the account. */
  readonly account: Workspace | undefined
  readonly name: string | undefined
  readonly events: Events
  readonly models: ModelRegistry
  readonly tenants: TenantActivity
  readonly idle: IdleTracker
  isClosed = false
  /** Closed without waiting: what runs is not repeated. */
  isAbandoned = false
  #isPaused = false

  constructor(options: ModelRegistryOptions, resolve: Resolve, scheduler: Scheduler<Job>, within?: Within) {
    const account = within?.account
    this.account = account
    this.name = within?.name
    this.events = new Events(within && { above: within.account.events, workspace: within.name })
    this.tenants = new TenantActivity(() => options.clock.now())
    this.models = new ModelRegistry(options, resolve, scheduler, this)
    this.idle = new IdleTracker(() => this.waiting(scheduler), account?.idle)
  }

  get isPaused(): boolean {
    return this.#isPaused || this.account?.isPaused === true
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused
  }

  /** Who hears of a request of a tenant, beside `others`. */
  recorderOf(tenant: string, others: Recorder): Recorder {
    const own = this.tenants.of(tenant)
    const all = this.account?.tenants.of(tenant)
    return new Recorders(...[others, own, all].filter((each) => each !== undefined))
  }

  /** How many requests wait; those of the account are all of its workspaces, too. */
  waiting(scheduler: Scheduler<Job>): number {
    if (this.account === undefined) return scheduler.waiting
    let waiting = 0
    for (const { lane } of this.models.all()) waiting += scheduler.waitingIn(lane)
    return waiting
  }
}
