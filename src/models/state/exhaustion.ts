import { QuotaExhausted } from '../../errors.js'
import { readResetTime } from '../../throttling/parse-error.js'

/** Without a reset time from the server, the next request is sent after this long, in ms, to see whether the quota is back. */
const PROBE_AFTER_MS = 600_000
/** A reset time further off than this, in ms, is not believed: quotas come back within a month or so. */
const MAX_QUOTA_MS = 35 * 24 * 3_600_000
/** A `Retry-After` closes a model for this long at most, in ms. */
const MAX_CLOSED_MS = 24 * 3_600_000
/** A quota that comes back at once still closes its model for this long, in ms. */
const MIN_CLOSED_MS = 1000

/** Whether the quota of one model is used up, and until when nothing is sent to it. */
export class Exhaustion {
  readonly #model: string
  /** In the clock's ms; the next request after it is sent to see. */
  #until = -Infinity
  #error: QuotaExhausted | undefined

  constructor(model: string) {
    this.#model = model
  }

  isActive(now: number): boolean {
    return now < this.#until
  }

  /** What a request gets for which no other model is left; undefined where the quota is not used up. */
  errorAt(now: number): QuotaExhausted | undefined {
    return this.isActive(now) ? this.#error : undefined
  }

  /** The server said that the quota is used up, and perhaps in `resetText` when it comes back. Says for how long that closes the model, in ms. */
  quotaUsedUp(message: string, resetText: string | undefined, now: number): number {
    const wallMs = Date.now()
    const resetAt = readResetTime(resetText, wallMs)
    const leftMs = resetAt === undefined ? Infinity : resetAt.getTime() - wallMs
    // A year that was misread, or never meant: no time at all is more honest.
    return leftMs < MAX_QUOTA_MS
      ? this.#close(Math.max(leftMs, MIN_CLOSED_MS), message, resetAt, now)
      : this.#close(PROBE_AFTER_MS, message, undefined, now)
  }

  /** Its 429s of a limit a minute can only mean that the quota is used up. Says for how long that closes the model, in ms. */
  minuteNeverFrees(message: string, retryAfterMs: number | undefined, now: number): number {
    const closedMs = Math.min(Math.max(retryAfterMs ?? 0, PROBE_AFTER_MS), MAX_CLOSED_MS)
    const resetAt = closedMs === retryAfterMs ? new Date(Date.now() + closedMs) : undefined
    return this.#close(closedMs, message, resetAt, now)
  }

  #close(closedMs: number, message: string, resetAt: Date | undefined, now: number): number {
    const when = resetAt === undefined ? '' : ` It comes back at ${resetAt.toISOString()}.`
    this.#until = now + closedMs
    this.#error = new QuotaExhausted(
      `The quota of '${this.#model}' is used up, and waiting a minute does not help.${when} The server: ${message}`,
      { resetAt },
    )
    return closedMs
  }
}
