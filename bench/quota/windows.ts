/**
 * The rules by which the benchmark's server counts.
 *
 * They are written for the benchmark only. It uses neither the library's gates nor the simulator, so a fault of theirs
 * cannot hide on both sides. Times are in ms.
 */
export type CountingRule = 'fixed' | 'sliding' | 'bucket' | 'counter'

export interface Counter {
  /** The amount that counts against the limit at `atMs`. Times never go back. */
  used(atMs: number): number
  charge(amount: number, atMs: number): void
  /** Refunds a part of the charge at `chargedAtMs`, if it still counts. */
  giveBack(amount: number, chargedAtMs: number, atMs: number): void
  setLimit(limit: number, atMs: number): void
}

/** A counter of this rule. `phaseMs` is when the first fixed window begins, in [0, windowMs). */
export function counterOf(rule: CountingRule, limit: number, windowMs: number, phaseMs: number): Counter {
  switch (rule) {
    case 'fixed':
      return new FixedWindow(windowMs, phaseMs)
    case 'sliding':
      return new SlidingLog(windowMs)
    case 'bucket':
      return new Bucket(limit, windowMs)
    case 'counter':
      return new SlidingCounter(windowMs, phaseMs)
  }
}

class FixedWindow implements Counter {
  readonly #windowMs: number
  readonly #phaseMs: number
  #index = -1
  #sum = 0

  constructor(windowMs: number, phaseMs: number) {
    this.#windowMs = windowMs
    this.#phaseMs = phaseMs
  }

  used(atMs: number): number {
    const index = this.#indexOf(atMs)
    if (index !== this.#index) {
      this.#index = index
      this.#sum = 0
    }
    return this.#sum
  }

  charge(amount: number, atMs: number): void {
    this.used(atMs)
    this.#sum += amount
  }

  giveBack(amount: number, chargedAtMs: number, atMs: number): void {
    this.used(atMs)
    if (this.#indexOf(chargedAtMs) === this.#index) this.#sum -= amount
  }

  setLimit(): void {}

  #indexOf(atMs: number): number {
    return Math.floor((atMs - this.#phaseMs) / this.#windowMs)
  }
}

class SlidingLog implements Counter {
  readonly #windowMs: number
  readonly #at: number[] = []
  readonly #amount: number[] = []
  #first = 0
  #sum = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  used(atMs: number): number {
    while (this.#first < this.#at.length && this.#at[this.#first]! <= atMs - this.#windowMs) {
      this.#sum -= this.#amount[this.#first++]!
    }
    if (this.#first === this.#at.length) {
      this.#at.length = this.#amount.length = this.#first = 0
      // Removes fractions of a token that rounding has left.
      this.#sum = 0
    }
    return this.#sum
  }

  charge(amount: number, atMs: number): void {
    this.used(atMs)
    this.#at.push(atMs)
    this.#amount.push(amount)
    this.#sum += amount
  }

  giveBack(amount: number, chargedAtMs: number, atMs: number): void {
    this.used(atMs)
    // Any of several charges with the same time will do, because they leave the window together.
    const index = this.#at.indexOf(chargedAtMs, this.#first)
    if (index === -1) return
    this.#amount[index]! -= amount
    this.#sum -= amount
  }

  setLimit(): void {}
}

class Bucket implements Counter {
  readonly #windowMs: number
  #depth: number
  #level: number
  #atMs = -Infinity

  constructor(limit: number, windowMs: number) {
    this.#windowMs = windowMs
    this.#depth = this.#level = limit
  }

  used(atMs: number): number {
    if (atMs > this.#atMs) {
      const filled = this.#level + ((atMs - this.#atMs) * this.#depth) / this.#windowMs
      this.#level = Math.min(this.#depth, filled)
      this.#atMs = atMs
    }
    return this.#depth - this.#level
  }

  charge(amount: number, atMs: number): void {
    this.used(atMs)
    this.#level -= amount
  }

  giveBack(amount: number, _chargedAtMs: number, atMs: number): void {
    this.used(atMs)
    this.#level = Math.min(this.#depth, this.#level + amount)
  }

  setLimit(limit: number, atMs: number): void {
    this.used(atMs)
    this.#depth = limit
    this.#level = Math.min(limit, this.#level)
  }
}

/** The sum of the current fixed window, and the share of the previous one that a sliding window would still hold. */
class SlidingCounter implements Counter {
  readonly #windowMs: number
  readonly #phaseMs: number
  #index = -1
  #current = 0
  #previous = 0

  constructor(windowMs: number, phaseMs: number) {
    this.#windowMs = windowMs
    this.#phaseMs = phaseMs
  }

  used(atMs: number): number {
    const position = (atMs - this.#phaseMs) / this.#windowMs
    const index = Math.floor(position)
    if (index !== this.#index) {
      this.#previous = index === this.#index + 1 ? this.#current : 0
      this.#current = 0
      this.#index = index
    }
    return this.#current + this.#previous * (1 - (position - index))
  }

  charge(amount: number, atMs: number): void {
    this.used(atMs)
    this.#current += amount
  }

  giveBack(amount: number, chargedAtMs: number, atMs: number): void {
    this.used(atMs)
    const index = Math.floor((chargedAtMs - this.#phaseMs) / this.#windowMs)
    if (index === this.#index) this.#current -= amount
    else if (index === this.#index - 1) this.#previous -= amount
  }

  setLimit(): void {}
}
