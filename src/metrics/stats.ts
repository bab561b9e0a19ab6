import type { OutputLengths } from '../tokens/output-estimator.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { MeterUse } from '../quota/gate.js'
import type { OutputAccounting } from '../types.js'
import type { ModelActivity } from './collector.js'

/** How one model stands and what it did. */
export interface ModelStats extends ModelActivity {
  /** The limits in force and where they come from. */
  readonly limits: ResolvedLimits
  /** How full each window is now. */
  readonly windows: readonly MeterUse[]
  /** Requests that wait, those that back off included. */
  readonly waiting: number
  /** Requests that were sent and have not ended. */
  readonly inFlight: number
  /** Until when a 429 holds the model, in ms from now; 0 if it is not held. */
  readonly heldMs: number
  /**
   * Requests go one after another, at most so many a second, after a 429 for a sudden increase or for want of capacity; it rises
   * with what is sent. Undefined: nothing but the limits paces them.
   */
  readonly pace: { readonly requestsPerSecond: number; readonly origin: 'learned' } | undefined
  /**
   * When the service is taken to count output, and who says so: the profile, or what was learned from refusals. Undefined: that
   * is not known yet, and what is expected counts with the request.
   */
  readonly outputAccounting: {
    readonly as: OutputAccounting | undefined
    readonly origin: 'configured' | 'learned' | 'default'
  }
  /**
   * How long its answers are, in the account and all workspaces, and how well that was foreseen; undefined before the first
   * answer that told its usage. Answers to requests that gave their `tokens` do not count.
   */
  readonly output: OutputLengths | undefined
}

/** How one tenant stands and what it did, over all models. */
export interface TenantStats extends ModelActivity {
  readonly waiting: number
}

/** What `limiter.stats()` returns. */
export interface Stats {
  readonly models: Readonly<Record<string, ModelStats>>
  /** Those that were named: all that wait, and a thousand of those that sent something, by the minute. */
  readonly tenants: Readonly<Record<string, TenantStats>>
  readonly waiting: number
  readonly inFlight: number
  /** Settlements that came after a request's first one, and were ignored; of the account and its workspaces together. */
  readonly doubleSettles: number
  /** J: by how much the delays to the service are taken to differ, and who says so. */
  readonly networkJitter: { readonly ms: number; readonly origin: 'default' | 'user' | 'learned' }
  /**
   * When the service counts what is sent, where the profile tells that its windows begin by its clock: a request sent at t between
   * t + offsetMs and t + offsetMs + spanMs of the service's clock. Undefined while answers have not told enough.
   */
  readonly clockPhase: {
    readonly offsetMs: number | undefined
    readonly spanMs: number | undefined
    readonly origin: 'unknown' | 'learned'
  }
}
