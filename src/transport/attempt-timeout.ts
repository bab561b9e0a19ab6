import { onAbort } from '../abort-signals.js'
import type { Clock, TimerHandle } from '../clock.js'

/** The signal of one attempt. It aborts when the caller's signal does, or when the attempt's time is up. */
export class AttemptTimeout {
  readonly signal: AbortSignal | undefined
  readonly #clock: Clock
  #timer: TimerHandle
  #forgetCaller: (() => void) | undefined

  /** Without `timeoutMs`, the attempt has no time limit and `signal` is the caller's own. */
  constructor(caller: AbortSignal | undefined, clock: Clock, timeoutMs: number | undefined) {
    this.#clock = clock
    if (timeoutMs === undefined) {
      this.signal = caller
      return
    }
    const controller = new AbortController()
    this.signal = controller.signal
    this.#timer = clock.setTimeout(() => controller.abort(timeoutError(timeoutMs)), timeoutMs)
    if (caller === undefined) return
    if (caller.aborted) controller.abort(caller.reason)
    else this.#forgetCaller = onAbort(caller, () => controller.abort(caller.reason))
  }

  stopTimer(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /**
   * Removes the timer and the listener on the caller's signal. To be called when the attempt has nothing left to abort.
   * Calling it again has no effect.
   */
  release(): void {
    this.stopTimer()
    this.#forgetCaller?.()
    this.#forgetCaller = undefined
  }
}

/** Its name and wording make the `openai` client raise its own timeout error. */
export function timeoutError(timeoutMs: number): DOMException {
  return new DOMException(`The request timed out after ${timeoutMs} ms`, 'TimeoutError')
}
