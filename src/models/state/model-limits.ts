import { LIMIT_FIELDS } from '../../limits/limit-fields.js'
import { atShares, withShares } from '../../limits/limit-shares.js'
import type { OverflowTarget, ResolvedLimits } from '../../limits/resolve-limits.js'
import { pickLimits } from '../../limits/validation.js'
import type { LearnedLimits, LimitKind } from '../../learning/learned-limits.js'
import type { Events } from '../../metrics/events.js'
import { NO_COST } from '../../quota/reservation.js'
import type { Control } from '../../quota/gate.js'
import type { Cost, Limits } from '../../types.js'
import { ownLimits, withReported, type ConfiguredLimits } from './configured-limits.js'

const MINUTE_MS = 60_000

export interface ModelLimitsParts {
  readonly model: string
  readonly events: Events
  readonly gate: Control
  readonly configured: ConfiguredLimits
  /** Begins to learn anew. */
  readonly createLearned: () => LearnedLimits
}

/**
 * The limits of one model: those that are configured, those that the service reports, and what refusals teach of both. The
 * gate holds the result, and each change of it that matters to a person makes a `limits` event.
 */
export class ModelLimits {
  readonly #model: string
  readonly #events: Events
  readonly #gate: Control
  readonly #createLearned: () => LearnedLimits
  #configured: ConfiguredLimits
  #effective: ResolvedLimits
  #learned: LearnedLimits
  /** The limits a minute in the headers of the service's answers. */
  #reported: Limits | undefined
  /** Since when the configured limits hold, in the clock's ms. */
  #configuredAt = -Infinity
  /** When requests that were not refused are looked at next, in the clock's ms. */
  #reviewAt = 0
  /** When the last request was sent whose usage was an estimate, in the clock's ms. */
  #estimatedAt = -Infinity

  constructor({ model, events, gate, configured, createLearned }: ModelLimitsParts) {
    this.#model = model
    this.#events = events
    this.#gate = gate
    this.#createLearned = createLearned
    this.#configured = configured
    this.#effective = configured.limits
    this.#learned = createLearned()
  }

  /** What the table, the user and the service say. */
  get configured(): ConfiguredLimits {
    return this.#configured
  }

  /** The limits in force: the configured ones, or the share of them that was learned. */
  get effective(): ResolvedLimits {
    return this.#effective
  }

  /** Whether the model's own gate limits requests or tokens. In a workspace it may not: then the account's limits hold alone. */
  get areOwn(): boolean {
    const gate = this.#gate
    return gate.usedShares('requests', 0, NO_COST) !== undefined || gate.usedShares('tokens', 0, NO_COST) !== undefined
  }

  /** Takes in limits of the service's headers. True if they differ from the ones before: then the model is to be configured anew. */
  report(reported: Limits): boolean {
    const before = this.#reported
    this.#reported = { ...before, ...reported }
    return this.#reported.rpm !== before?.rpm || this.#reported.tpm !== before?.tpm
  }

  /** Takes in limits of the table and the user. Others than before hold whole, and what was learned of those is forgotten. */
  configure(given: ConfiguredLimits, now: number): void {
    const configured = withReported(given, this.#reported)
    const { limits, retired } = configured
    const before = this.#configured
    if (sameLimits(before.limits, limits) && before.retired === retired) {
      if (limits.until !== before.limits.until) this.#showUntil(limits.until)
      return
    }
    this.#configured = configured
    this.#configuredAt = now
    this.#forgetLearned()
    this.#putInForce(limits)
    this.#gate.setLimits(ownLimits(configured), now)
  }

  /** Takes in which model takes what exceeds the limits. True if it is another than before. */
  setOverflow(overflow: OverflowTarget | undefined): boolean {
    const before = this.#configured.overflow
    if (before?.model === overflow?.model && before?.maxInputTokens === overflow?.maxInputTokens) return false
    this.#configured = { ...this.#configured, overflow }
    return true
  }

  /** A request was sent at `at`; `isEstimated`: its usage is an estimate. */
  sent(at: number, isEstimated: boolean): void {
    if (isEstimated) this.#estimatedAt = at
  }

  /** A request of this cost, sent at `sentAt`, was refused for a limit a minute: that may be lower than it is configured. */
  refused(kind: LimitKind, cost: Cost, now: number): void {
    const used = this.#gate.usedShares(kind, now, cost)
    const isCertain = kind === 'requests' || now - this.#estimatedAt > MINUTE_MS
    if (used !== undefined && this.#learned.refused(kind, used, isCertain, now)) this.#applyLearned(now, true)
    this.#reviewAt = this.#learned.reviewAt
  }

  /** Whether a request sent at `sentAt` was sent under the limits that are configured now. Others teach nothing of them. */
  wereConfiguredAt(sentAt: number): boolean {
    return sentAt >= this.#configuredAt
  }

  /** A request was served. */
  served(now: number): void {
    this.#learned.served()
    if (now >= this.#reviewAt) this.#review(now)
  }

  /** No limit a minute was to blame: the configured limits are in force again, whole. */
  restoreConfigured(now: number): void {
    if (this.#effective === this.#configured.limits) return
    this.#forgetLearned()
    this.#applyLearned(now, true)
  }

  #review(now: number): void {
    const usedShare = (kind: LimitKind): number => this.#gate.usedShares(kind, now, NO_COST)?.minute ?? 0
    const { hasChanged, isProbing } = this.#learned.review(usedShare, now)
    // A probe goes in small steps, which are no news to anybody.
    if (hasChanged) this.#applyLearned(now, !isProbing)
    this.#reviewAt = this.#learned.reviewAt
  }

  #applyLearned(now: number, isNews: boolean): void {
    const { shares } = this.#learned
    const own = ownLimits(this.#configured)
    const limits = withShares(this.#configured.limits, shares)
    if (isNews) this.#putInForce(limits)
    else this.#effective = limits
    this.#gate.setLimits(atShares(own, shares), now, own)
  }

  #putInForce(limits: ResolvedLimits): void {
    const from = pickLimits(this.#effective)
    this.#effective = limits
    this.#events.emit('limits', { model: this.#model, from, to: pickLimits(limits), source: limits.source })
  }

  #forgetLearned(): void {
    this.#learned = this.#createLearned()
    this.#reviewAt = 0
  }

  /** The same limits hold until another time, or for good. */
  #showUntil(until: number | undefined): void {
    const show = (limits: ResolvedLimits): ResolvedLimits => {
      const { until: _, ...rest } = limits
      return until === undefined ? rest : { ...rest, until }
    }
    const isAsConfigured = this.#effective === this.#configured.limits
    this.#configured = { ...this.#configured, limits: show(this.#configured.limits) }
    this.#effective = isAsConfigured ? this.#configured.limits : show(this.#effective)
  }
}

/** Whether the same holds, for however long. */
function sameLimits(a: ResolvedLimits, b: ResolvedLimits): boolean {
  return a.source === b.source && LIMIT_FIELDS.every((field) => a[field] === b[field])
}
