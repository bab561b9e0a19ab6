import { Counter, firstAfter } from './counter.js'
import type { Posting } from './counter.js'

/** A posting, and how much could flow out of the bucket from its beginning up to then. */
interface BucketPosting extends Posting {
  readonly flowedBefore: number
}

/**
 * A bucket that `limit / windowMs` flows out of steadily. What stands in it is kept multiplied by `windowMs`: with whole
 * milliseconds and whole limits all sums are then whole numbers, and exact. Looking does not change it, so what is let in
 * at a time does not depend on how often it was asked before.
 */
export class BucketCounter extends Counter {
  /** What stood in it at `#at`, and what could have flowed out by then, both multiplied by `windowMs`. */
  #level = 0
  #flowed = 0
  #at = -Infinity

  override used(now: number): number {
    return this.#levelAt(now) / this.spec.windowMs
  }

  override admits(amount: number, now: number): boolean {
    const { windowMs, oversize } = this.spec
    const level = this.#levelAt(now)
    if (level + amount * windowMs <= this.capacity * windowMs) return true
    return oversize && level === 0
  }

  override admitsAt(amount: number, now: number): number {
    if (this.admits(amount, now)) return now
    if (amount > this.capacity && !this.spec.oversize) return Infinity
    const near = this.#emptiesTo(Math.max(0, this.capacity - amount))
    return firstAfter(now, near, (time) => this.admits(amount, time))
  }

  override post(amount: number, now: number): BucketPosting {
    this.#goTo(now)
    this.#level += amount * this.spec.windowMs
    this.seen(this.#level / this.spec.windowMs)
    return { at: now, amount, flowedBefore: this.#flowed }
  }

  /** No more is given back than can still stand there, were all that flowed since then the posting's own. */
  override correct(posting: BucketPosting, amount: number, now: number): void {
    this.#goTo(now)
    const { windowMs } = this.spec
    const standing = Math.max(0, posting.amount * windowMs - (this.#flowed - posting.flowedBefore))
    const change = Math.max((amount - posting.amount) * windowMs, -standing)
    this.#level = Math.max(0, this.#level + change)
    posting.amount = amount
    this.seen(this.#level / windowMs)
  }

  override fallsTo(level: number, now: number): number {
    if (this.used(now) <= level) return now
    if (level < 0) return Infinity
    return firstAfter(now, this.#emptiesTo(level), (time) => this.used(time) <= level)
  }

  override setLimit(limit: number, capacity: number, now: number): void {
    this.#goTo(now)
    super.setLimit(limit, capacity, now)
  }

  #levelAt(now: number): number {
    if (this.#level === 0 || now <= this.#at) return this.#level
    return Math.max(0, this.#level - this.limit * (now - this.#at))
  }

  #goTo(now: number): void {
    if (now <= this.#at) return
    this.#level = this.#levelAt(now)
    if (this.#at !== -Infinity) this.#flowed += this.limit * (now - this.#at)
    this.#at = now
  }

  /** About when no more than `level` stands there; Infinity where nothing flows. */
  #emptiesTo(level: number): number {
    return this.#at + (this.#level - level * this.spec.windowMs) / this.limit
  }
}
