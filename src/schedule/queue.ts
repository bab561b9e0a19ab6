import type { Cost } from '../types.js'

/** What a queue needs of a job: the links are the queue's own. */
export interface Waiting {
  readonly priority: number
  /** What it is charged with when it starts; it does not change while it waits here. */
  readonly cost: Cost
  inClass: PriorityClass | undefined
  before: Waiting | undefined
  after: Waiting | undefined
}

/** The jobs of one priority, first to last. */
export class PriorityClass {
  readonly priority: number
  first: Waiting | undefined
  last: Waiting | undefined
  /** The last of those that were put back: they come before all others. */
  lastBack: Waiting | undefined
  /** The sums of what its jobs cost. */
  requests = 0
  inputTokens = 0
  outputTokens = 0
  thinkingTokens = 0

  constructor(priority: number) {
    this.priority = priority
  }

  /** Counts a job that comes (1) or goes (-1). */
  count({ requests, inputTokens, outputTokens, thinkingTokens }: Cost, sign: 1 | -1): void {
    this.requests += sign * requests
    this.inputTokens += sign * inputTokens
    this.outputTokens += sign * outputTokens
    this.thinkingTokens += sign * thinkingTokens
  }
}

/**
 * Jobs in the order in which they are to start: higher priorities first, first in first out within one. Adding and
 * removing at any place is O(1) for a priority that is in use, a search among the priorities else.
 *
 * The order within a priority is the place where shares of tenants will come in.
 */
export class JobQueue<J extends Waiting> {
  /** Highest priority first; classes without jobs are removed. */
  #classes: PriorityClass[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The job to start next. */
  peek(): J | undefined {
    return this.#classes[0]?.first as J | undefined
  }

  /** The next `most` jobs behind one, in their order. */
  *behind(job: J, most: number): Generator<J, void, undefined> {
    let left = most
    let index = this.#classes.indexOf(job.inClass!)
    let next: Waiting | undefined = job.after
    for (;;) {
      while (next === undefined) {
        const inClass: PriorityClass | undefined = this.#classes[++index]
        if (inClass === undefined) return
        next = inClass.first
      }
      if (left-- === 0) return
      yield next as J
      next = next.after
    }
  }

  /** What all jobs cost that start before a new one of this priority. */
  ahead(priority: number): Cost {
    let [requests, inputTokens, outputTokens, thinkingTokens] = [0, 0, 0, 0]
    for (const each of this.#classes) {
      if (each.priority < priority) break
      requests += each.requests
      inputTokens += each.inputTokens
      outputTokens += each.outputTokens
      thinkingTokens += each.thinkingTokens
    }
    return { requests, inputTokens, outputTokens, thinkingTokens }
  }

  push(job: J): void {
    const inClass = this.#classOf(job.priority)
    this.#insertAfter(inClass.last, job, inClass)
  }

  /**
   * Puts a job before all others of its priority, but for those that were put back before: it has waited its turn
   * already, and so have they.
   */
  putBack(job: J): void {
    const inClass = this.#classOf(job.priority)
    this.#insertAfter(inClass.lastBack, job, inClass)
    inClass.lastBack = job
  }

  /** Takes a job out, wherever it stands. False if it is not in this queue. */
  remove(job: J): boolean {
    const inClass = job.inClass
    if (inClass === undefined) return false
    if (job.before === undefined) inClass.first = job.after
    else job.before.after = job.after
    if (job.after === undefined) inClass.last = job.before
    else job.after.before = job.before
    if (inClass.lastBack === job) inClass.lastBack = job.before
    job.inClass = job.before = job.after = undefined
    inClass.count(job.cost, -1)
    this.#size--
    if (inClass.first === undefined) this.#classes.splice(this.#classes.indexOf(inClass), 1)
    return true
  }

  /** Takes out all jobs, next to start first. */
  takeAll(): J[] {
    const taken: J[] = []
    for (let job = this.peek(); job !== undefined; job = this.peek()) {
      this.remove(job)
      taken.push(job)
    }
    return taken
  }

  /** `before` undefined: at the head. */
  #insertAfter(before: Waiting | undefined, job: J, inClass: PriorityClass): void {
    const after = before === undefined ? inClass.first : before.after
    job.inClass = inClass
    job.before = before
    job.after = after
    if (before === undefined) inClass.first = job
    else before.after = job
    if (after === undefined) inClass.last = job
    else after.before = job
    inClass.count(job.cost, 1)
    this.#size++
  }

  #classOf(priority: number): PriorityClass {
    let low = 0
    let high = this.#classes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#classes[middle]!.priority > priority) low = middle + 1
      else high = middle
    }
    const found = this.#classes[low]
    if (found?.priority === priority) return found
    const added = new PriorityClass(priority)
    this.#classes.splice(low, 0, added)
    return added
  }
}
