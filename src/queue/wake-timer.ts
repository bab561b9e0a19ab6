import { MAX_TIMER_MS, type Clock, type TimerHandle } from '../clock.js'

/**
 * A timer that is this late, in ms, is taken for lost. In Cloudflare Workers a timer ends with the request that set it. The
 * event loop is rarely blocked for so long; if it is, waking early is harmless.
 */
const MAX_LATE_MS = 1000

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

  /** Whether the timer should have fired long ago, so that it never will. */
  isLost(now: number): boolean {
    return now > this.#at + MAX_LATE_MS
  }

  /** Sets the timer to another time, in the clock's ms. Infinity clears it. */
  set(at: number): void {
    if (at === this.#at) return
    const old = this.#timer
    // First, for timers may throw (in Cloudflare Workers, outside a request): the timer is then not set.
    this.#timer = undefined
    this.#at = Infinity
    if (old !== undefined) this.#clock.clearTimeout(old)
    if (at === Infinity) return
    const delay = Math.min(Math.max(0, Math.ceil(at - this.#clock.now())), MAX_TIMER_MS)
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#at = Infinity
      this.#fire()
    }, delay)
    this.#at = at
  }
}
