import { counterOf, type Counter, type CountingRule } from './windows.js'

/** Sums of fractions of tokens are this exact. */
const EXACT = 1e-6

export interface LimitRule {
  readonly counts: 'requests' | 'tokens'
  readonly limit: number
  readonly windowMs: number
  readonly rule: CountingRule
  readonly phaseMs: number
}

/**
 * One limit of the server. What is larger than all of a second's passes alone: where nothing else was admitted in its window
 * (a bucket: where it is full), and what follows waits until it has left the window or the bucket is out of debt.
 */
export class ServerLimit {
  readonly counts: 'requests' | 'tokens'
  readonly #told: number
  #limit: number
  readonly #takesLargeAlone: boolean
  readonly #all: Counter
  /** The same without output charged after admission: there would be no empty window ever while answers are written. */
  readonly #admitted: Counter

  constructor({ counts, limit, windowMs, rule, phaseMs }: LimitRule) {
    this.counts = counts
    this.#told = this.#limit = limit
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

  /** Charges output after its request was admitted, whether there is room or not. */
  chargeLater(amount: number, atMs: number): void {
    this.#all.charge(amount, atMs)
  }

  giveBack(amount: number, chargedAtMs: number, atMs: number): void {
    this.#all.giveBack(amount, chargedAtMs, atMs)
    this.#admitted.giveBack(amount, chargedAtMs, atMs)
  }

  /** From now on it is `factor` times what was told. */
  scale(factor: number, atMs: number): void {
    this.#limit = this.#told * factor
    this.#all.setLimit(this.#limit, atMs)
    this.#admitted.setLimit(this.#limit, atMs)
  }
}
