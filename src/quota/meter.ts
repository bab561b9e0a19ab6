import type { PhaseUs } from './clock-phase.js'
import type { Dimension } from './dimensions.js'
import type { LimitRule } from './limit-rules.js'
import { TokenBucket } from './token-bucket.js'
import { AlignedWindow } from './windows/aligned-window.js'
import { ExactWindow } from './windows/exact-window.js'
import { SlidingCounter } from './windows/sliding-counter.js'

/**
 * The longest debt, in minutes of the limit, that usages above their reservations leave. A usage that is wrong by orders of magnitude
 * must not stop a model for hours. A smaller bound would forgive real usages: an answer may be larger than a minute's tokens.
 */
const MAX_DEBT_MINUTES = 10

function sameRule(a: LimitRule, b: LimitRule): boolean {
  return (
    a.effective === b.effective &&
    a.configured === b.configured &&
    a.window?.spanUs === b.window?.spanUs &&
    a.bucket?.burstUs === b.bucket?.burstUs &&
    a.counter?.jitterUs === b.counter?.jitterUs
  )
}

function largestOf({ limit, effective, configured }: LimitRule): number {
  return limit === 'rps' || limit === 'tps' ? Infinity : Math.max(effective, configured)
}

function windowOf(
  { window, alignedUs, counter }: LimitRule,
  firstSeq: number,
): ExactWindow | AlignedWindow | SlidingCounter | undefined {
  if (counter !== undefined) return new SlidingCounter(counter, firstSeq)
  if (window === undefined) return undefined
  return alignedUs === undefined ? new ExactWindow(window, firstSeq) : new AlignedWindow(window, alignedUs, firstSeq)
}

/** One limit of one model. It is an exact window and a token bucket, the one of them that the server needs, or a sliding counter. */
export class Meter {
  readonly dimension: Dimension
  /** The largest amount that can ever pass: a minute's limit. A second's limit lets a larger amount pass alone. */
  largest = Infinity
  readonly #window: ExactWindow | AlignedWindow | SlidingCounter | undefined
  readonly #bucket: TokenBucket | undefined
  #rule: LimitRule

  constructor(rule: LimitRule, emptySinceUs: number, nowUs: number, firstSeq: number) {
    this.#rule = rule
    this.dimension = rule.dimension
    this.largest = largestOf(rule)
    this.#window = windowOf(rule, firstSeq)
    this.#bucket = rule.bucket && new TokenBucket(rule.bucket, emptySinceUs, nowUs, firstSeq)
  }

  /** The limit as an amount a minute. */
  get perMinute(): number {
    const { limit, effective } = this.#rule
    return limit === 'rps' || limit === 'tps' ? 60 * effective : effective
  }

  get rule(): LimitRule {
    return this.#rule
  }

  /** Whether `amount` is certain to pass now. If not, {@link earliestUs} says. */
  hasRoom(amount: number, nowUs: number): boolean {
    const window = this.#window
    if (window !== undefined && !window.hasRoom(amount, nowUs)) return false
    const bucket = this.#bucket
    return bucket === undefined || bucket.hasRoom(amount, nowUs)
  }

