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

  /** Makes an earlier posting one of `amount`; what of it has left its window already is not given back. */
  abstract correct(posting: Posting, amount: number, now: number): void

  /**
   * The first time at which no more than `level` stands in the window, if nothing else enters; `now` where that is so
   * already, Infinity for never.
   */
  abstract fallsTo(level: number, now: number): number

  /** Whether `amount` more may enter. */
  admits(amount: number, now: number): boolean {
    const used = this.used(now)
    if (used + amount <= this.capacity) return true
    return this.spec.oversize && used === 0
  }

  /** The first time at which `amount` will be admitted, if nothing else enters; Infinity for never. */
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

/**
 * The first number after `from` for which `holds`, which does not hold at `from` and holds from some number on. A sum such
 * as `at + windowMs` is rounded, so it is only `near`: an ulp before it could be admitted what is refused at it.
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
