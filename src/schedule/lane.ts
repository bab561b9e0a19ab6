import { startOf, type Gate, type Never, type Reservation } from '../meter/gate.js'
import type { Cost } from '../types.js'
import type { Waiting } from './job-list.js'
import { MOST_CANDIDATES, pack, type Packed } from './packing.js'
import type { Pool } from './pool.js'
import { JobQueue } from './queue.js'

/** What the scheduler needs of a job. */
export interface Schedulable extends Waiting {
  /** Until when it must start, in the clock's ms; Infinity where it has no deadline. */
  readonly startBy: number
}

/** A job that left its queue: admitted, and charged to its tenant with `share`; or because it never can be; or late. */
export type Step<J> =
  | { readonly job: J; readonly reservation: Reservation; readonly share: number }
  | { readonly job: J; readonly never: Never }
  | { readonly job: J; readonly isLate: true }

/** Whether a cost may be taken from what several lanes share. */
type MayTake = (cost: Cost) => boolean

/** Whoever a lane belongs to may halt it. */
export interface Halting {
  readonly isPaused: boolean
}

/** One model's jobs and the gate that they wait for. */
export class Lane<J extends Schedulable> {
  readonly gate: Gate
  readonly owner: Halting
  readonly pool: Pool<J>
  readonly queue: JobQueue<J>
  /** When the first of the queue may start, or one that may go before it; Infinity if only a change can tell. */
  wakeAt = Infinity
  /** The head that has to wait, and when it could start if nothing went before it. */
  #head: J | undefined
  #headAt = Infinity

  constructor(gate: Gate, owner: Halting, pool: Pool<J>, weightOf: (tenant: string | undefined) => number) {
    this.gate = gate
    this.owner = owner
    this.pool = pool
    this.queue = new JobQueue<J>({ weightOf, shareOf: (cost) => pool.gate.shareOf(cost) })
  }

  /**
   * Who leaves the queue at `now`; undefined: nobody, until `wakeAt` or a change. What overtakes a head delays it by no more
   * than `maxHeadDelayMs` after the time at which it could have started, had nothing gone before it.
   */
  next(now: number, maxHeadDelayMs: number, mayTake: MayTake = always): Step<J> | undefined {
    this.wakeAt = Infinity
    if (this.owner.isPaused) return undefined
    const head = this.queue.peek(now)
    if (head === undefined) return undefined
    if (head.startBy < now) return { job: this.#out(head), isLate: true }
    let headAt = now
    if (mayTake(head.cost)) {
      const admission = this.gate.admit(head.cost, now)
      if (admission.kind === undefined) return this.#started(head, admission, now)
      if (admission.kind === 'never') return { job: this.#out(head), never: admission }
      if (admission.kind === 'until-change') return undefined
      headAt = admission.at
    }
    const { start, wakeAt } = this.#overtaker(head, headAt, now, maxHeadDelayMs, mayTake)
    const admission = start && this.gate.admit(start.cost, now)
    if (start !== undefined && admission!.kind === undefined) {
      return this.#started(start, admission as Reservation, now)
    }
    this.wakeAt = Math.min(headAt > now ? headAt : Infinity, wakeAt)
    return undefined
  }

  /** When the head that waits is to start at the latest, in the clock's ms, whatever others take; undefined: none waits. */
  headBy(maxHeadDelayMs: number): number | undefined {
    return this.#head !== undefined && this.#head === this.queue.head ? this.#headAt + maxHeadDelayMs : undefined
  }

  #overtaker(head: J, headAt: number, now: number, maxHeadDelayMs: number, mayTake: MayTake): Packed<J> {
    if (head !== this.#head) {
      this.#head = head
      this.#headAt = headAt
    } else if (headAt < this.#headAt) this.#headAt = headAt
    const { gate } = this
    if (gate.heldUntil > now) return NOBODY
    const room = {
      earliest: (cost: Cost) => (mayTake(cost) ? startOf(gate.earliest(cost, now)) : Infinity),
      headAfter: (cost: Cost) => startOf(gate.earliest(head.cost, now, cost)),
    }
    return pack(head.cost, this.queue.behind(head, MOST_CANDIDATES), room, now, this.#headAt + maxHeadDelayMs)
  }

  #started(job: J, reservation: Reservation, now: number): Step<J> {
    return { job, reservation, share: this.queue.start(job, now) }
  }

  #out(job: J): J {
    this.queue.remove(job)
    return job
  }
}

const NOBODY: Packed<never> = { start: undefined, wakeAt: Infinity }
const always = (): boolean => true
