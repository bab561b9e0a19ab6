import { MAX_TIMER_MS, type Clock, type TimerHandle } from '../clock.js'

/** One timer, set to one time. It may go off early where that lies beyond what a timer can be set to: then set it again. */
export class WakeTimer {
  readonly #clock: Clock
  readonly #fire: () => void
  #timer: TimerHandle
  #at = Infinity

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** When it goes off, in the clock's ms; Infinity if it is not set. */
  get at(): number {
    return this.#at
  }

  /** Infinity: not at all. */
  set(at: number): void {
    if (at === this.#at) return
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#at = at
    if (at === Infinity) return
    const delay = Math.min(Math.max(0, Math.ceil(at - this.#clock.now())), MAX_TIMER_MS)
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#at = Infinity
      this.#fire()
    }, delay)
  }
}
