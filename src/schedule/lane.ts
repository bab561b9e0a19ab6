import { startOf, type Gate, type Never, type Reservation } from '../meter/gate.js'
import type { Cost } from '../types.js'
import type { Waiting } from './job-list.js'
import { mayWaitFor, pack, type Packed, type Room } from './packing.js'
import type { Pool } from './pool.js'
import { JobQueue } from './queue.js'

const MINUTE_MS = 60_000

/** What the scheduler needs of a job. */
export interface Schedulable extends Waiting {
  /** Until when it must start, in the clock's ms; Infinity where it has no deadline. */
  readonly startBy: number
}

/** A job that left its queue: admitted, and charged to its tenant with `share`; or because it never can be; or late. */
export type Step<J> =
  | { readonly job: J; readonly reservation: Reservation; readonly share: number; readonly wasHead: boolean }
  | { readonly job: J; readonly never: Never }
  | { readonly job: J; readonly isLate: true }

/** For so long a head waits for a time at which few answers are written; then nothing starts that would write more. */
const PUT_OFF_MS = 120_000

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
  /**
   * When the head that waits is to have room in what several lanes share, as found by {@link next}; Infinity: no matter, for it waits
   * for something of its own that no time ends.
   */
  claimAt = Infinity
  /** The head that has to wait, and when it could start if nothing went before it. */
  #head: J | undefined
  #headAt = Infinity
  /** Since when it is the head. */
  #headSince = 0

  constructor(gate: Gate, owner: Halting, pool: Pool<J>, weightOf: (tenant: string | undefined) => number) {
    this.gate = gate
    this.owner = owner
    this.pool = pool
    this.queue = new JobQueue<J>({ weightOf, shareOf: (cost) => gate.shareOf(cost) })
  }

  /**
   * Who leaves the queue at `now`; undefined: nobody, until `wakeAt` or a change. What overtakes a head delays it by no more
   * than `maxHeadDelayMs` after the time at which it could have started, had nothing gone before it. For that `most` others
   * are looked at.
   */
  next(now: number, maxHeadDelayMs: number, most: number, mayTake: MayTake = always): Step<J> | undefined {
    this.wakeAt = Infinity
    this.claimAt = Infinity
    if (this.owner.isPaused) return undefined
    const head = this.queue.peek(now)
    if (head === undefined) return undefined
    if (head.startBy < now) return { job: this.#out(head), isLate: true }
    let headAt = now
    let isExpected = false
    if (mayTake(head.cost)) {
      const admission = this.gate.admit(head.cost, now)
      if (admission.kind === undefined) return this.#started(head, admission, now, true)
      if (admission.kind === 'never') return { job: this.#out(head), never: admission }
      if (admission.kind === 'until-change') return undefined
      headAt = admission.at
      isExpected = admission.isExpected === true
    }
    if (head !== this.#head) {
      this.#head = head
      this.#headSince = now
      this.#headAt = headAt
    } else if (headAt < this.#headAt) this.#headAt = headAt
    // While it waits for answers to end others are not what delays it, as long as theirs may still be few at some time.
    const putsUp = isExpected && now < this.#headSince + PUT_OFF_MS && maxHeadDelayMs > 0
    const mostDelayMs = putsUp ? Infinity : maxHeadDelayMs
    const { start, wakeAt } = this.#overtaker(head, headAt, now, mostDelayMs, most, mayTake, isExpected)
    if (start !== undefined && start.startBy < now) return { job: this.#out(start), isLate: true }
    const admission = start && this.gate.admit(start.cost, now)
    if (start !== undefined && admission!.kind === undefined) {
      return this.#started(start, admission as Reservation, now, false)
    }
    this.claimAt = this.#waitsForShared(head, headAt, now) ? this.#headAt : headAt
    this.wakeAt = Math.min(headAt > now ? headAt : Infinity, wakeAt)
    return undefined
  }

  /** Whether a new job of this cost would start at `now`, before the head that waits. */
  wouldOvertake(cost: Cost, now: number, maxHeadDelayMs: number): boolean {
    const head = this.queue.peek(now)
    if (head === undefined || this.owner.isPaused || this.gate.heldUntil > now) return false
    const room = this.#roomFor(head, now, always)
    const at = startOf(this.gate.earliest(head.cost, now))
    const by = head === this.#head ? Math.max(this.#headAt + maxHeadDelayMs, at) : at + maxHeadDelayMs
    return room.earliest(cost) <= now && mayWaitFor(cost, room, { at, by })
  }

  #overtaker(
    head: J,
    headAt: number,
    now: number,
    maxHeadDelayMs: number,
    most: number,
    mayTake: MayTake,
    mayTakeLarger: boolean,
  ): Packed<J> {
    const { heldUntil } = this.gate
    if (heldUntil > now) return { start: undefined, wakeAt: heldUntil }
    // What put it off beside them, such as a usage above its reservation, is no reason to leave the rest unused.
    const times = { at: headAt, by: Math.max(this.#headAt + maxHeadDelayMs, headAt) }
    const room = this.#roomFor(head, now, mayTake, mayTakeLarger)
    return pack(head.cost, this.queue.behind(head, most), room, now, times)
  }

  #roomFor(head: J, now: number, mayTake: MayTake, mayTakeLarger = false): Room {
    const { gate } = this
    return {
      earliest(cost) {
        const at = startOf(gate.earliest(cost, now))
        return at <= now && !mayTake(cost) ? Infinity : at
      },
      headAfter: (cost) => startOf(gate.earliest(head.cost, now, cost)),
      workMs: (cost) => MINUTE_MS * gate.shareOf(cost),
      mayTakeLarger,
    }
  }

  /** Whether it is the pool's gate, not one of its own, that the head waits for. */
  #waitsForShared(head: J, headAt: number, now: number): boolean {
    const { gate } = this.pool
    return gate === this.gate || startOf(gate.earliest(head.cost, now)) >= headAt
  }

  #started(job: J, reservation: Reservation, now: number, wasHead: boolean): Step<J> {
    return { job, reservation, share: this.queue.start(job, now), wasHead }
  }

  #out(job: J): J {
    this.queue.remove(job)
    return job
  }
}

const always = (): boolean => true
