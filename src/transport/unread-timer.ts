import { type Clock, type TimerHandle, unref } from '../clock.js'

/** The time that a stream may lie without a reader. */
export class UnreadTimer {
  readonly #clock: Clock
  #timer: TimerHandle

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `elapsed` after `ms`, unless {@link stop} comes first. */
  start(ms: number, elapsed: () => void): void {
    this.#timer = this.#clock.setTimeout(elapsed, ms)
    // It frees a place; that is no reason to keep a process alive.
    unref(this.#timer)
  }

  stop(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
