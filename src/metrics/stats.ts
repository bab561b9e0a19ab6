import type { OutputLengths } from '../tokens/output-estimator.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { MeterUse } from '../quota/meter-use.js'
import type { OutputAccounting } from '../types.js'
import type { ModelActivity } from './collector.js'

/** The state and the activity of one model. */
export interface ModelStats extends ModelActivity {
  /** The effective limits, with their source. */
  readonly limits: ResolvedLimits
  /** How full each window is now. */
  readonly windows: readonly MeterUse[]
  /** Requests that wait, including those that back off. */
  readonly waiting: number
  /** Requests that were sent and have not ended. */
  readonly inFlight: number
  /** How long a 429 still holds the model, in ms from now; 0 if none does. */
  readonly heldMs: number
  /**
   * The highest rate at which the limiter sends after a 429 for a sudden increase or for lack of capacity. Requests
   * then go one after another, and the rate rises as requests are sent. Undefined if only the limits pace the model.
   */
  readonly pace: { readonly requestsPerSecond: number; readonly origin: 'learned' } | undefined
  /**
   * When the service counts output tokens, and where that is known from: the profile or learned from refusals. `as` is
   * undefined while it is not known; the expected output then counts with the request.
   */
  readonly outputAccounting: {
    readonly as: OutputAccounting | undefined
    readonly origin: 'configured' | 'learned' | 'default'
  }
  /**
   * The lengths of the model's answers, in the account and all its workspaces, with the error of the prediction.
   * Undefined before the first answer that reported its usage. Requests with an exact `tokens` are not counted.
   */
  readonly output: OutputLengths | undefined
}

/** The state and the activity of one tenant, over all models. */
export interface TenantStats extends ModelActivity {
  /** Requests that wait, including those that back off. */
  readonly waiting: number
}

/** The result of `limiter.stats()`. */
export interface Stats {
  /** The models that requests were made to, by name. */
  readonly models: Readonly<Record<string, ModelStats>>
  /** The tenants that requests named: all with waiting requests, and up to 1,000 that have sent any. */
  readonly tenants: Readonly<Record<string, TenantStats>>
  /** Requests that wait, over all models. */
  readonly waiting: number
  /** Requests in flight, over all models. */
  readonly inFlight: number
  /**
   * Repeated settlements of requests that were settled already, which were ignored. Counted over the account and all
   * its workspaces.
   */
  readonly doubleSettles: number
  /** J, the spread of the network delay to the service in ms, and where it is known from. */
  readonly networkJitter: { readonly ms: number; readonly origin: 'default' | 'user' | 'learned' }
  /**
   * How the service's clock relates to the limiter's, if the profile says that windows begin by it. A request that is
   * sent at t is counted between t + `offsetMs` and t + `offsetMs` + `spanMs` of the service's clock. Both are
   * undefined until enough answers have said when their request arrived.
   */
  readonly clockPhase: {
    readonly offsetMs: number | undefined
    readonly spanMs: number | undefined
    readonly origin: 'unknown' | 'learned'
  }
}
