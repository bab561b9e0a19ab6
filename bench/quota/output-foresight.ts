import type { Job } from './workloads.js'

/** How well a client predicted output that it did not know. Shares are fractions of 1. */
export interface OutputForesight {
  /**
   * The mean distance of predicted from actual output ÷ the mean output. The client reports it, for its newest answers.
   */
  readonly error: number
  /** The same error for a prediction that is always the mean of all answers. It shows how random the output is. */
  readonly errorOfMean: number
  /** All reserved output ÷ all actual output. */
  readonly reserved: number
  /**
   * How often the reservations of all requests in flight together covered their output, checked whenever a request was
   * sent.
   */
  readonly covered: number
}

interface Attempt {
  readonly outputTokens: number
  reservedTokens: number
  /** Whether it was answered. Refused attempts used nothing and are ignored. */
  isAnswered: boolean
}

/**
 * The rounding error of a sum of token fractions, in tokens. Chosen: above the error of such sums, far below one token.
 */
const EXACT = 1e-6

/**
 * Records what a client reserves for the output of its requests. The output in flight is known only after all of it has
 * ended.
 */
export class ForesightLog {
  /** Each attempt appears twice: when it was sent and when it ended. */
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

  /** The summary; undefined if nothing was answered. For `error` see {@link OutputForesight.error}. */
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
