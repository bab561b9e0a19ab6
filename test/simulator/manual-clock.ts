import type { Clock, TimerHandle } from '../../src/clock.js'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A clock that moves only when `advance` is called. */
export class ManualClock implements Clock {
  #now: number
  readonly #timers = new Set<Timer>()
  #waiting: { readonly atLeast: number; readonly resolve: () => void }[] = []

  constructor(start = 0) {
    this.#now = start
  }

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    this.#waiting = this.#waiting.filter(({ atLeast, resolve }) => {
      if (this.#timers.size < atLeast) return true
      resolve()
      return false
    })
    return timer
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer)
  }

  /** Moves the clock, and fires the timers that fall due, in order of time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = end
  }

  /** Resolves when at least `atLeast` timers are armed. */
  armed(atLeast = 1): Promise<void> {
    if (this.#timers.size >= atLeast) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push({ atLeast, resolve })
    })
  }
}
