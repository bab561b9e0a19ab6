import type { Clock } from '../clock.js'
import type { Gate, Never, NotAdmitted, Reservation } from '../quota/gate.js'
import type { Cost } from '../types.js'
import { WakeTimer } from './wake-timer.js'
import { Lane, type Pausable, type Schedulable } from './lane.js'
import { MAX_CANDIDATES } from './backfill.js'
import { LanePool } from './lane-pool.js'
import { predictedStart } from './predicted-start.js'
import { DelayQueue } from './delay-queue.js'

/**
 * How deep jobs may start within one another, each by the `run` of the one before: the next one waits for the timer, so
 * that no chain of them overflows the stack.
 */
const MAX_DEPTH = 100
/** While paused: later than any time, and still one to set a timer for. */
const WHEN_RESUMED = Number.MAX_VALUE

export interface SchedulerOptions {
  /** How many jobs may wait. */
  readonly maxWaiting: number
  /** How much later the head of a queue may start for all that went before it together, in ms. */
  readonly maxBackfillDelayMs: number
  /** A tenant's weight; twice that of another is twice its share. */
  readonly weightOf: (tenant: string | undefined) => number
}

export interface SchedulerEvents<J> {
  /**
   * A job was admitted and left its queue: run it. May call back into the scheduler. `share`: what its tenant was charged with;
   * undefined where nothing waited.
   */
  onStart(job: J, reservation: Reservation, share: number | undefined): void
  /** A job that waited can never be admitted any more, and left its queue: the limits changed. */
  onNever(job: J, never: Never): void
  /** A job that waited did not start by its deadline, and left its queue. */
  onLate(job: J): void
}

/**
 * Holds the jobs that wait and starts each when its gate admits it, in the order of its queue. It owns the only timer
 * that starts jobs, which exists only while jobs wait: so it keeps a process alive exactly that long. A timer is a
 * wake-up, never permission: on waking everything that is due at the actual time is asked for again.
 */
export class Scheduler<J extends Schedulable> {
  readonly #clock: Clock
  readonly #options: SchedulerOptions
  readonly #events: SchedulerEvents<J>
  readonly #pools: LanePool<J>[] = []
  /** Jobs that back off: they wait for their time first, then for their gate. */
  readonly #delays = new DelayQueue<J, Lane<J>>()
  /** Jobs in a queue that have a deadline. */
  readonly #deadlines = new DelayQueue<J, Lane<J>>()
  /** Jobs that are being started within one another. */
  #depth = 0
  readonly #alarm: WakeTimer

  constructor(clock: Clock, options: SchedulerOptions, events: SchedulerEvents<J>) {
    this.#clock = clock
    this.#options = options
    this.#events = events
    this.#alarm = new WakeTimer(clock, () => this.#release())
  }

