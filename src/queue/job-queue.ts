import type { Cost } from '../types.js'
import type { FairShareOptions } from './fair-share.js'
import { CostSum, type Waiting } from './job-list.js'
import { PriorityLevel } from './priority-level.js'
import { SkipList } from './skip-list.js'

/**
 * Ageing: a priority of which nothing has started for so long, in ms, comes before all others with one job; the longest passed
 * over first, and between two such turns there is one of the highest priority. So the n-th job of a priority is next after
 * n times this and, with p priorities that wait so long, 2pn jobs.
 */
export const AGED_AFTER_MS = 300_000

/** For a prediction so many priorities are looked at. */
const MAX_LEVELS = 256

/**
 * Jobs in the order in which they are to start: higher priorities first, with ageing; within one, those put back, then
 * tenants by their shares; of one tenant, first in first out.
 *
 * The one that is next stays it until it starts or leaves, for what it waits for must not be taken by others again and again.
 * Only a higher priority, or a job put back, comes before it; before an aged one nothing does.
 */
export class JobQueue<J extends Waiting> {
  readonly #fairness: FairShareOptions
  /** By priority, highest first; those without jobs are removed. */
  readonly #levels = new SkipList<PriorityLevel>()
  /** The levels by the time of their last start. */
  #oldest: PriorityLevel | undefined
  #newest: PriorityLevel | undefined
  #size = 0
  #head: J | undefined
  /** Whether it is next, or the one before it was, because of its age. */
  #isAged = false
  #wasAged = false

  constructor(fairness: FairShareOptions) {
    this.#fairness = fairness
  }

  get size(): number {
    return this.#size
  }

  /** The job that was found to be next and still is. */
  get head(): J | undefined {
    return this.#head
  }

  /** The job to start next. */
  peek(now: number): J | undefined {
    return this.#head ?? this.#choose(now)
  }

  /** Up to `most` that may overtake the head, in about the order in which they would start. */
  behind(head: J, most: number): J[] {
    const found: Waiting[] = []
    for (let at = this.#levels.first; at !== undefined && found.length < most; at = at.next) {
      at.item.collect(found, most, head)
    }
    return found as J[]
  }

  /** What all jobs cost that start before a new one of this priority and tenant, as things stand. */
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

  push(job: J, now: number): void {
    this.#levelFor(job, now).push(job)
    this.#size++
    if (this.#head !== undefined && job.priority > this.#head.priority) this.#reconsider()
  }

  /** Puts a job before all others of its priority, but for those that were put back before. */
  putBack(job: J, now: number): void {
    this.#levelFor(job, now).putBack(job)
    this.#size++
    if (this.#head !== undefined && job.priority >= this.#head.priority) this.#reconsider()
  }

  /** Takes a job out, wherever it stands. False if it is not in this queue. */
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

  /** Takes a job out because it starts: its tenant and its priority have had this turn. Returns what its tenant is charged with. */
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

  /** A job that had been charged with `share` used `actual`. */
  correct({ priority, tenant }: Pick<J, 'priority' | 'tenant'>, share: number, actual: Cost): void {
    this.#find(priority)?.tenants.correct(tenant, this.#fairness.shareOf(actual) - share)
  }

  /** Takes out all jobs, next to start first. */
  takeAll(now: number): J[] {
    const taken: J[] = []
    for (let job = this.peek(now); job !== undefined; job = this.peek(now)) {
      this.remove(job)
      taken.push(job)
    }
    return taken
  }

  /** Adds how many jobs of each tenant wait. */
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
