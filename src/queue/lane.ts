import { startOf } from '../quota/admission-result.js'
import type { Admission } from '../quota/gate.js'
import type { Reservation } from '../quota/reservation.js'
import type { Cost } from '../types.js'
import { mayWaitFor, backfill, type Backfilled, type Room } from './backfill.js'
import type { LanePool } from './lane-pool.js'
import { JobQueue } from './job-queue.js'
import type { LaneStep, Schedulable } from './lane-step.js'

const MINUTE_MS = 60_000

/**
 * How long others may overtake a head without bound while it waits for answers in flight to end, in ms since it became
 * the head. Then `maxBackfillDelayMs` bounds them again. A head with a deadline waits like this for at most half of the
 * time to it.
 *
 * Such a head has room only while few answers are being written, and when that will be is not known. If all jobs waited
 * with it, the model would idle.
 *
 * Chosen. Larger: the head waits longer. Smaller: the model idles sooner.
 */
const PUT_OFF_MS = 120_000
/**
 * The same bound over all times that one job is the head, in ms since it first waited for answers to end. A job of a
 * higher priority takes the place of the head, and {@link PUT_OFF_MS} begins anew when the job is the head again.
 *
 * Chosen. Larger: the job may wait longer. Smaller: the model idles sooner.
 */
const MAX_PUT_OFF_MS = 300_000
/**
 * How often a lane asks its gate again while the head's time is only expected and nothing else wakes the lane, in ms.
 * Answers may end sooner than expected.
 *
 * Chosen. Larger: the head may start that much later than it could. Smaller: more wake-ups.
 */
const ASK_AGAIN_MS = 1000

/** Whether a job of this cost may start now, as far as the pool's other lanes are concerned. */
type MayTake = (cost: Cost) => boolean

/** The owner of a lane, which can pause it. */
export interface Pausable {
  readonly isPaused: boolean
}

/** One model's jobs and the gate that they wait for, in the account or in one workspace. */
export class Lane<J extends Schedulable> {
  readonly gate: Admission
  readonly owner: Pausable
  readonly pool: LanePool<J, Lane<J>>
  readonly queue: JobQueue<J>
  /**
   * When the head, or a job that may overtake it, may start, in the clock's ms. Infinity if a change must come first.
   */
  wakeAt = Infinity
  /**
   * When the claim of the waiting head on the shared gate begins, in the clock's ms, as {@link next} found it.
   * Infinity: the head has no claim.
   *
   * A head that waits for the shared gate claims the time at which it could have started if no job had overtaken it. A
   * head that waits for its lane's own limits claims the time at which that wait ends.
   */
  claimAt = Infinity
  /** The waiting head, and the earliest time at which it could have started if no job had overtaken it. */
  #head: J | undefined
  #headAt = Infinity
  /** When it became the head, in the clock's ms. */
  #headSince = 0
  /** When each job first had to wait for answers in flight to end, in the clock's ms. */
  readonly #putOffSince = new WeakMap<J, number>()

  constructor(
    gate: Admission,
    owner: Pausable,
    pool: LanePool<J, Lane<J>>,
    weightOf: (tenant: string | undefined) => number,
  ) {
    this.gate = gate
    this.owner = owner
    this.pool = pool
    this.queue = new JobQueue<J>({ weightOf, shareOf: (cost) => gate.shareOf(cost) })
  }

  /**
   * Removes and returns the job that leaves the queue at `now`; undefined if none does before {@link wakeAt} or a
   * change.
   *
   * All jobs that overtake a head delay it by at most `maxBackfillDelayMs` after the time at which it could have
   * started. Up to `most` jobs behind the head are examined.
   */
  next(now: number, maxBackfillDelayMs: number, most: number, mayTake: MayTake = always): LaneStep<J> | undefined {
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
    const putsUp = isExpected && maxBackfillDelayMs > 0 && this.#maySitOut(head, now)
    const room = this.#roomFor(head, now, mayTake, isExpected)
    const { start, wakeAt } = this.#overtaker(head, headAt, now, maxBackfillDelayMs, most, room, putsUp)
    if (start !== undefined && start.startBy < now) return { job: this.#out(start), isLate: true }
    const admission = start && this.gate.admit(start.cost, now)
    if (start !== undefined && admission!.kind === undefined) {
      return this.#started(start, admission as Reservation, now, false)
    }
    this.claimAt = this.#waitsForShared(head, headAt, now) ? this.#headAt : headAt
    const asksAgain = isExpected && (wakeAt === Infinity || maxBackfillDelayMs === 0)
    const askAt = asksAgain ? Math.min(headAt, now + ASK_AGAIN_MS) : headAt
    this.wakeAt = Math.min(askAt > now ? askAt : Infinity, wakeAt)
    return undefined
  }

  /** Whether a new job of this cost would start at `now`, before the waiting head. */
  wouldOvertake(cost: Cost, now: number, maxBackfillDelayMs: number): boolean {
    const head = this.queue.peek(now)
    if (head === undefined || this.owner.isPaused || this.gate.heldUntil > now) return false
    const room = this.#roomFor(head, now, always)
    const at = startOf(this.gate.earliest(head.cost, now))
    const by = head === this.#head ? Math.max(this.#headAt + maxBackfillDelayMs, at) : at + maxBackfillDelayMs
    return room.earliest(cost) <= now && mayWaitFor(cost, room, { at, by })
  }

  #overtaker(
    head: J,
    headAt: number,
    now: number,
    maxBackfillDelayMs: number,
    most: number,
    room: Room,
    putsUp: boolean,
  ): Backfilled<J> {
    const { heldUntil } = this.gate
    if (heldUntil > now) return { start: undefined, wakeAt: heldUntil }
    const behind = this.queue.behind(head, most)
    if (putsUp) {
      // Only jobs of the head's priority or above may delay it without bound.
      const equals = behind.filter(({ priority }) => priority >= head.priority)
      const packed = backfill(head.cost, equals, room, now, { at: headAt, by: Infinity })
      if (packed.start !== undefined || equals.length === behind.length) return packed
    }
    // Other things than overtaking jobs may put the head off, such as a request that used more than its reservation.
    // They are no reason to leave the rest of the quota unused, so `by` is never before `headAt`.
    const times = { at: headAt, by: Math.max(this.#headAt + maxBackfillDelayMs, headAt) }
    return backfill(head.cost, behind, room, now, times)
  }

  /**
   * Whether others may overtake a head that waits for answers in flight to end, without the bound of
   * `maxBackfillDelayMs`.
   */
  #maySitOut(head: J, now: number): boolean {
    let since = this.#putOffSince.get(head)
    if (since === undefined) this.#putOffSince.set(head, (since = now))
    return now < Math.min(this.#headSince + PUT_OFF_MS, since + MAX_PUT_OFF_MS, (since + head.startBy) / 2)
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

  /** Whether the head waits for the pool's shared gate, and not for a limit of its own lane. */
  #waitsForShared(head: J, headAt: number, now: number): boolean {
    const { gate } = this.pool
    return gate === this.gate || startOf(gate.earliest(head.cost, now)) >= headAt
  }

  #started(job: J, reservation: Reservation, now: number, wasHead: boolean): LaneStep<J> {
    return { job, reservation, share: this.queue.start(job, now), wasHead }
  }

  #out(job: J): J {
    this.queue.remove(job)
    return job
  }
}

const always = (): boolean => true
