import { startOf, type Gate, type Reservation } from '../quota/gate.js'
import type { Cost } from '../types.js'
import { mayWaitFor, backfill, type Backfilled, type Room } from './backfill.js'
import type { LanePool } from './lane-pool.js'
import { JobQueue } from './job-queue.js'
import type { LaneStep, Schedulable } from './lane-step.js'

const MINUTE_MS = 60_000

/**
 * For so long a head waits for a time at which few answers are written, or half of the time to its deadline; then nothing starts
 * that would write more.
 */
const PUT_OFF_MS = 120_000
/** In all, for one that others came before meanwhile, so that it was the head more than once. */
const MAX_PUT_OFF_MS = 300_000
/** A time that is only expected may come sooner: what waits for it asks again so often, where no other wakes it. */
const ASK_AGAIN_MS = 1000

/** Whether a cost may be taken from what several lanes share. */
type MayTake = (cost: Cost) => boolean

/** Whoever a lane belongs to may halt it. */
export interface Pausable {
  readonly isPaused: boolean
}

/** One model's jobs and the gate that they wait for. */
export class Lane<J extends Schedulable> {
  readonly gate: Gate
  readonly owner: Pausable
  readonly pool: LanePool<J, Lane<J>>
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
  /** Since when those wait that have had to wait for answers to end. */
  readonly #putOffSince = new WeakMap<J, number>()

  constructor(
    gate: Gate,
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
   * Who leaves the queue at `now`; undefined: nobody, until `wakeAt` or a change. What overtakes a head delays it by no more
   * than `maxBackfillDelayMs` after the time at which it could have started, had nothing gone before it. For that `most` others
   * are looked at.
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

  /** Whether a new job of this cost would start at `now`, before the head that waits. */
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
      // A lower priority must not make it wait for longer than ever.
      const equals = behind.filter(({ priority }) => priority >= head.priority)
      const packed = backfill(head.cost, equals, room, now, { at: headAt, by: Infinity })
      if (packed.start !== undefined || equals.length === behind.length) return packed
    }
    // What put it off beside them, such as a usage above its reservation, is no reason to leave the rest unused.
    const times = { at: headAt, by: Math.max(this.#headAt + maxBackfillDelayMs, headAt) }
    return backfill(head.cost, behind, room, now, times)
  }

  /** While it waits for answers to end others are not what delays it, as long as theirs may still be few at some time. */
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

  /** Whether it is the pool's gate, not one of its own, that the head waits for. */
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
