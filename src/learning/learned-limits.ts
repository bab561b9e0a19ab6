import type { LimitShares } from '../limits/limit-shares.js'
import { LimitEstimator } from './limit-estimator.js'

const MINUTE_MS = 60_000
const KINDS = ['requests', 'tokens'] as const

/** The limits that a 429 may be for: those on requests, or those on tokens. */
export type LimitKind = (typeof KINDS)[number]

/** How much of a model's limits on requests and on tokens refusals, and minutes without one, have shown to be there. */
export class LearnedLimits {
  readonly #estimators: Readonly<Record<LimitKind, LimitEstimator>>

  /** `ceiling`: the largest share of the configured limits to try. */
  constructor(networkJitterMs: number, ceiling: number) {
    this.#estimators = {
      requests: new LimitEstimator(MINUTE_MS + networkJitterMs, ceiling),
      tokens: new LimitEstimator(MINUTE_MS + networkJitterMs, ceiling),
    }
  }

  /** When {@link review} has something to look at, in the clock's ms. */
  get reviewAt(): number {
    const { requests, tokens } = this.#estimators
    return Math.min(requests.reviewAt, tokens.reviewAt)
  }

  /** The shares of the configured limits that are in force. */
  get shares(): LimitShares {
    const { requests, tokens } = this.#estimators
    return { requests: requests.share, tokens: tokens.share }
  }

  /** As {@link LimitEstimator.refused}, for the limits of this kind. */
  refused(
    kind: LimitKind,
    used: { readonly minute: number; readonly second: number },
    isCertain: boolean,
    now: number,
  ): boolean {
    return this.#estimators[kind].refused(used, isCertain, now)
  }

  /** A request was served. */
  served(): void {
    this.#estimators.tokens.served()
  }

  /**
   * Looks at how much was sent without a refusal. `usedShare`: the share of the configured limits a minute that is used. Says whether
   * other shares are in force now, and whether more than is known to be there is being tried.
   */
  review(usedShare: (kind: LimitKind) => number, now: number): { hasChanged: boolean; isProbing: boolean } {
    let hasChanged = false
    let isProbing = false
    for (const kind of KINDS) {
      const estimator = this.#estimators[kind]
      if (estimator.reviewAt === Infinity) estimator.begin(now)
      else if (now >= estimator.reviewAt && estimator.review(usedShare(kind), now)) hasChanged = true
      isProbing ||= estimator.isProbing
    }
    return { hasChanged, isProbing }
  }
}
