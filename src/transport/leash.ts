import { onAbort } from '../aborts.js'
import type { Clock, TimerHandle } from '../clock.js'

/** The signal of one attempt: aborts with the caller's, or when its time is up. Leaves no timer and no listener behind. */
export class Leash {
  readonly signal: AbortSignal | undefined
  readonly #clock: Clock
  #timer: TimerHandle
  #forget: (() => void) | undefined

  /** Without `timeoutMs` it has no end. */
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
    else this.#forget = onAbort(caller, () => controller.abort(caller.reason))
  }

  stopTimer(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  release(): void {
    this.stopTimer()
    this.#forget?.()
    this.#forget = undefined
  }
}

/** Worded so that the `openai` client raises its own error of a timeout. */
export function timeoutError(timeoutMs: number): DOMException {
  return new DOMException(`The request timed out after ${timeoutMs} ms`, 'TimeoutError')
}
