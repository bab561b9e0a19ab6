/** How a limit's window counts. */
export type WindowKind = 'fixed' | 'sliding' | 'bucket'

/** One amount that was charged, kept so that it can be corrected. */
export interface Posting {
  /** When it was charged, in clock milliseconds. */
  readonly at: number
  amount: number
}

/** What a counter is made of. */
export interface CounterSpec {
  readonly kind: WindowKind
  readonly windowMs: number
  /** How much a window may take; for a bucket, how much flows out of it in `windowMs`. */
  readonly limit: number
  /** How much may stand in the window or the bucket at once. */
  readonly capacity: number
  /** Whether an amount above the capacity passes when nothing at all stands in the window. */
  readonly oversize: boolean
  /** The clock time at which a fixed window begins. */
  readonly origin: number
}

/** Counts what entered one window. Calls must come in the order of time. */
export abstract class Counter {
  readonly spec: CounterSpec
  /** The most that ever stood in the window. */
  peak = 0
  protected limit: number
  protected capacity: number

  constructor(spec: CounterSpec) {
    this.spec = spec
    this.limit = spec.limit
    this.capacity = spec.capacity
  }

  /** How much stands in the window. */
  abstract used(now: number): number

  /** Puts `amount` in, whether or not there is room. */
  abstract post(amount: number, now: number): Posting

  /** Makes an earlier posting one of `amount`; without effect once the posting has left its window. */
  abstract correct(posting: Posting, amount: number, now: number): void

  /** When no more than `level` will stand in the window, if nothing else enters; `now` where that is so already. */
  abstract fallsTo(level: number, now: number): number

  /** Whether `amount` more may enter. */
  admits(amount: number, now: number): boolean {
    const used = this.used(now)
    if (used + amount <= this.capacity) return true
    return this.spec.oversize && used === 0
  }

  /** When `amount` will be admitted, if nothing else enters; Infinity for never. */
  admitsAt(amount: number, now: number): number {
    if (this.admits(amount, now)) return now
    if (amount <= this.capacity) return this.fallsTo(this.capacity - amount, now)
    return this.spec.oversize ? this.fallsTo(0, now) : Infinity
  }

  /** Changes the limit; what stands in the window stays. */
  setLimit(limit: number, capacity: number, now: number): void {
    this.used(now)
    this.limit = limit
    this.capacity = capacity
  }

  protected seen(used: number): void {
    if (used > this.peak) this.peak = used
  }
}

/** The exact log of the last window: a posting at `t` counts at every `now` with `0 ≤ now − t < windowMs`. */
class SlidingCounter extends Counter {
  #log: Posting[] = []
  #head = 0
  #sum = 0

  override used(now: number): number {
    const { windowMs } = this.spec
    let oldest = this.#log[this.#head]
    while (oldest !== undefined && now - oldest.at >= windowMs) {
      this.#sum -= oldest.amount
      this.#head += 1
      oldest = this.#log[this.#head]
    }
    if (this.#head > 1024 && this.#head * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#head)
      this.#head = 0
    }
    return this.#sum
  }

  override post(amount: number, now: number): Posting {
    const posting = { at: now, amount }
    this.used(now)
    this.#log.push(posting)
    this.#sum += amount
    this.seen(this.#sum)
    return posting
  }

  override correct(posting: Posting, amount: number, now: number): void {
    this.used(now)
    if (now - posting.at >= this.spec.windowMs) return
    this.#sum += amount - posting.amount
    posting.amount = amount
    this.seen(this.#sum)
  }

  override fallsTo(level: number, now: number): number {
    let sum = this.used(now)
    for (let i = this.#head; sum > level; i += 1) {
      const posting = this.#log[i]
      if (posting === undefined) return Infinity
      sum -= posting.amount
      if (sum <= level) return posting.at + this.spec.windowMs
    }
    return now
  }
}

/** Windows that follow each other from `origin` on; each begins at zero, so a debt ends with its window. */
class FixedCounter extends Counter {
  #window = -Infinity
  #sum = 0

  override used(now: number): number {
    const window = this.#windowOf(now)
    if (window !== this.#window) {
      this.#window = window
      this.#sum = 0
    }
    return this.#sum
  }

  override post(amount: number, now: number): Posting {
    this.#sum = this.used(now) + amount
    this.seen(this.#sum)
    return { at: now, amount }
  }

  override correct(posting: Posting, amount: number, now: number): void {
    const used = this.used(now)
    if (this.#windowOf(posting.at) !== this.#window) return
    this.#sum = used + amount - posting.amount
    posting.amount = amount
    this.seen(this.#sum)
  }

  override fallsTo(level: number, now: number): number {
    if (this.used(now) <= level) return now
    return this.spec.origin + (this.#window + 1) * this.spec.windowMs
  }

  #windowOf(time: number): number {
    return Math.floor((time - this.spec.origin) / this.spec.windowMs)
  }
}

/**
 * A bucket that `limit / windowMs` flows out of steadily. What stands in it is kept multiplied by `windowMs`: with whole
 * milliseconds and whole limits all sums are then whole numbers, and exact.
 */
class BucketCounter extends Counter {
  #level = 0
  #at = -Infinity

  override used(now: number): number {
    if (now > this.#at) {
      this.#level = Math.max(0, this.#level - (this.#level === 0 ? 0 : this.limit * (now - this.#at)))
      this.#at = now
    }
    return this.#level / this.spec.windowMs
  }

  override admits(amount: number, now: number): boolean {
    this.used(now)
    const { windowMs, oversize } = this.spec
    if (this.#level + amount * windowMs <= this.capacity * windowMs) return true
    return oversize && this.#level === 0
  }

  override post(amount: number, now: number): Posting {
    this.used(now)
    this.#level += amount * this.spec.windowMs
    this.seen(this.#level / this.spec.windowMs)
    return { at: now, amount }
  }

  override correct(posting: Posting, amount: number, now: number): void {
    this.used(now)
    this.#level = Math.max(0, this.#level + (amount - posting.amount) * this.spec.windowMs)
    posting.amount = amount
    this.seen(this.#level / this.spec.windowMs)
  }

  override fallsTo(level: number, now: number): number {
    if (this.used(now) <= level) return now
    return now + (this.#level - level * this.spec.windowMs) / this.limit
  }
}

/** A counter of the kind asked for, empty. */
export function createCounter(spec: CounterSpec): Counter {
  if (spec.kind === 'sliding') return new SlidingCounter(spec)
  if (spec.kind === 'fixed') return new FixedCounter(spec)
  return new BucketCounter(spec)
}
