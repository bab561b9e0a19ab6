import { MAX_TIMER_MS } from '../../clock.js'
import type { Limits, LimitsHost } from '../../types.js'
import { mergeLimits } from '../resolve-limits.js'

interface Temporary {
  readonly model: string
  limits: Limits
  /** The end, in the clock's ms and in ms since 1970. */
  readonly endsAt: number
  readonly until: number
}

/**
 * Limits that are set until a time. The newest ones override older ones. When they end, the older ones hold again, and
 * at last those that were set for good.
 */
export class TemporaryLimits {
  readonly #host: LimitsHost
  readonly #onEnd: () => void
  /** In the order of setting, the newest last. */
  #all: Temporary[] = []
  #cancel: (() => void) | undefined
  #isClosed = false

  /** `onEnd` is called when some have ended. */
  constructor(host: LimitsHost, onEnd: () => void) {
    this.#host = host
    this.#onEnd = onEnd
  }

  /**
   * Sets limits of a model until `until`, in ms since 1970. The machine's clock is read once, here, to convert `until`.
   */
  set(model: string, limits: Limits, until: number): void {
    if (Object.keys(limits).length === 0) return
    const endsAt = this.#host.now() + (until - Date.now())
    // Older limits that end earlier would never show again.
    this.#drop(model, limits, (one) => one.endsAt <= endsAt)
    this.#all.push({ model, limits, endsAt, until })
    this.#arm()
  }

  /** Drops the temporary values of the given limits, after these were set for good. */
  replace(model: string, limits: Limits): void {
    this.#drop(model, limits, () => true)
    this.#arm()
  }

  /** The temporary limits of a model, and when the first of them ends, in ms since 1970; undefined if it has none. */
  of(model: string): { readonly limits: Limits; readonly until: number } | undefined {
    let found: { limits: Limits; until: number } | undefined
    for (const one of this.#all) {
      if (one.model !== model) continue
      found = {
        limits: mergeLimits(found?.limits ?? {}, one.limits),
        until: Math.min(found?.until ?? Infinity, one.until),
      }
    }
    return found
  }

  models(): string[] {
    return this.#all.map(({ model }) => model)
  }

  /** Stops the timer for good. Limits that are set from now on do not end. */
  close(): void {
    this.#isClosed = true
    this.#disarm()
  }

  #disarm(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #drop(model: string, fields: Limits, isOver: (one: Temporary) => boolean): void {
    for (const one of this.#all) {
      if (one.model !== model || !isOver(one)) continue
      one.limits = Object.fromEntries(Object.entries(one.limits).filter(([field]) => !(field in fields)))
    }
    this.#all = this.#all.filter(({ limits }) => Object.keys(limits).length > 0)
  }

  #arm(): void {
    this.#disarm()
    if (this.#isClosed) return
    const endsAt = Math.min(...this.#all.map((one) => one.endsAt))
    if (endsAt === Infinity) return
    const delayMs = Math.min(Math.max(endsAt - this.#host.now(), 0), MAX_TIMER_MS)
    this.#cancel = this.#host.wakeIn(delayMs, () => this.#end())
  }

  #end(): void {
    const now = this.#host.now()
    const left = this.#all.filter(({ endsAt }) => endsAt > now)
    const hasEnded = left.length < this.#all.length
    this.#all = left
    this.#arm()
    if (hasEnded) this.#onEnd()
  }
}
