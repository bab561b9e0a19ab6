/** The kind of a limit's window: consecutive fixed windows, a sliding window, or a leaky bucket. */
export type WindowKind = 'fixed' | 'sliding' | 'bucket'

/** One amount that was charged to a window. It is kept so that it can be corrected. */
export interface Posting {
  /** When it was charged, in clock milliseconds. */
  readonly at: number
  amount: number
}

/** The properties of a counter. Amounts are requests or tokens, as the limit counts. */
export interface CounterSpec {
  readonly kind: WindowKind
  readonly windowMs: number
  /** The amount that a window admits. For a bucket, the amount that drains in `windowMs`. */
  readonly limit: number
  /** The most that the window or the bucket may hold at once. */
  readonly capacity: number
  /** Whether an amount above the capacity is admitted when the window is empty. */
  readonly oversize: boolean
  /** A clock time at which a fixed window begins. The other kinds ignore it. */
  readonly origin: number
}

/** Counts the amounts in one window. Calls must come in order of time. */
export abstract class Counter {
  readonly spec: CounterSpec
  /** The most that the window ever held. */
  peak = 0
  protected limit: number
  protected capacity: number

  constructor(spec: CounterSpec) {
    this.spec = spec
    this.limit = spec.limit
    this.capacity = spec.capacity
  }

  /** The amount in the window at `now`. */
  abstract used(now: number): number

  /** Adds `amount`, also if the window has no room for it. */
  abstract post(amount: number, now: number): Posting

  /** Changes an earlier posting to `amount`. A part that has already left the window is not refunded. */
  abstract correct(posting: Posting, amount: number, now: number): void

  /**
   * The first time at which the window holds at most `level`, if nothing else is added. `now` if that holds already,
   * Infinity if it never will.
   */
  abstract fallsTo(level: number, now: number): number

  /** Whether the window has room for `amount` more. */
  admits(amount: number, now: number): boolean {
    const used = this.used(now)
    if (used + amount <= this.capacity) return true
    return this.spec.oversize && used === 0
  }

  /** The first time at which the window has room for `amount`, if nothing else is added. Infinity for never. */
  admitsAt(amount: number, now: number): number {
    if (this.admits(amount, now)) return now
    if (amount <= this.capacity) return this.fallsTo(this.capacity - amount, now)
    return this.spec.oversize ? this.fallsTo(0, now) : Infinity
  }

  /** Changes the limit. The amount in the window stays. */
  setLimit(limit: number, capacity: number, now: number): void {
    this.used(now)
    this.limit = limit
    this.capacity = capacity
  }

  /** Keeps the peak up to date. */
  protected seen(used: number): void {
    if (used > this.peak) this.peak = used
  }
}

/**
 * The first floating-point number after `from` for which `holds` is true. `holds` must be false at `from`, and true
 * from some number on.
 *
 * `near` is an approximation, such as `at + windowMs`. That sum is rounded, so the exact time can be one floating-point
 * step before or after it.
 */
export function firstAfter(from: number, near: number, holds: (time: number) => boolean): number {
  if (!Number.isFinite(near)) return Infinity
  let [no, yes] = [from, Math.max(near, from)]
  for (let step = Number.EPSILON * Math.max(1, Math.abs(yes)); !holds(yes); step *= 2) {
    no = yes
    yes += step
  }
  for (;;) {
    const middle = no + (yes - no) / 2
    if (middle <= no || middle >= yes) return yes
    if (holds(middle)) yes = middle
    else no = middle
  }
}
