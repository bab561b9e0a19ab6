import { Counter, firstAfter } from './counter.js'
import type { CounterSpec, Posting } from './counter.js'

/** A posting, and how much could have drained from the bucket before it, in units. */
interface BucketPosting extends Posting {
  readonly flowedBefore: number
}

/**
 * The level of a bucket is stored in units of 1/60,000 of a request or token, so that its sums are exact.
 *
 * Derived: the limit per second is usually the limit per minute divided by 60, which is rarely an exact number. With
 * 60,000 units to one, a whole limit per minute drains a whole number of units in each millisecond. A smaller factor
 * would leave rounding errors, and a request could be refused an instant too long.
 */
const UNITS = 60_000

/**
 * A leaky bucket that drains at `limit / windowMs`.
 *
 * With whole milliseconds and whole limits per minute, all sums are whole numbers and exact. Queries do not change the
 * bucket: what it admits at one time does not depend on earlier queries.
 */
export class BucketCounter extends Counter {
  /** The level at `#at`, and how much could have drained by then, in units. */
  #level = 0
  #flowed = 0
  #at = -Infinity
  /** How many units drain in a millisecond, and how many units fit in the bucket. */
  #flow = 0
  #room = 0

  constructor(spec: CounterSpec) {
    super(spec)
    this.#measure()
  }

  override used(now: number): number {
    return this.#levelAt(now) / UNITS
  }

  override admits(amount: number, now: number): boolean {
    const level = this.#levelAt(now)
    return level + amount * UNITS <= this.#room || (this.spec.oversize && level === 0)
  }

  override admitsAt(amount: number, now: number): number {
    if (this.admits(amount, now)) return now
    const left = this.#room - amount * UNITS
    if (left < 0 && !this.spec.oversize) return Infinity
    return firstAfter(now, this.#emptiesTo(Math.max(0, left)), (time) => this.admits(amount, time))
  }

  override post(amount: number, now: number): BucketPosting {
    this.#goTo(now)
    this.#level += amount * UNITS
    this.seen(this.#level / UNITS)
    return { at: now, amount, flowedBefore: this.#flowed }
  }

  /**
   * A refund is at most what can still be in the bucket, if all that drained since the posting was the posting's own.
   */
  override correct(posting: BucketPosting, amount: number, now: number): void {
    this.#goTo(now)
    const standing = Math.max(0, posting.amount * UNITS - (this.#flowed - posting.flowedBefore))
    const change = Math.max((amount - posting.amount) * UNITS, -standing)
    this.#level = Math.max(0, this.#level + change)
    posting.amount = amount
    this.seen(this.#level / UNITS)
  }

  override fallsTo(level: number, now: number): number {
    if (this.used(now) <= level) return now
    if (level < 0) return Infinity
    return firstAfter(now, this.#emptiesTo(level * UNITS), (time) => this.used(time) <= level)
  }

  override setLimit(limit: number, capacity: number, now: number): void {
    this.#goTo(now)
    super.setLimit(limit, capacity, now)
    this.#measure()
  }

  #measure(): void {
    this.#flow = wholeIfMeant((this.limit * UNITS) / this.spec.windowMs)
    this.#room = wholeIfMeant(this.capacity * UNITS)
  }

  #levelAt(now: number): number {
    if (this.#level === 0 || now <= this.#at) return this.#level
    return Math.max(0, this.#level - this.#flow * (now - this.#at))
  }

  #goTo(now: number): void {
    if (now <= this.#at) return
    this.#level = this.#levelAt(now)
    if (this.#at !== -Infinity) this.#flowed += this.#flow * (now - this.#at)
    this.#at = now
  }

  /** The approximate time at which the level has drained to `units`. Infinity if nothing drains. */
  #emptiesTo(units: number): number {
    return this.#at + (this.#level - units) / this.#flow
  }
}

/**
 * The nearest whole number, if rounding in one division and one product explains the difference. Otherwise `value`
 * itself.
 */
function wholeIfMeant(value: number): number {
  const whole = Math.round(value)
  return Math.abs(value - whole) <= 2 * Number.EPSILON * whole ? whole : value
}
