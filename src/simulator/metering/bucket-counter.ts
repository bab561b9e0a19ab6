import { Counter, firstAfter } from './counter.js'
import type { CounterSpec, Posting } from './counter.js'

/** A posting, and how much could flow out of the bucket from its beginning up to then. */
interface BucketPosting extends Posting {
  readonly flowedBefore: number
}

/**
 * What stands in a bucket is kept multiplied by this. A limit of a second is mostly a sixtieth of one of a minute, which no
 * number is exactly; of what it is in a minute, whole numbers flow out of these in each whole millisecond.
 */
const UNITS = 60_000

/**
 * A bucket that `limit / windowMs` flows out of steadily. With whole milliseconds, and limits that are whole in a minute, all
 * sums are whole numbers, and exact. Looking does not change it, so what is let in at a time does not depend on how often it
 * was asked before.
 */
export class BucketCounter extends Counter {
  /** What stood in it at `#at`, and what could have flowed out by then, in units. */
  #level = 0
  #flowed = 0
  #at = -Infinity
  /** The units that flow out in a millisecond, and those that there is room for. */
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

  /** No more is given back than can still stand there, were all that flowed since then the posting's own. */
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

  /** About when no more than so many units stand there; Infinity where nothing flows. */
  #emptiesTo(units: number): number {
    return this.#at + (this.#level - units) / this.#flow
  }
}

/** The whole number that a division and a product, each rounded, have missed by no more than their rounding. */
function wholeIfMeant(value: number): number {
  const whole = Math.round(value)
  return Math.abs(value - whole) <= 2 * Number.EPSILON * whole ? whole : value
}
