import { Delays } from './delays.js'

/** Jobs that something is due for at a time of their own, each with its lane. */
export class TimedJobs<J, L> {
  readonly #delays = new Delays<J>()
  readonly #lanes = new Map<J, L>()

  get size(): number {
    return this.#lanes.size
  }

  /** When the first is due, in the clock's ms; Infinity if there is none. */
  get nextDueAt(): number {
    return this.#delays.nextDueAt
  }

  add(job: J, lane: L, dueAt: number): void {
    this.#delays.add(job, dueAt)
    this.#lanes.set(job, lane)
  }

  /** False if it is not here. */
  remove(job: J): boolean {
    return this.#lanes.delete(job) && this.#delays.remove(job)
  }

  /** Takes out the first that is due at `now`. */
  takeDue(now: number): { job: J; lane: L } | undefined {
    const job = this.#delays.takeDue(now)
    if (job === undefined) return undefined
    const lane = this.#lanes.get(job)!
    this.#lanes.delete(job)
    return { job, lane }
  }

  countIn(lane: L): number {
    let count = 0
    for (const each of this.#lanes.values()) if (each === lane) count++
    return count
  }

  /** Takes out all of one lane, or all. */
  takeAll(only?: L): J[] {
    const taken: J[] = []
    for (const [job, lane] of this.#lanes) if (only === undefined || lane === only) taken.push(job)
    for (const job of taken) this.remove(job)
    return taken
  }
}
