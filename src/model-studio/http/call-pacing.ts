import { onAbort } from '../../abort-signals.js'
import type { Clock, TimerHandle } from '../../clock.js'

/** Spaces calls by a minimum interval, in the order of their arrival. */
export class CallPacing {
  readonly #clock: Clock
  readonly #minIntervalMs: number
  readonly #waiting: (() => void)[] = []
  #nextAt = -Infinity
  #timer: TimerHandle

  constructor(clock: Clock, minIntervalMs: number) {
    this.#clock = clock
    this.#minIntervalMs = minIntervalMs
  }

  /** Resolves when the call may start. Rejects with the signal's reason if it aborts first. */
  turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      const start = (): void => {
        forget?.()
        resolve()
      }
      const forget =
        signal &&
        onAbort(signal, () => {
          const place = this.#waiting.indexOf(start)
          if (place >= 0) this.#waiting.splice(place, 1)
          this.#next()
          reject(signal.reason)
        })
      this.#waiting.push(start)
      this.#next()
    })
  }

  /** Starts no call for `ms` milliseconds. */
  hold(ms: number): void {
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now() + ms)
  }

  #next(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#waiting.length > 0) {
      const now = this.#clock.now()
      if (now < this.#nextAt) {
        this.#timer = this.#clock.setTimeout(() => this.#next(), this.#nextAt - now)
        return
      }
      this.#nextAt = now + this.#minIntervalMs
      this.#waiting.shift()!()
    }
  }
}
