import type { Job } from './workloads.js'

/** How well a client foresaw the output that it did not know. Shares are fractions. */
export interface OutputForesight {
  /** By how much what was expected missed what came: the mean distance ÷ the mean output. Of the newest answers, as the client says. */
  readonly error: number
  /** The same, had the mean of all answers been expected of each: what is left to chance. */
  readonly errorOfMean: number
  /** All that was reserved ÷ all that came. */
  readonly reserved: number
  /** How often what was reserved for all that was in flight was enough for it, looked at whenever a request was sent. */
  readonly covered: number
}

interface Attempt {
  readonly outputTokens: number
  reservedTokens: number
  /** Whether it was answered: what was refused used nothing, and is not looked at. */
  isAnswered: boolean
}

/** Sums of fractions of tokens are this exact. */
const EXACT = 1e-6

/** Notes what a client reserves for the output of its requests. What was in flight is known only when all of it has ended. */
export class ForesightLog {
  /** Each attempt twice: when it was sent, and when it ended. */
  readonly #order: { readonly attempt: Attempt; readonly isSent: boolean }[] = []
  readonly #inFlight = new Map<number, Attempt>()

  sent({ id, outputTokens }: Job): void {
    const attempt = { outputTokens, reservedTokens: 0, isAnswered: false }
    this.#inFlight.set(id, attempt)
    this.#order.push({ attempt, isSent: true })
  }

  ended({ id }: Job, reservedTokens: number, isAnswered: boolean): void {
    const attempt = this.#inFlight.get(id)
    if (attempt === undefined) return
    this.#inFlight.delete(id)
    attempt.reservedTokens = reservedTokens
    attempt.isAnswered = isAnswered
    this.#order.push({ attempt, isSent: false })
  }

  /** Undefined where nothing was answered. `error`: see {@link OutputForesight.error}. */
  summary(error: number): OutputForesight | undefined {
    const known = this.#order.filter(({ attempt }) => attempt.isAnswered)
    const answered = known.filter(({ isSent }) => isSent).map(({ attempt }) => attempt)
    const used = sum(answered, ({ outputTokens }) => outputTokens)
    if (used === 0) return undefined
    const mean = used / answered.length
    let spare = 0
    let covered = 0
    for (const { attempt, isSent } of known) {
      const own = attempt.reservedTokens - attempt.outputTokens
      spare += isSent ? own : -own
      if (isSent && spare >= -EXACT) covered++
    }
    return {
      error,
      errorOfMean: sum(answered, ({ outputTokens }) => Math.abs(outputTokens - mean)) / used,
      reserved: sum(answered, ({ reservedTokens }) => reservedTokens) / used,
      covered: covered / answered.length,
    }
  }
}

function sum(attempts: readonly Attempt[], of: (attempt: Attempt) => number): number {
  return attempts.reduce((total, attempt) => total + of(attempt), 0)
}
