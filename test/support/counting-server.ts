import type { Clock } from '../../src/clock.js'
import type { Grant } from '../../src/index.js'

/** The limits that a {@link CountingServer} counts by. */
export interface Counted {
  readonly rpm: number
  readonly tpm: number
}

interface Entry {
  readonly at: number
  readonly tokens: number
}

/**
 * A service that counts requests and tokens in sliding windows of a minute and a second, by code of its own, refuses at once what
 * exceeds them, and may be given other limits at any time.
 */
export class CountingServer {
  limits: Counted
  /** When what was refused had been sent, and when what was served arrived, in the clock's ms. */
  readonly refusals: { readonly sentAt: number; readonly at: number }[] = []
  readonly served: Entry[] = []
  readonly #clock: Clock
  readonly #answerMs: number

  constructor(clock: Clock, limits: Counted, answerMs = 800) {
    this.#clock = clock
    this.limits = limits
    this.#answerMs = answerMs
  }

  /** Serves a request of so many tokens. */
  readonly serve = async (_: Grant, tokens: number): Promise<unknown> => {
    const sentAt = this.#clock.now()
    await this.#sleep(20)
    const at = this.#clock.now()
    const { rpm, tpm } = this.limits
    const [minute, second] = [this.#used(at - 60_000), this.#used(at - 1000)]
    const exceeds = (used: { requests: number; tokens: number }, share: number): 'requests' | 'tokens' | undefined => {
      if (used.requests + 1 > rpm / share) return 'requests'
      // A request larger than a second's tokens goes alone.
      if (used.requests > 0 && used.tokens + tokens > tpm / share) return 'tokens'
      return undefined
    }
    const by = exceeds(minute, 1) ?? exceeds(second, 60)
    if (by !== undefined) {
      this.refusals.push({ sentAt, at })
      const code = by === 'requests' ? 'limit_requests' : 'insufficient_quota'
      throw Object.assign(new Error(`refused by ${by}`), { status: 429, code, error: { code, message: code } })
    }
    this.served.push({ at, tokens })
    await this.#sleep(this.#answerMs)
    return undefined
  }

  /** Requests and tokens that were let in from `from` to `to`. */
  between(from: number, to: number): { requests: number; tokens: number } {
    const within = this.served.filter(({ at }) => at >= from && at < to)
    return { requests: within.length, tokens: within.reduce((sum, { tokens }) => sum + tokens, 0) }
  }

  #used(since: number): { requests: number; tokens: number } {
    let requests = 0
    let tokens = 0
    for (let i = this.served.length - 1; i >= 0 && this.served[i]!.at > since; i--) {
      requests++
      tokens += this.served[i]!.tokens
    }
    return { requests, tokens }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimeout(resolve, ms))
  }
}
