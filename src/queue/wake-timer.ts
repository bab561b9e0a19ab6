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
  /** When the timer fires, in the clock's ms: later than `#at` where that had passed when the timer was set. */
  #dueAt = Infinity

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
    return now > this.#dueAt + MAX_LATE_MS
  }

  /** Sets the timer to another time, in the clock's ms. Infinity clears it. */
  set(at: number): void {
    if (at === this.#at) return
    const old = this.#timer
    // First, for timers may throw (in Cloudflare Workers, outside a request): the timer is then not set.
    this.#timer = undefined
    this.#at = this.#dueAt = Infinity
    if (old !== undefined) this.#clock.clearTimeout(old)
    if (at === Infinity) return
    const now = this.#clock.now()
    const delay = Math.min(Math.max(0, Math.ceil(at - now)), MAX_TIMER_MS)
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#at = this.#dueAt = Infinity
      this.#fire()
    }, delay)
    this.#at = at
    this.#dueAt = now + delay
  }
}
