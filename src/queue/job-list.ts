import type { Cost } from '../types.js'

/** What a queue needs of a job: the links are the queue's own. */
export interface Waiting {
  readonly priority: number
  /** Whose it is; those of nobody are one tenant of their own. */
  readonly tenant: string | undefined
  /** What it is charged with when it starts; it does not change while it waits here. */
  readonly cost: Cost
  inList: JobList | undefined
  before: Waiting | undefined
  after: Waiting | undefined
}

/** The sums of what jobs cost. */
export class CostSum {
  jobs = 0
  requests = 0
  inputTokens = 0
  outputTokens = 0
  thinkingTokens = 0
  knownOutputTokens = 0

  /** Counts a cost that comes (1) or goes (-1), or a part of one. */
  count(cost: Cost, times: number): void {
    const { requests, inputTokens, outputTokens, thinkingTokens, knownOutputTokens = 0 } = cost
    this.jobs += times
    this.requests += times * requests
    this.inputTokens += times * inputTokens
    this.outputTokens += times * outputTokens
    this.thinkingTokens += times * thinkingTokens
    this.knownOutputTokens += times * knownOutputTokens
  }

  /** Parts of costs were counted: gates take whole amounts. */
  roundUp(): void {
    this.jobs = Math.ceil(this.jobs)
    this.requests = Math.ceil(this.requests)
    this.inputTokens = Math.ceil(this.inputTokens)
    this.outputTokens = Math.ceil(this.outputTokens)
    this.thinkingTokens = Math.ceil(this.thinkingTokens)
    this.knownOutputTokens = Math.ceil(this.knownOutputTokens)
  }
}

/** Jobs in their order. Each operation is O(1). */
export class JobList {
  /** What this list is a part of. */
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

  /** The job must be in this list. */
  remove(job: Waiting): void {
    if (job.before === undefined) this.first = job.after
    else job.before.after = job.after
    if (job.after === undefined) this.last = job.before
    else job.after.before = job.before
    job.inList = job.before = job.after = undefined
    this.load.count(job.cost, -1)
  }
}
