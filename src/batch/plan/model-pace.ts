import type { LimitField } from '../../limits/limit-fields.js'
import type { ResolvedLimits } from '../../limits/resolve-limits.js'
import type { Priced, TokenCounts } from '../prices/prices.js'
import type { OutputBasis } from './expect-request.js'

/** What the requests are, beside any model's limits. */
export interface PlannedTokens extends Required<TokenCounts> {
  readonly requests: number
  /** How many requests have their output expected from what. */
  readonly outputBasis: Readonly<Record<OutputBasis, number>>
}

/** Requests sent one by one to one model, at the pace of its limits. */
export interface ModelPace {
  readonly model: string
  readonly limits: ResolvedLimits
  /** The model takes no requests any more. */
  readonly isRetired: boolean
  /** Requests that can never pass, by the limit of a minute that they are larger than. They are in no other number. */
  readonly neverPass: { readonly requests: number; readonly byLimit: Readonly<Partial<Record<LimitField, number>>> }
  /** What passes. */
  readonly passes: PlannedTokens
  /**
   * From the first start to the last; the last answer comes on top. 0 where nothing limits it, undefined where nothing can
   * pass: the model is retired, or all requests are too large.
   */
  readonly minutes: number | undefined
  /** What of `minutes` a slow start costs; 0 without one. */
  readonly rampMinutes: number
  /** The limit that decides it; `rps` and `tps` hold the limits a minute in each second. */
  readonly binding: LimitField | undefined
  /** What each limit would take alone, in minutes. */
  readonly minutesByLimit: Readonly<Partial<Record<LimitField, number>>>
  /** What part of its limits a minute is used while it runs, of the one used most; undefined without such limits. */
  readonly usedShare: number | undefined
  readonly cost: Priced
}
