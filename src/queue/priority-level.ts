import { FairShare, type FairShareOptions } from './fair-share.js'
import { JobList, CostSum, type Waiting } from './job-list.js'
import type { SkipListNode } from './skip-list.js'

/** The jobs of one priority. */
export class PriorityLevel {
  readonly priority: number
  readonly load = new CostSum()
  /** Those that were put back: before all others, for they have waited their turn already. */
  readonly back = new JobList(this)
  readonly tenants: FairShare
  place: SkipListNode<PriorityLevel> | undefined
  /** When one of its jobs last started, or since when there are any, in the clock's ms. */
  servedAt: number
  /** The levels that were served just before and just after it. */
  older: PriorityLevel | undefined
  newer: PriorityLevel | undefined

  constructor(priority: number, fairness: FairShareOptions, now: number) {
    this.priority = priority
    this.tenants = new FairShare(this, fairness)
    this.servedAt = now
  }

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

  /** Up to `most` in all of its jobs that may overtake `head`, in about the order in which they would start. */
  collect(into: Waiting[], most: number, head: Waiting): void {
    for (let job = this.back.first; job !== undefined && into.length < most; job = job.after) {
      if (job !== head) into.push(job)
    }
    this.tenants.collect(into, most, head)
  }

  /** Adds what starts before a new job of a tenant. */
  addAhead(tenant: string | undefined, into: CostSum): void {
    into.count(this.back.load, 1)
    this.tenants.addAhead(tenant, into)
  }
}
