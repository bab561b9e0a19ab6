import type { Clock } from '../../src/clock.js'

/**
 * Time that stands still but for what is waited for: a wait is over at once, and its time has passed. So a client that waits
 * for a server which lives in the same time needs no time of the test's.
 */
export class LeapingClock implements Clock {
  /** What was waited for, in ms. */
  readonly waits: number[] = []
  /** Called before each wait, which it may keep from ending. */
  onWait: ((waits: number) => void | 'for ever') | undefined
  #now = 1000

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    this.waits.push(delayMs)
    if (this.onWait?.(this.waits.length) === 'for ever') return undefined
    return setImmediate(() => {
      this.#now += delayMs
      callback()
    })
  }

  /** This time for a server whose own timers take real time: its client alone makes the time pass. */
  readonly forServer: Clock = {
    now: () => this.#now,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  }

  clearTimeout(handle: unknown): void {
    clearImmediate(handle as NodeJS.Immediate)
  }
}
