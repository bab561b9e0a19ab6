import type { LimitField } from '../../limits/limit-fields.js'
import type { ResolvedLimits } from '../../limits/resolve-limits.js'
import type { Priced, TokenCounts } from '../prices/prices.js'
import type { OutputBasis } from './expect-request.js'

/** The token counts of the requests, independent of any model's limits. */
export interface PlannedTokens extends Required<TokenCounts> {
  readonly requests: number
  /** Number of requests for each source of the expected output. */
  readonly outputBasis: Readonly<Record<OutputBasis, number>>
}

/** The plan of requests that one model answers in real time, within its limits. */
export interface ModelPace {
  readonly model: string
  readonly limits: ResolvedLimits
  /** Whether the model is retired and accepts no requests. */
  readonly isRetired: boolean
  /** Requests that can never pass, by the minute limit that they exceed. No other number includes them. */
  readonly neverPass: { readonly requests: number; readonly byLimit: Readonly<Partial<Record<LimitField, number>>> }
  /** The requests that can pass. */
  readonly passes: PlannedTokens
  /**
   * Minutes from the first start to the last, without the last answer. 0 without limits. Undefined if no request can pass,
   * because the model is retired or every request is too large.
   */
  readonly minutes: number | undefined
  /** Minutes that a slow start adds. Part of `minutes`. 0 without a slow start. */
  readonly rampMinutes: number
  /** The limit that determines `minutes`. `rps` and `tps` are the per-second share of the minute limits. */
  readonly binding: LimitField | undefined
  /** The time under each limit alone, in minutes. */
  readonly minutesByLimit: Readonly<Partial<Record<LimitField, number>>>
  /** Used share of the most used minute limit during the run. Undefined without minute limits. */
  readonly usedShare: number | undefined
  readonly cost: Priced
}
