import type { Clock } from '../clock.js'
import { startOf, type Gate, type Never, type Refusal, type Reservation } from '../meter/gate.js'
import type { Cost } from '../types.js'
import { Alarm } from './alarm.js'
import { Lane, type Schedulable } from './lane.js'
import { MOST_CANDIDATES } from './packing.js'
import { TimedJobs } from './timed.js'

/**
 * How deep jobs may start within one another, each by the `run` of the one before: the next one waits for the timer, so
 * that no chain of them overflows the stack.
 */
const DEEPEST = 100
/** While paused: later than any time, and still one to set a timer for. */
const WHEN_RESUMED = Number.MAX_VALUE

export interface SchedulerOptions {
  /** How many jobs may wait. */
  readonly maxWaiting: number
  /** How much later the head of a queue may start for all that went before it together, in ms. */
  readonly maxHeadDelayMs: number
}

export interface SchedulerEvents<J> {
  /** A job was admitted and left its queue: run it. May call back into the scheduler. */
  onStart(job: J, reservation: Reservation): void
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
  readonly #lanes: Lane<J>[] = []
  /** Jobs that back off: they wait for their time first, then for their gate. */
  readonly #delays = new TimedJobs<J, Lane<J>>()
  /** Jobs in a queue that have a deadline. */
  readonly #deadlines = new TimedJobs<J, Lane<J>>()
  #paused = false
  /** Jobs that are being started within one another. */
  #depth = 0
  readonly #alarm: Alarm

  constructor(clock: Clock, options: SchedulerOptions, events: SchedulerEvents<J>) {
    this.#clock = clock
    this.#options = options
    this.#events = events
    this.#alarm = new Alarm(clock, () => this.#release())
  }

