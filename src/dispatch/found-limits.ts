import { pickLimits } from '../limits/table.js'
import { atShares, withShares } from '../limits/learned.js'
import { NO_COST } from '../meter/gate.js'
import { AvailableShare } from '../route/identify.js'
import type { Cost } from '../types.js'
import type { Group } from './group.js'
import { ownLimits } from './holding.js'

const MINUTE_MS = 60_000

/** What refusals, and minutes without one, have shown to be there of a model's limits. */
export class FoundLimits {
  readonly requests: AvailableShare
  readonly tokens: AvailableShare

  /** `ceiling`: the largest share of the told limits to try. */
  constructor(jitterMs: number, ceiling: number) {
    this.requests = new AvailableShare(MINUTE_MS + jitterMs, ceiling)
    this.tokens = new AvailableShare(MINUTE_MS + jitterMs, ceiling)
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
export function learnFromRefusal(group: Group, kind: 'requests' | 'tokens', cost: Cost, now: number): void {
  const taught = whoLearns(group)
  const used = taught.gate.usedShares(kind, now, cost)
  const isCertain = kind === 'requests' || now - taught.estimatedAt > MINUTE_MS
  if (used !== undefined && taught.found[kind].refused(used, isCertain, now)) apply(taught, now, true)
  taught.reviewAt = taught.found.reviewAt
}

/** A request was served. */
export function learnFromSuccess(group: Group, now: number): void {
  group.found.tokens.served()
  if (now >= group.reviewAt) review(group, now)
  if (group.account !== undefined) learnFromSuccess(group.account, now)
}

/** Looks at how much went without a refusal. */
function review(group: Group, now: number): void {
  let hasChanged = false
  let isProbing = false
  for (const kind of ['requests', 'tokens'] as const) {
    const found = group.found[kind]
    if (found.reviewAt === Infinity) found.begin(now)
    else if (now >= found.reviewAt && found.review(group.gate.usedShares(kind, now, NO_COST)?.minute ?? 0, now))
      hasChanged = true
    isProbing ||= found.isProbing
  }
  // Step by step is nobody's news.
  if (hasChanged) apply(group, now, !isProbing)
  group.reviewAt = group.found.reviewAt
}

/** What was found is forgotten: all that was told is in force again. */
export function restore(group: Group, now: number): void {
  group.forgetFound()
  apply(group, now, true)
}

/** A workspace without limits of its own is refused for the account's. */
function whoLearns(group: Group): Group {
  const { account } = group
  return account !== undefined && !isLimited(group) ? account : group
}

function isLimited({ gate }: Group): boolean {
  return gate.usedShares('requests', 0, NO_COST) !== undefined || gate.usedShares('tokens', 0, NO_COST) !== undefined
}

function apply(group: Group, now: number, isNews: boolean): void {
  const { shares } = group.found
  const own = ownLimits(group.holding)
  const from = group.limits
  group.limits = withShares(group.holding.limits, shares)
  if (isNews) {
    const { limits, model, workspace } = group
    workspace.events.emit('limits', { model, from: pickLimits(from), to: pickLimits(limits), source: limits.source })
  }
  group.gate.setLimits(atShares(own, shares), now, own)
}
