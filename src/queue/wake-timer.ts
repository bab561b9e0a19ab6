import { MAX_TIMER_MS, type Clock, type TimerHandle } from '../clock.js'

/**
 * One timer for one time, in the clock's ms. It fires early if the time is further away than {@link MAX_TIMER_MS}; the
 * owner then sets it again.
 */
export class WakeTimer {
  readonly #clock: Clock
  readonly #fire: () => void
  #timer: TimerHandle
  #at = Infinity

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** The time that the timer is set to, in the clock's ms; Infinity if it is not set. */
  get at(): number {
    return this.#at
  }

  /** Sets the timer to another time, in the clock's ms. Infinity clears it. */
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