  /** When `amount` passes if nothing else is charged before. `nowUs` if at once, Infinity if never. */
  earliestUs(amount: number, nowUs: number): number {
    if (amount > this.largest) return Infinity
    const byWindow = this.#window === undefined ? nowUs : this.#window.earliestUs(amount, nowUs)
    if (this.#bucket === undefined) return byWindow
    const byBucket = this.#bucket.earliestUs(amount, nowUs)
    return byWindow > byBucket ? byWindow : byBucket
  }

  /** The same, if `ahead` is charged before it, each part as soon as it may. */
  afterUs(ahead: number, amount: number, nowUs: number, _requestsAhead: number): number {
    if (amount > this.largest) return Infinity
    const byWindow = this.#window?.afterUs(ahead, amount, nowUs) ?? nowUs
    return Math.max(byWindow, this.#bucket?.afterUs(ahead, amount, nowUs) ?? nowUs)
  }

  /** The part that counts of a usage of `amount` where `reserved` was charged: it leaves no debt above {@link MAX_DEBT_MINUTES}. */
  bounded(amount: number, reserved: number, nowUs: number): number {
    if (amount <= reserved) return amount
    const minute = Math.ceil(this.perMinute)
    return Math.min(amount, reserved + Math.max(0, MAX_DEBT_MINUTES * minute - this.#owed(nowUs)))
  }

  /** The amount missing from a full bucket. Without a bucket, the amount in the window. */
  #owed(nowUs: number): number {
    return this.#bucket === undefined ? this.used(nowUs) : this.#bucket.missing(nowUs)
  }

  charge(amount: number, nowUs: number, seq: number): void {
    this.#window?.charge(amount, nowUs, seq)
    this.#bucket?.charge(amount, nowUs, seq)
  }

  refund(amount: number, seq: number, nowUs: number): void {
    this.#window?.refund(amount, seq, nowUs)
    this.#bucket?.refund(amount, seq, nowUs)
  }

  /** Charges an amount that counts without having been admitted. Some meters count the two apart. */
  chargeLate(amount: number, nowUs: number, seq: number): void {
    this.#window?.charge(amount, nowUs, seq)
    this.#bucket?.chargeLate(amount, nowUs, seq)
  }

  /**
   * Moves `amount` of charge `seq` to now, as part of charge `newSeq`. A bucket stays as it is: there an earlier charge permits no
   * more than a later one.
   */
  move(amount: number, seq: number, nowUs: number, newSeq: number): void {
    this.#window?.refund(amount, seq, nowUs)
    this.#window?.charge(amount, nowUs, newSeq)
  }

  emptyUntil(untilUs: number, nowUs: number, seq: number): void {
    this.#bucket?.emptyUntil(untilUs, nowUs, seq)
  }

  /** Whether this meter can go on under `rule`: the same limit, held by the same means. */
  fits(rule: LimitRule): boolean {
    return (
      this.#rule.limit === rule.limit &&
      this.#rule.countsOutput === rule.countsOutput &&
      (this.#rule.window === undefined) === (rule.window === undefined) &&
      (this.#rule.counter === undefined) === (rule.counter === undefined) &&
      (this.#bucket === undefined) === (rule.bucket === undefined)
    )
  }

  setRule(rule: LimitRule, nowUs: number, seq: number): void {
    if (sameRule(this.#rule, rule)) return
    this.#rule = rule
    this.largest = largestOf(rule)
    if (this.#window instanceof SlidingCounter) this.#window.setRule(rule.counter!)
    else this.#window?.setRule(rule.window!)
    if (rule.bucket !== undefined) this.#bucket?.setRule(rule.bucket, nowUs, seq)
  }

  /** The amount that counts now without `besides`, as a share of the configured limit. */
  usedShare(nowUs: number, besides: number): number {
    return Math.max(0, this.used(nowUs) - besides) / this.#rule.configured
  }

  get isPerSecond(): boolean {
    return this.largest === Infinity
  }

  /** Sets the phase of the server's clock. Only a window that begins by that clock uses it. */
  setClockPhase(phase: PhaseUs | undefined, nowUs: number): void {
    if (this.#window instanceof AlignedWindow) this.#window.setClockPhase(phase, nowUs)
  }

  /** The amount that counts against the limit now: in the window, or missing from a full bucket. */
  used(nowUs: number): number {
    if (this.#window !== undefined) return this.#window.used(nowUs)
    return this.#bucket?.missing(nowUs) ?? 0
  }

  /** When the oldest charge leaves the window. `nowUs` if there is none. */
  nextExpiryUs(nowUs: number): number {
    return this.#window?.nextExpiryUs(nowUs) ?? nowUs
  }
}
