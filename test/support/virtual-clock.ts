import type { Clock } from '../../src/clock.js'

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** Time that passes only when told to. Timers fire in the order of their times; promises run dry after each. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #timers = new Map<number, Timer>()

  constructor(now = 1000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delayMs: number): number {
    const order = ++this.#order
    this.#timers.set(order, { at: this.#now + Math.max(0, delayMs), order, callback })
    return order
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number)
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets `ms` pass, firing what is due at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settlePromises()
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) await this.#fire(next)
    this.#now = until
  }

  /** Fires timers until none is left, or `limitMs` have passed. */
  async run(limitMs = 24 * 3_600_000): Promise<void> {
    const until = this.#now + limitMs
    await settlePromises()
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) await this.#fire(next)
  }

  /** Jumps without firing anything, also backward. */
  jump(ms: number): void {
    this.#now += ms
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers.values()) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer
    }
    return first
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer.order)
    this.#now = Math.max(this.#now, timer.at)
    timer.callback()
    await settlePromises()
  }
}

/** Lets all promises that can settle do so: a turn of the event loop's immediate queue comes after them. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
