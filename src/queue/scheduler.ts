import type { Clock } from '../clock.js'
import type { Admission, Control } from '../quota/gate.js'
import type { Never, NotAdmitted } from '../quota/admission-result.js'
import type { Reservation } from '../quota/reservation.js'
import type { Cost } from '../types.js'
import { WakeTimer } from './wake-timer.js'
import { Lane, type Pausable } from './lane.js'
import type { Schedulable } from './lane-step.js'
import { MAX_CANDIDATES } from './backfill.js'
import { LanePool } from './lane-pool.js'
import { predictedStart } from './predicted-start.js'
import { DelayQueue } from './delay-queue.js'

/**
 * How many starts may nest: a job's `run` may add a job that starts at once, and so on. At this depth the next job
 * waits for the timer, so a chain of starts cannot overflow the stack.
 *
 * Chosen, far below what any runtime's stack holds. Larger: a risk of overflow. Smaller: long chains wait for the timer
 * more often.
 */
const MAX_DEPTH = 100
/**
 * The time that the timer is set to while all jobs are paused, in the clock's ms. It is later than any real time.
 * Infinity would clear the timer.
 */
const WHEN_RESUMED = Number.MAX_VALUE

export interface SchedulerOptions {
  /** The most jobs that may wait, over all lanes. */
  readonly maxWaiting: number
  /** How long all jobs that overtake one head may delay it together, in ms. */
  readonly maxBackfillDelayMs: number
  /** A tenant's weight. Twice the weight is twice the share. */
  readonly weightOf: (tenant: string | undefined) => number
}

export interface SchedulerEvents<J> {
  /**
   * A job was admitted and left its queue: the listener runs it. It may call back into the scheduler. `share` is the
   * share that its tenant was charged with; undefined if no job waited, since then no tenant is charged.
   */
  onStart(job: J, reservation: Reservation, share: number | undefined): void
  /** A waiting job left its queue because the limits changed and it can never be admitted. */
  onNever(job: J, never: Never): void
  /** A waiting job left its queue because it had not started by its deadline. */
  onLate(job: J): void
}

/**
 * Holds the waiting jobs and starts each one when its gate admits it, in the order of its queue.
 *
 * The scheduler owns the only timer that starts jobs. The timer exists only while jobs wait, so it keeps a process
 * alive exactly that long. A timer is a wake-up, never permission: on waking, the scheduler asks the gates again with
 * the actual time.
 */
export class Scheduler<J extends Schedulable> {
  readonly #clock: Clock
  readonly #options: SchedulerOptions
  readonly #events: SchedulerEvents<J>
  readonly #pools: LanePool<J, Lane<J>>[] = []
  /** Jobs that back off. They wait for their time first, then in their queue. */
  readonly #delays = new DelayQueue<J, Lane<J>>()
  /** The jobs of the queues that have a deadline. */
  readonly #deadlines = new DelayQueue<J, Lane<J>>()
  /** How many starts are nested at the moment; see {@link MAX_DEPTH}. */
  #depth = 0
  readonly #alarm: WakeTimer

  constructor(clock: Clock, options: SchedulerOptions, events: SchedulerEvents<J>) {
    this.#clock = clock
    this.#options = options
    this.#events = events
    this.#alarm = new WakeTimer(clock, () => this.#release())
  }

