import type { Cost } from '../types.js'

/** A job as its queue sees it: a request that waits. The queue alone sets the links `inList`, `before` and `after`. */
export interface Waiting {
  readonly priority: number
  /** The tenant of the job. All jobs without one share one tenant of their own. */
  readonly tenant: string | undefined
  /** The cost that the gate charges when the job starts. It does not change while the job waits. */
  readonly cost: Cost
  inList: JobList | undefined
  before: Waiting | undefined
  after: Waiting | undefined
}

/** The sums of the costs of jobs. */
export class CostSum {
  jobs = 0
  requests = 0
  inputTokens = 0
  outputTokens = 0
  thinkingTokens = 0
  knownOutputTokens = 0

  /** Adds `times` × `cost`: 1 for a job that enters, -1 for one that leaves, a fraction for a part of one. */
  count(cost: Cost, times: number): void {
    const { requests, inputTokens, outputTokens, thinkingTokens, knownOutputTokens = 0 } = cost
    this.jobs += times
    this.requests += times * requests
    this.inputTokens += times * inputTokens
    this.outputTokens += times * outputTokens
    this.thinkingTokens += times * thinkingTokens
    this.knownOutputTokens += times * knownOutputTokens
  }

  /** Rounds all sums up: fractions of costs were added, and a gate takes whole amounts only. */
  roundUp(): void {
    this.jobs = Math.ceil(this.jobs)
    this.requests = Math.ceil(this.requests)
    this.inputTokens = Math.ceil(this.inputTokens)
    this.outputTokens = Math.ceil(this.outputTokens)
    this.thinkingTokens = Math.ceil(this.thinkingTokens)
    this.knownOutputTokens = Math.ceil(this.knownOutputTokens)
  }
}

/** Jobs in their order, linked in both directions. Each operation is O(1). */
export class JobList {
  /** The object that this list belongs to. */
  readonly holder: object
  first: Waiting | undefined
  last: Waiting | undefined
  readonly load = new CostSum()

  constructor(holder: object) {
    this.holder = holder
  }

  append(job: Waiting): void {
    job.inList = this
    job.before = this.last
    job.after = undefined
    if (this.last === undefined) this.first = job
    else this.last.after = job
    this.last = job
    this.load.count(job.cost, 1)
  }

  /** Removes a job, which must be in this list. */
  remove(job: Waiting): void {
    if (job.before === undefined) this.first = job.after
    else job.before.after = job.after
    if (job.after === undefined) this.last = job.before
    else job.after.before = job.before
    job.inList = job.before = job.after = undefined
    this.load.count(job.cost, -1)
  }
}
