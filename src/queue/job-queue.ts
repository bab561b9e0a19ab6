import type { Cost } from '../types.js'
import type { FairShareOptions } from './fair-share.js'
import { CostSum, type Waiting } from './job-list.js'
import { PriorityLevel } from './priority-level.js'
import { SkipList } from './skip-list.js'

/**
 * Ageing: how long a priority waits without a start before its next job goes before all others, in ms.
 *
 * The priority that has waited longest goes first, with one job. Between two aged jobs the highest priority starts one.
 * So the n-th job of a priority is the head after at most n times this. At most 2pn other jobs start in addition, if p
 * priorities have aged. Priorities age, not jobs: otherwise an old backlog would go before all new jobs of a higher
 * priority (docs/decisions/008-shares-and-overtaking.md).
 *
 * Chosen. Larger: low priorities wait longer while higher ones are busy. Smaller: aged jobs take more starts from the
 * highest priority, up to one in two.
 */
export const AGED_AFTER_MS = 300_000

/**
 * The most priorities that one prediction reads, highest first.
 *
 * Chosen. Larger: a prediction takes longer. Smaller: with more priorities waiting, the predicted start is too early.
 */
const MAX_LEVELS = 256

/**
 * The jobs of one lane in the order in which they start. Higher priorities come first, except for ageing ({@link
 * AGED_AFTER_MS}). Within a priority the jobs that were put back come first, then the tenants by their shares. Within a
 * tenant the order is first in, first out.
 *
 * The head, once chosen, stays the head until it starts or leaves. Otherwise other jobs could take the room that it
 * waits for, again and again. A job of a higher priority or a job that was put back replaces the head, unless the head
 * is an aged one.
 */
export class JobQueue<J extends Waiting> {
  readonly #fairness: FairShareOptions
  /** The priorities that have jobs, highest first. */
  readonly #levels = new SkipList<PriorityLevel>()
  /** The ends of the list of levels by the time of their last start. */
  #oldest: PriorityLevel | undefined
  #newest: PriorityLevel | undefined
  #size = 0
  #head: J | undefined
  /** Whether the head was chosen because of its age, and whether the head before it was. */
  #isAged = false
  #wasAged = false

  constructor(fairness: FairShareOptions) {
    this.#fairness = fairness
  }

  get size(): number {
    return this.#size
  }

  /** The current head; undefined if none has been chosen since the last one started or left. */
  get head(): J | undefined {
    return this.#head
  }

  /** The job that starts next, which becomes the head; undefined if the queue is empty. */
  peek(now: number): J | undefined {
    return this.#head ?? this.#choose(now)
  }

  /** Up to `most` jobs that may overtake the head, roughly in the order in which they would start. */
  behind(head: J, most: number): J[] {
    const found: Waiting[] = []
    for (let at = this.#levels.first; at !== undefined && found.length < most; at = at.next) {
      at.item.collect(found, most, head)
    }
    return found as J[]
  }

  /**
   * The summed cost of all jobs that start before a new job of this priority and tenant. Later arrivals and ageing are
   * not in it.
   */
  ahead(priority: number, tenant: string | undefined): CostSum {
    const ahead = new CostSum()
    let left = MAX_LEVELS
    for (let at = this.#levels.first; at !== undefined && left-- > 0; at = at.next) {
      const level = at.item
      if (level.priority < priority) break
      if (level.priority > priority) ahead.count(level.load, 1)
      else level.addAhead(tenant, ahead)
    }
    ahead.roundUp()
    return ahead
  }

