import { FairShare, type FairShareOptions } from './fair-share.js'
import { JobList, CostSum, type Waiting } from './job-list.js'
import type { SkipListNode } from './skip-list.js'

/** The jobs of one priority of a queue. */
export class PriorityLevel {
  readonly priority: number
  readonly load = new CostSum()
  /** The jobs that were put back. They come before all others, since they have had their turn already. */
  readonly back = new JobList(this)
  readonly tenants: FairShare
  place: SkipListNode<PriorityLevel> | undefined
  /** When one of its jobs last started, or when the level was made, in the clock's ms. */
  servedAt: number
  /** The neighbours in the order of `servedAt`. */
  older: PriorityLevel | undefined
  newer: PriorityLevel | undefined

  constructor(priority: number, fairness: FairShareOptions, now: number) {
    this.priority = priority
    this.tenants = new FairShare(this, fairness)
    this.servedAt = now
  }

  /** The job of this priority that starts next. */
  get next(): Waiting | undefined {
    return this.back.first ?? this.tenants.first?.first
  }

  push(job: Waiting): void {
    this.tenants.push(job)
    this.load.count(job.cost, 1)
  }

  putBack(job: Waiting): void {
    this.back.append(job)
    this.load.count(job.cost, 1)
  }

  remove(job: Waiting): void {
    if (job.inList === this.back) this.back.remove(job)
    else this.tenants.remove(job)
    this.load.count(job.cost, -1)
  }

  /**
   * Adds the jobs of this priority that may overtake `head` to `into`, up to `most` in all, roughly in the order of
   * their starts.
   */
  collect(into: Waiting[], most: number, head: Waiting): void {
    for (let job = this.back.first; job !== undefined && into.length < most; job = job.after) {
      if (job !== head) into.push(job)
    }
    this.tenants.collect(into, most, head)
  }

  /** Adds the jobs of this priority that start before a new job of the tenant. */
  addAhead(tenant: string | undefined, into: CostSum): void {
    into.count(this.back.load, 1)
    this.tenants.addAhead(tenant, into)
  }
}
