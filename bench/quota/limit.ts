import { counterOf, type Counter, type CountingRule } from './windows.js'

/**
 * The rounding error of a sum of token fractions, in tokens. Chosen: above the error of such sums, far below one token.
 */
const EXACT = 1e-6

export interface LimitRule {
  readonly counts: 'requests' | 'tokens'
  readonly limit: number
  readonly windowMs: number
  readonly rule: CountingRule
  readonly phaseMs: number
}

/**
 * One limit of the server.
 *
 * A request that is larger than a second's limit is admitted alone: when nothing else was admitted in its window, or
 * when the bucket is full. The next request waits until it has left the window, or until the bucket is out of debt.
 */
export class ServerLimit {
  readonly counts: 'requests' | 'tokens'
  readonly #configured: number
  #limit: number
  readonly #takesLargeAlone: boolean
  readonly #all: Counter
  /**
   * The same limit without output that is charged after admission. With it, no window would be empty while answers are
   * generated.
   */
  readonly #admitted: Counter

  constructor({ counts, limit, windowMs, rule, phaseMs }: LimitRule) {
    this.counts = counts
    this.#configured = this.#limit = limit
    this.#takesLargeAlone = windowMs <= 1000
    this.#all = counterOf(rule, limit, windowMs, phaseMs)
    this.#admitted = counterOf(rule, limit, windowMs, phaseMs)
  }

  takes(amount: number, atMs: number): boolean {
    if (this.#all.used(atMs) + amount <= this.#limit + EXACT) return true
    return this.#takesLargeAlone && amount > this.#limit && this.#admitted.used(atMs) <= EXACT
  }

  admit(amount: number, atMs: number): void {
    this.#all.charge(amount, atMs)
    this.#admitted.charge(amount, atMs)
  }

  /** Charges output after its request was admitted, also if the limit has no room for it. */
  chargeLater(amount: number, atMs: number): void {
    this.#all.charge(amount, atMs)
  }

  giveBack(amount: number, chargedAtMs: number, atMs: number): void {
    this.#all.giveBack(amount, chargedAtMs, atMs)
    this.#admitted.giveBack(amount, chargedAtMs, atMs)
  }

  /** Sets the limit to `factor` times the configured one. */
  scale(factor: number, atMs: number): void {
    this.#limit = this.#configured * factor
    this.#all.setLimit(this.#limit, atMs)
    this.#admitted.setLimit(this.#limit, atMs)
  }
}
