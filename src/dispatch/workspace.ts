import { Events } from '../metrics/events.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { Groups, type GroupsOptions, type Resolve } from './groups.js'
import { Idle } from './idle.js'
import type { Job } from './job.js'
import { TenantActivity } from './tenant-activity.js'

/**
 * What requests are sent for: the account itself, or one of its workspaces, whose limits hold beside the account's. Each has
 * models, queues, statistics and an end of its own.
 */
export class Workspace {
  /** Undefined: it is the account. */
  readonly account: Workspace | undefined
  readonly events: Events
  readonly groups: Groups
  readonly tenants = new TenantActivity()
  readonly idle: Idle
  isClosed = false
  /** Closed without waiting: what runs is not repeated. */
  isAbandoned = false
  #isPaused = false

  constructor(options: GroupsOptions, resolve: Resolve, scheduler: Scheduler<Job>, account?: Workspace) {
    this.account = account
    this.events = new Events(account?.events)
    this.groups = new Groups(options, resolve, scheduler, this)
    this.idle = new Idle(() => this.waiting(scheduler), account?.idle)
  }

  get isPaused(): boolean {
    return this.#isPaused || this.account?.isPaused === true
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused
  }

  /** How many requests wait; those of the account are all of its workspaces, too. */
  waiting(scheduler: Scheduler<Job>): number {
    if (this.account === undefined) return scheduler.waiting
    let waiting = 0
    for (const { lane } of this.groups.all()) waiting += scheduler.waitingIn(lane)
    return waiting
  }
}
