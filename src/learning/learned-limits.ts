import type { LimitShares } from '../limits/limit-shares.js'
import { LimitEstimator } from './limit-estimator.js'

const MINUTE_MS = 60_000
const KINDS = ['requests', 'tokens'] as const

/** The kind of limit that a 429 names. */
export type LimitKind = (typeof KINDS)[number]

/** The learned shares of a model's request and token limits, from refusals and from minutes without one. */
export class LearnedLimits {
  readonly #estimators: Readonly<Record<LimitKind, LimitEstimator>>

  /** `ceiling`: the largest share of the configured limits to probe. 1 never exceeds them. */
  constructor(networkJitterMs: number, ceiling: number) {
    this.#estimators = {
      requests: new LimitEstimator(MINUTE_MS + networkJitterMs, ceiling),
      tokens: new LimitEstimator(MINUTE_MS + networkJitterMs, ceiling),
    }
  }

  /** When {@link review} is next due, in ms of the clock. */
  get reviewAt(): number {
    const { requests, tokens } = this.#estimators
    return Math.min(requests.reviewAt, tokens.reviewAt)
  }

  /** The effective shares of the configured limits, as fractions. */
  get shares(): LimitShares {
    const { requests, tokens } = this.#estimators
    return { requests: requests.share, tokens: tokens.share }
  }

  /** Applies a refusal to the limits of `kind`; see {@link LimitEstimator.refused}. */
  refused(
    kind: LimitKind,
    used: { readonly minute: number; readonly second: number },
    isCertain: boolean,
    now: number,
  ): boolean {
    return this.#estimators[kind].refused(used, isCertain, now)
  }

  /** Records a success. It offsets earlier token refusals. */
  served(): void {
    this.#estimators.tokens.served()
  }

  /**
   * Reviews the use since the last refusal, and starts or continues a probe of a higher share. `usedShare` returns the used
   * fraction of the configured minute limit.
   *
   * Returns whether an effective share changed, and whether a probe runs.
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
