import { pickLimits } from '../limits/validation.js'
import { atShares, withShares } from '../limits/limit-shares.js'
import { NO_COST } from '../quota/reservation.js'
import { LimitEstimator } from '../learning/limit-estimator.js'
import type { Cost } from '../types.js'
import type { ModelState } from './model-state.js'
import { ownLimits } from './effective-limits.js'

const MINUTE_MS = 60_000

/** What refusals, and minutes without one, have shown to be there of a model's limits. */
export class LearnedLimits {
  readonly requests: LimitEstimator
  readonly tokens: LimitEstimator

  /** `ceiling`: the largest share of the told limits to try. */
  constructor(networkJitterMs: number, ceiling: number) {
    this.requests = new LimitEstimator(MINUTE_MS + networkJitterMs, ceiling)
    this.tokens = new LimitEstimator(MINUTE_MS + networkJitterMs, ceiling)
  }

  /** When there is something to look at. */
  get reviewAt(): number {
    return Math.min(this.requests.reviewAt, this.tokens.reviewAt)
  }

  get shares(): { requests: number; tokens: number } {
    return { requests: this.requests.share, tokens: this.tokens.share }
  }
}

/** A request of this cost was refused for a limit on requests, or on tokens: the limit may be another than was told. */
export function learnFromRefusal(modelState: ModelState, kind: 'requests' | 'tokens', cost: Cost, now: number): void {
  const taught = whoLearns(modelState)
  const used = taught.gate.usedShares(kind, now, cost)
  const isCertain = kind === 'requests' || now - taught.estimatedAt > MINUTE_MS
  if (used !== undefined && taught.learned[kind].refused(used, isCertain, now)) apply(taught, now, true)
  taught.reviewAt = taught.learned.reviewAt
}

/** A request was served. */
export function learnFromSuccess(modelState: ModelState, now: number): void {
  modelState.learned.tokens.served()
  if (now >= modelState.reviewAt) review(modelState, now)
  if (modelState.account !== undefined) learnFromSuccess(modelState.account, now)
}

/** Looks at how much went without a refusal. */
function review(modelState: ModelState, now: number): void {
  let hasChanged = false
  let isProbing = false
  for (const kind of ['requests', 'tokens'] as const) {
    const learned = modelState.learned[kind]
    if (learned.reviewAt === Infinity) learned.begin(now)
    else if (
      now >= learned.reviewAt &&
      learned.review(modelState.gate.usedShares(kind, now, NO_COST)?.minute ?? 0, now)
    )
      hasChanged = true
    isProbing ||= learned.isProbing
  }
  // Step by step is nobody's news.
  if (hasChanged) apply(modelState, now, !isProbing)
  modelState.reviewAt = modelState.learned.reviewAt
}

/** What was found is forgotten: all that was told is in force again. */
export function restore(modelState: ModelState, now: number): void {
  modelState.forgetLearned()
  apply(modelState, now, true)
}

/** A workspace without limits of its own is refused for the account's. */
function whoLearns(modelState: ModelState): ModelState {
  const { account } = modelState
  return account !== undefined && !isLimited(modelState) ? account : modelState
}

function isLimited({ gate }: ModelState): boolean {
  return gate.usedShares('requests', 0, NO_COST) !== undefined || gate.usedShares('tokens', 0, NO_COST) !== undefined
}

function apply(modelState: ModelState, now: number, isNews: boolean): void {
  const { shares } = modelState.learned
  const own = ownLimits(modelState.effectiveLimits)
  const from = modelState.limits
  modelState.limits = withShares(modelState.effectiveLimits.limits, shares)
  if (isNews) {
    const { limits, model, workspace } = modelState
    workspace.events.emit('limits', { model, from: pickLimits(from), to: pickLimits(limits), source: limits.source })
  }
  modelState.gate.setLimits(atShares(own, shares), now, own)
}
