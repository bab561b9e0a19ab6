import { SkipList, type SkipListNode } from './skip-list.js'

interface Due<J, L> {
  readonly job: J
  readonly lane: L
}

/**
 * Jobs that each become due at a time of their own, with their lanes. Jobs of the same time are due in the order in
 * which they were added. Adding and removing take O(log n) on average.
 */
export class DelayQueue<J, L> {
  readonly #due = new SkipList<Due<J, L>>()
  readonly #places = new Map<J, SkipListNode<Due<J, L>>>()
  readonly #counts = new Map<L, number>()

  get size(): number {
    return this.#places.size
  }

  /** When the first job is due, in the clock's ms; Infinity if the queue is empty. */
  get nextDueAt(): number {
    return this.#due.first?.key ?? Infinity
  }

  add(job: J, lane: L, dueAt: number): void {
    this.#places.set(job, this.#due.add({ job, lane }, dueAt))
    this.#counts.set(lane, this.countIn(lane) + 1)
  }

  /** Removes a job. Returns false if the job is not in this queue. */
  remove(job: J): boolean {
    const place = this.#places.get(job)
    if (place === undefined) return false
    this.#places.delete(job)
    this.#due.remove(place)
    const { lane } = place.item
    const left = this.countIn(lane) - 1
    if (left === 0) this.#counts.delete(lane)
    else this.#counts.set(lane, left)
    return true
  }

  /** Removes and returns the first job that is due at `now`; undefined if none is. */
  takeDue(now: number): Due<J, L> | undefined {
    const first = this.#due.first
    if (first === undefined || first.key > now) return undefined
    this.remove(first.item.job)
    return first.item
  }

  /** The number of jobs of one lane. */
  countIn(lane: L): number {
    return this.#counts.get(lane) ?? 0
  }

  /** The jobs of one lane, in the order in which they were added. */
  of(lane: L): J[] {
    const found: J[] = []
    if (this.countIn(lane) === 0) return found
    for (const { item } of this.#places.values()) if (item.lane === lane) found.push(item.job)
    return found
  }

  /** Removes and returns the jobs of one lane. */
  takeAll(lane: L): J[] {
    const taken = this.of(lane)
    for (const job of taken) this.remove(job)
    return taken
  }
}