  /** How many jobs wait, including those that back off. */
  get waiting(): number {
    let waiting = this.#delays.size
    for (const lane of this.#lanes()) waiting += lane.queue.size
    return waiting
  }

  waitingIn(lane: Lane<J>): number {
    return lane.queue.size + this.#delays.countIn(lane)
  }

  /** Adds the number of waiting jobs of each tenant in a lane to `into`. */
  countTenants(lane: Lane<J>, into: Map<string | undefined, number>): void {
    lane.queue.countTenants(into)
    for (const { tenant } of this.#delays.of(lane)) into.set(tenant, (into.get(tenant) ?? 0) + 1)
  }

  /**
   * Adds a lane. `within` is a lane whose gate is charged for the jobs of this one too: the account's lane, for a
   * workspace.
   */
  addLane(gate: Admission & Pick<Control, 'onChange'>, owner: Pausable, within?: Lane<J>): Lane<J> {
    const pool = within?.pool ?? new LanePool<J, Lane<J>>(gate)
    if (within === undefined) this.#pools.push(pool)
    const lane = new Lane<J>(gate, owner, pool, this.#options.weightOf)
    pool.add(lane)
    gate.onChange(() => this.#pump(pool))
    return lane
  }

  /**
   * Starts a job at once, or adds it behind the other jobs of its priority and tenant. Returns `'full'`, and drops the
   * job, if as many jobs as allowed wait already.
   */
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
    // A job further back in its tenant's list is no candidate yet, so it changes nothing.
    else if (job.inList!.load.jobs <= MAX_CANDIDATES) this.#pump(pool)
    return job.inList === undefined ? 'started' : 'waits'
  }

  /** The expected start of a new job, in the clock's ms; Infinity if it depends on more than time. */
  predict(lane: Lane<J>, job: Pick<J, 'priority' | 'tenant'>, cost: Cost): number {
    return predictedStart(lane, job, cost, this.#clock.now(), this.#options.maxBackfillDelayMs)
  }

  /**
   * Asks the gates of a lane's pool again. Call it after a change that a gate does not report: a new hold, another
   * clock phase.
   */
  changed(lane: Lane<J>): void {
    this.#pump(lane.pool)
  }

  /** Removes a lane that has no jobs and gets no more. */
  removeLane(lane: Lane<J>): void {
    lane.pool.remove(lane)
  }

  /**
   * Puts a job back before the new jobs of its priority. It enters the queue at `notBefore`, if that is later than now.
   */
  addFirst(lane: Lane<J>, job: J, notBefore = 0): void {
    if (notBefore > this.#clock.now()) {
      this.#delays.add(job, lane, notBefore)
      this.#arm()
      return
    }
    this.#putBack(lane, job)
    this.#pump(lane.pool)
  }

  /** Removes a waiting job, and starts the jobs that it held up. Returns false if the job does not wait. */
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

  /** Removes and returns all jobs that wait in these lanes. @default all lanes */
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

  /**
   * Call it after an owner of lanes was paused. Its jobs do not start until {@link resumed}; jobs that run continue.
   */
  paused(): void {
    const now = this.#clock.now()
    for (const lane of this.#lanes()) {
      if (!lane.owner.isPaused) continue
      lane.wakeAt = Infinity
      this.#wakeBeside(lane, now)
    }
    this.#arm()
  }

  /** Call it after an owner of lanes was resumed. Its jobs start as the gates admit them. */
  resumed(): void {
    for (const lane of this.#lanes()) if (lane.queue.size > 0 && !lane.owner.isPaused) lane.wakeAt = 0
    this.#release()
  }

  /**
   * Wakes the other lanes of a pool when one lane stops claiming room. They waited for that lane, so they have no
   * wake-up time of their own.
   */
  #wakeBeside({ pool }: Lane<J>, now: number): void {
    for (const lane of pool.lanes) if (lane.queue.size > 0 && !lane.owner.isPaused) lane.wakeAt = now
  }

  /** Starts what the gates admit now. */
  #pump(pool: LanePool<J, Lane<J>>): void {
    if (pool.isPumping) return
    if (this.#depth >= MAX_DEPTH && pool.hasWaiting) pool.lanes[0]!.wakeAt = this.#clock.now()
    else this.#startAll(pool)
    this.#arm()
  }

  #startAll(pool: LanePool<J, Lane<J>>): void {
    pool.isPumping = true
    try {
      for (;;) {
        // The clock is read for each job anew. A start takes time, and a charge must not be dated before its request is
        // sent.
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

  /** Removes the jobs that have not started by their deadlines. */
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
    // After the starts: a job that can start at the very moment of its deadline has started.
    this.#expire(now)
    this.#arm()
  }

  /**
   * Sets the timer to the earliest time at which any job may start or is late. Paused jobs do not start, but they keep
   * the process alive all the same.
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