  /** Adds a job behind the other jobs of its priority and tenant. */
  push(job: J, now: number): void {
    this.#levelFor(job, now).push(job)
    this.#size++
    if (this.#head !== undefined && job.priority > this.#head.priority) this.#reconsider()
  }

  /** Puts a job back before all new jobs of its priority, behind those that were put back earlier. */
  putBack(job: J, now: number): void {
    this.#levelFor(job, now).putBack(job)
    this.#size++
    if (this.#head !== undefined && job.priority >= this.#head.priority) this.#reconsider()
  }

  /** Removes a job, wherever it is in this queue. Returns false if the job is not in any queue. */
  remove(job: J): boolean {
    const list = job.inList
    if (list === undefined) return false
    const level = list.holder as PriorityLevel
    level.remove(job)
    this.#size--
    if (job === this.#head) this.#head = undefined
    if (level.next === undefined) this.#drop(level)
    return true
  }

  /** Removes a job because it starts, and charges its tenant. Returns the share that the tenant is charged with. */
  start(job: J, now: number): number {
    const level = job.inList!.holder as PriorityLevel
    const share = this.#fairness.shareOf(job.cost)
    if (job === this.#head) this.#wasAged = this.#isAged
    level.tenants.charge(job.tenant, share)
    level.servedAt = now
    if (level !== this.#newest) {
      this.#unlink(level)
      this.#linkNewest(level)
    }
    this.remove(job)
    return share
  }

  /** Corrects the charge of a tenant: a job that was charged with `share` used the cost `actual`. */
  correct({ priority, tenant }: Pick<J, 'priority' | 'tenant'>, share: number, actual: Cost): void {
    this.#find(priority)?.tenants.correct(tenant, this.#fairness.shareOf(actual) - share)
  }

  /** Removes and returns all jobs, in the order in which they would start. */
  takeAll(now: number): J[] {
    const taken: J[] = []
    for (let job = this.peek(now); job !== undefined; job = this.peek(now)) {
      this.remove(job)
      taken.push(job)
    }
    return taken
  }

  /** Adds the number of waiting jobs of each tenant to `into`. */
  countTenants(into: Map<string | undefined, number>): void {
    const add = (tenant: string | undefined, jobs: number) => into.set(tenant, (into.get(tenant) ?? 0) + jobs)
    for (let at = this.#levels.first; at !== undefined; at = at.next) {
      for (const [tenant, jobs] of at.item.tenants.counts()) add(tenant, jobs)
      for (let job = at.item.back.first; job !== undefined; job = job.after) add(job.tenant, 1)
    }
  }

  #choose(now: number): J | undefined {
    const highest = this.#levels.first?.item
    if (highest === undefined) return undefined
    const oldest = this.#oldest!
    this.#isAged = !this.#wasAged && oldest !== highest && oldest.servedAt + AGED_AFTER_MS <= now
    this.#head = (this.#isAged ? oldest : highest).next as J
    return this.#head
  }

  /** Lets the next {@link peek} choose the head anew. An aged head stays. */
  #reconsider(): void {
    if (!this.#isAged) this.#head = undefined
  }

  #find(priority: number): PriorityLevel | undefined {
    const highest = this.#levels.first?.item
    if (highest?.priority === priority) return highest
    const found = this.#levels.atLeast(-priority)?.item
    return found?.priority === priority ? found : undefined
  }

  #levelFor({ priority }: J, now: number): PriorityLevel {
    const found = this.#find(priority)
    if (found !== undefined) return found
    const level = new PriorityLevel(priority, this.#fairness, now)
    level.place = this.#levels.add(level, -priority)
    this.#linkNewest(level)
    return level
  }

  #drop(level: PriorityLevel): void {
    this.#levels.remove(level.place!)
    this.#unlink(level)
  }

  #linkNewest(level: PriorityLevel): void {
    level.older = this.#newest
    level.newer = undefined
    if (this.#newest === undefined) this.#oldest = level
    else this.#newest.newer = level
    this.#newest = level
  }

  #unlink(level: PriorityLevel): void {
    if (level.older === undefined) this.#oldest = level.newer
    else level.older.newer = level.newer
    if (level.newer === undefined) this.#newest = level.older
    else level.newer.older = level.older
  }
}