  /** How many jobs wait, those that back off included. */
  get waiting(): number {
    let waiting = this.#delays.size
    for (const lane of this.#lanes()) waiting += lane.queue.size
    return waiting
  }

  waitingIn(lane: Lane<J>): number {
    return lane.queue.size + this.#delays.countIn(lane)
  }

  /** Adds how many jobs of each tenant wait in a lane. */
  countTenants(lane: Lane<J>, into: Map<string | undefined, number>): void {
    lane.queue.countTenants(into)
    for (const { tenant } of this.#delays.of(lane)) into.set(tenant, (into.get(tenant) ?? 0) + 1)
  }

  /** `within`: a lane whose gate the jobs of this one are charged to as well. */
  addLane(gate: Gate, owner: Pausable, within?: Lane<J>): Lane<J> {
    const pool = within?.pool ?? new LanePool<J>(gate)
    if (within === undefined) this.#pools.push(pool)
    const lane = new Lane<J>(gate, owner, pool, this.#options.weightOf)
    pool.add(lane)
    gate.onChange(() => this.#pump(pool))
    return lane
  }

  /** Starts a job at once or adds it at the end of its tenant's; `'full'`: as many as may wait already. */
  add(lane: Lane<J>, job: J, now = this.#clock.now()): 'started' | 'waits' | 'full' {
    if (this.#alarm.isLost(now)) this.#wakeInstead()
    const { pool, queue } = lane
    const isFree = !pool.isPumping && !lane.owner.isPaused && this.#depth < MAX_DEPTH && !pool.hasWaiting
    const admission = isFree ? lane.gate.admit(job.cost, now) : undefined
    if (admission !== undefined && admission.kind === undefined) {
      this.#start(job, admission, undefined)
      return 'started'
    }
    if (this.#isFull()) return 'full'
    if (queue.size === 0) pool.toEnd(lane)
    queue.push(job, now)
    this.#watch(lane, job)
    if (admission !== undefined) this.#waitFor(lane, admission)
    // Further back in its list it is no candidate for anything yet.
    else if (job.inList!.load.jobs <= MAX_CANDIDATES) this.#pump(pool)
    return job.inList === undefined ? 'started' : 'waits'
  }

  /** When a new job may be expected to start, in the clock's ms; Infinity if that depends on more than time. */
  predict(lane: Lane<J>, job: Pick<J, 'priority' | 'tenant'>, cost: Cost): number {
    return predictedStart(lane, job, cost, this.#clock.now(), this.#options.maxBackfillDelayMs)
  }

  /** To be called when something holds a lane that nothing tells of: what it kept from starting may start. */
  changed(lane: Lane<J>): void {
    this.#pump(lane.pool)
  }

  /** Of a lane that has no jobs, and will have none any more. */
  removeLane(lane: Lane<J>): void {
    lane.pool.remove(lane)
  }

  /** Puts a job back before the others of its priority; not before `notBefore` if that is later than now. */
  addFirst(lane: Lane<J>, job: J, notBefore = 0): void {
    if (notBefore > this.#clock.now()) {
      this.#delays.add(job, lane, notBefore)
      this.#arm()
      return
    }
    this.#putBack(lane, job)
    this.#pump(lane.pool)
  }

  /** Takes a waiting job out; false if it does not wait. What it kept from starting starts. */
  remove(lane: Lane<J>, job: J): boolean {
    const wasHead = lane.queue.head === job
    this.#unwatch(job)
    if (lane.queue.remove(job)) {
      if (wasHead || lane.queue.size === 0) this.#pump(lane.pool)
      return true
    }
    if (!this.#delays.remove(job)) return false
    this.#arm()
    return true
  }

  /** Takes out all jobs that wait in these lanes, or in all. */
  takeAll(lanes: Iterable<Lane<J>> = this.#lanes()): J[] {
    const now = this.#clock.now()
    const taken: J[][] = []
    for (const lane of lanes) {
      const queued = lane.queue.takeAll(now)
      for (const job of queued) this.#unwatch(job)
      lane.wakeAt = Infinity
      taken.push(queued, this.#delays.takeAll(lane))
      this.#wakeBeside(lane, now)
    }
    this.#arm()
    return taken.flat()
  }

  /** To be called when an owner of lanes was paused: nothing of theirs starts until {@link resumed}; what runs goes on. */
  paused(): void {
    const now = this.#clock.now()
    for (const lane of this.#lanes()) {
      if (!lane.owner.isPaused) continue
      lane.wakeAt = Infinity
      this.#wakeBeside(lane, now)
    }
    this.#arm()
  }

  resumed(): void {
    for (const lane of this.#lanes()) if (lane.queue.size > 0 && !lane.owner.isPaused) lane.wakeAt = 0
    this.#release()
  }

  /** A lane gives up its turn: those that it kept from theirs have no time of their own to wait for. */
  #wakeBeside({ pool }: Lane<J>, now: number): void {
    for (const lane of pool.lanes) if (lane.queue.size > 0 && !lane.owner.isPaused) lane.wakeAt = now
  }

  /** Starts what the gates admit now. */
  #pump(pool: LanePool<J>): void {
    if (pool.isPumping) return
    if (this.#depth >= MAX_DEPTH && pool.hasWaiting) pool.lanes[0]!.wakeAt = this.#clock.now()
    else this.#startAll(pool)
    this.#arm()
  }

  #startAll(pool: LanePool<J>): void {
    pool.isPumping = true
    try {
      for (;;) {
        // The time is read anew for each: starting a job takes time, and a charge must not be dated before its request is sent.
        const step = pool.next(this.#clock.now(), this.#options.maxBackfillDelayMs)
        if (step === undefined) return
        this.#unwatch(step.job)
        if ('reservation' in step) this.#start(step.job, step.reservation, step.share)
        else if ('never' in step) this.#events.onNever(step.job, step.never)
        else this.#events.onLate(step.job)
      }
    } finally {
      pool.isPumping = false
    }
  }

  #start(job: J, reservation: Reservation, share: number | undefined): void {
    this.#depth++
    try {
      this.#events.onStart(job, reservation, share)
    } finally {
      this.#depth--
    }
  }

  *#lanes(): Generator<Lane<J>> {
    for (const pool of this.#pools) yield* pool.lanes
  }

  #putBack(lane: Lane<J>, job: J): void {
    lane.queue.putBack(job, this.#clock.now())
    this.#watch(lane, job)
  }

  #watch(lane: Lane<J>, job: J): void {
    if (job.startBy === Infinity) return
    this.#deadlines.add(job, lane, job.startBy)
    if (job.startBy < this.#alarm.at) this.#arm()
  }

  #unwatch(job: J): void {
    if (job.startBy !== Infinity) this.#deadlines.remove(job)
  }

  /** Takes out what has not started by its deadline. */
  #expire(now: number): void {
    for (let due = this.#deadlines.takeDue(now); due !== undefined; due = this.#deadlines.takeDue(now)) {
      const { job, lane } = due
      const wasHead = lane.queue.head === job
      lane.queue.remove(job)
      this.#events.onLate(job)
      if (wasHead) this.#pump(lane.pool)
    }
  }

  #isFull(): boolean {
    const { maxWaiting } = this.#options
    return maxWaiting !== Infinity && this.waiting >= maxWaiting
  }

  #waitFor(lane: Lane<J>, refusal: NotAdmitted): void {
    lane.wakeAt = refusal.kind === 'not-before' ? refusal.at : refusal.kind === 'never' ? 0 : Infinity
    if (lane.wakeAt < this.#alarm.at) this.#arm()
  }

  /** Does what the timer was set for. Unset first, so that a job that is added meanwhile does not wake it again. */
  #wakeInstead(): void {
    this.#alarm.set(Infinity)
    this.#release()
  }

  #release(): void {
    const now = this.#clock.now()
    for (let due = this.#delays.takeDue(now); due !== undefined; due = this.#delays.takeDue(now)) {
      this.#putBack(due.lane, due.job)
      due.lane.wakeAt = now
    }
    for (const pool of this.#pools) if (pool.wakeAt <= now) this.#pump(pool)
    // After it: what could start at the very moment of its deadline has.
    this.#expire(now)
    this.#arm()
  }

  /**
   * Sets the one timer to the earliest time at which anything may start or is late. What is paused does not start; its jobs
   * keep the process alive all the same.
   */
  #arm(): void {
    let at = Math.min(this.#deadlines.nextDueAt, this.#delays.nextDueAt)
    for (const pool of this.#pools) at = Math.min(at, pool.wakeAt)
    if (at === Infinity && this.#hasPaused()) at = WHEN_RESUMED
    this.#alarm.set(at)
  }

  #hasPaused(): boolean {
    for (const { lanes } of this.#pools) {
      for (const { owner, queue } of lanes) if (owner.isPaused && queue.size > 0) return true
    }
    return false
  }
}