  /** How many jobs wait, those that back off included. */
  get waiting(): number {
    let waiting = this.#delays.size
    for (const lane of this.#lanes) waiting += lane.queue.size
    return waiting
  }

  waitingIn(lane: Lane<J>): number {
    return lane.queue.size + this.#delays.countIn(lane)
  }

  addLane(model: string, gate: Gate): Lane<J> {
    const lane = new Lane<J>(model, gate)
    this.#lanes.push(lane)
    gate.onChange(() => this.pump(lane))
    return lane
  }

  /** Starts a job at once or adds it at the end of its priority; `'full'`: as many as may wait already. */
  add(lane: Lane<J>, job: J, now = this.#clock.now()): 'started' | 'waits' | 'full' {
    const isFree = lane.queue.size === 0 && !lane.pumping && !this.#paused && this.#depth < DEEPEST
    const admission = isFree ? lane.gate.admit(job.cost, now) : undefined
    if (admission !== undefined && admission.kind === undefined) {
      this.#start(job, admission)
      return 'started'
    }
    if (this.#isFull()) return 'full'
    lane.queue.push(job)
    this.#watch(lane, job)
    if (admission !== undefined) this.#waitFor(lane, admission)
    else if (this.#paused || lane.queue.peek() === job || lane.queue.size <= MOST_CANDIDATES) this.pump(lane)
    return job.inClass === undefined ? 'started' : 'waits'
  }

  #start(job: J, reservation: Reservation): void {
    this.#depth++
    try {
      this.#events.onStart(job, reservation)
    } finally {
      this.#depth--
    }
  }

  /**
   * When a new job of this cost and priority may be expected to start, in the clock's ms: after all that waits before it.
   * Infinity if that depends on more than time.
   */
  predict(lane: Lane<J>, cost: Cost, priority: number): number {
    return startOf(lane.gate.earliest(cost, this.#clock.now(), lane.queue.ahead(priority)))
  }

  /** Puts a job back before the others of its priority; not before `notBefore` if that is later than now. */
  addFirst(lane: Lane<J>, job: J, notBefore = 0): void {
    if (notBefore > this.#clock.now()) {
      this.#delays.add(job, lane, notBefore)
      this.#arm()
      return
    }
    this.#putBack(lane, job)
    this.pump(lane)
  }

  /** Takes a waiting job out; false if it does not wait. What it kept from starting starts. */
  remove(lane: Lane<J>, job: J): boolean {
    const wasFirst = lane.queue.peek() === job
    if (this.#take(lane, job)) {
      if (wasFirst) this.pump(lane)
      return true
    }
    if (!this.#delays.remove(job)) return false
    this.#arm()
    return true
  }

  /** Takes out all jobs that wait, in one lane or in all. */
  takeAll(only?: Lane<J>): J[] {
    const taken: J[] = []
    for (const lane of only === undefined ? this.#lanes : [only]) {
      for (const job of lane.queue.takeAll()) {
        this.#unwatch(job)
        taken.push(job)
      }
      lane.wakeAt = Infinity
    }
    // No spread: there may be more of them than a call can have arguments.
    const all = taken.concat(this.#delays.takeAll(only))
    this.#arm()
    return all
  }

  /** Starts nothing until {@link resume}; what runs goes on. */
  pause(): void {
    this.#paused = true
    this.#arm()
  }

  resume(): void {
    this.#paused = false
    for (const lane of this.#lanes) lane.wakeAt = lane.queue.size > 0 ? 0 : Infinity
    this.#release()
  }

  /** Starts what the lane's gate admits now. */
  pump(lane: Lane<J>): void {
    if (lane.pumping) return
    if (this.#paused) {
      this.#arm()
      return
    }
    if (this.#depth >= DEEPEST && lane.queue.size > 0) {
      this.#waitFor(lane, { kind: 'not-before', at: this.#clock.now() })
      return
    }
    lane.pumping = true
    lane.wakeAt = Infinity
    try {
      for (let job = lane.queue.peek(); job !== undefined && !this.#paused; job = lane.queue.peek()) {
        // Read anew for each: starting a job takes time, and a charge must not be dated before its request is sent.
        const now = this.#clock.now()
        if (job.startBy < now) {
          this.#take(lane, job)
          this.#events.onLate(job)
          continue
        }
        const admission = lane.gate.admit(job.cost, now)
        if (admission.kind === 'until-change') break
        if (admission.kind === 'not-before') {
          if (this.#startBefore(lane, job, admission.at, now)) continue
          break
        }
        this.#take(lane, job)
        if (admission.kind === undefined) this.#start(job, admission)
        else this.#events.onNever(job, admission)
      }
    } finally {
      lane.pumping = false
    }
    this.#arm()
  }

  /** Starts one that fits while the head has to wait until `headAt`; false if none does, and when to try again is set. */
  #startBefore(lane: Lane<J>, head: J, headAt: number, now: number): boolean {
    const { start, wakeAt } = lane.overtaker(head, headAt, now, this.#options.maxHeadDelayMs)
    const admission = start && lane.gate.admit(start.cost, now)
    if (start === undefined || admission?.kind !== undefined) {
      lane.wakeAt = Math.min(headAt, wakeAt)
      return false
    }
    this.#take(lane, start)
    this.#start(start, admission as Reservation)
    return true
  }

  #putBack(lane: Lane<J>, job: J): void {
    lane.queue.putBack(job)
    this.#watch(lane, job)
  }

  #take(lane: Lane<J>, job: J): boolean {
    this.#unwatch(job)
    return lane.queue.remove(job)
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
      const wasFirst = lane.queue.peek() === job
      lane.queue.remove(job)
      this.#events.onLate(job)
      if (wasFirst) this.pump(lane)
    }
  }

  #isFull(): boolean {
    const { maxWaiting } = this.#options
    return maxWaiting !== Infinity && this.waiting >= maxWaiting
  }

  #waitFor(lane: Lane<J>, refusal: Refusal): void {
    lane.wakeAt = refusal.kind === 'not-before' ? refusal.at : refusal.kind === 'never' ? 0 : Infinity
    if (lane.wakeAt < this.#alarm.at) this.#arm()
  }

  #release(): void {
    const now = this.#clock.now()
    if (this.#paused) {
      this.#expire(now)
      this.#arm()
      return
    }
    for (let due = this.#delays.takeDue(now); due !== undefined; due = this.#delays.takeDue(now)) {
      const { job, lane } = due
      this.#putBack(lane, job)
      lane.wakeAt = now
    }
    for (const lane of this.#lanes) if (lane.wakeAt <= now) this.pump(lane)
    // After it: what could start at the very moment of its deadline has.
    this.#expire(now)
    this.#arm()
  }

  /**
   * Sets the one timer to the earliest time at which anything may start or is late. While paused nothing starts; jobs that
   * wait for {@link resume} keep the process alive all the same.
   */
  #arm(): void {
    let at = this.#deadlines.nextDueAt
    if (this.#paused) {
      if (at === Infinity && this.waiting > 0) at = WHEN_RESUMED
    } else {
      at = Math.min(at, this.#delays.nextDueAt)
      for (const lane of this.#lanes) if (lane.wakeAt < at) at = lane.wakeAt
    }
    this.#alarm.set(at)
  }
}
