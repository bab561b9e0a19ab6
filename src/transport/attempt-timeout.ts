import { onAbort } from '../abort-signals.js'
import type { Clock, TimerHandle } from '../clock.js'

/** A controller is used by one attempt after another: to make one for each costs more than all else that a leash does. */
const MAX_USES = 16
const MAX_SPARE = 16
const spare: { readonly controller: AbortController; uses: number }[] = []

/** The signal of one attempt: aborts with the caller's, or when its time is up. Leaves no timer and no listener behind. */
export class AttemptTimeout {
  readonly signal: AbortSignal | undefined
  readonly #clock: Clock
  readonly #reuses: boolean
  #pooled: (typeof spare)[number] | undefined
  #timer: TimerHandle
  #forget: (() => void) | undefined

  /**
   * Without `timeoutMs` it has no end. `reuses`: whether its signal may have served others before, who have ended; not where
   * whoever gets it may leave listeners on it.
   */
  constructor(caller: AbortSignal | undefined, clock: Clock, timeoutMs: number | undefined, reuses: boolean) {
    this.#clock = clock
    this.#reuses = reuses
    if (timeoutMs === undefined) {
      this.signal = caller
      return
    }
    const pooled = (reuses ? spare.pop() : undefined) ?? { controller: new AbortController(), uses: 0 }
    const { controller } = pooled
    pooled.uses++
    this.#pooled = pooled
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

  /** To be called when nothing of the attempt is left that the signal could abort; calling it again is harmless. */
  release(): void {
    this.stopTimer()
    this.#forget?.()
    this.#forget = undefined
    const pooled = this.#pooled
    this.#pooled = undefined
    if (pooled === undefined || !this.#reuses || pooled.controller.signal.aborted) return
    if (pooled.uses < MAX_USES && spare.length < MAX_SPARE) spare.push(pooled)
  }
}

/** Worded so that the `openai` client raises its own error of a timeout. */
export function timeoutError(timeoutMs: number): DOMException {
  return new DOMException(`The request timed out after ${timeoutMs} ms`, 'TimeoutError')
}
