import type { BuiltInTableName } from '../../limits/index.js'
import type { Limits, LimitsTable } from '../../types.js'
import type { AccountState } from '../errors/states.js'
import type { OutputAccounting } from '../metering/charge.js'
import type { WindowKind } from '../metering/create-counter.js'
import type { PerSecond } from '../metering/enforced-limits.js'
import type { SurgeOptions } from '../metering/surge-detector.js'
import type { SimulatedRequest } from '../requests/request.js'

/** A model whose limits are a floor: above them, requests are refused only when the service has no spare capacity. */
export interface Floor {
  /** How often there is spare capacity (a guess), from 0 to 1, drawn by the seed; or a function that decides. @default 0.5 */
  readonly spare?: number | ((request: SimulatedRequest) => boolean)
  /** What a refusal says (a guess): which limit is full, or that capacity is. @default 'limit' */
  readonly says?: 'limit' | 'capacity'
}

/**
 * Throughput that was bought for a model, in tokens a minute (documented: not limited inside it; input, output and thinking
 * apart; above it, or above the longest input, a call is charged to the public limits instead and its answer has the header
 * `x-dashscope-ptu-overflow: true`).
 */
export interface ProvisionedThroughput {
  /** Input tokens a minute. */
  readonly inputTpm: number
  /** Thinking included (a guess). */
  readonly outputTpm: number
  /** Of the output, thinking tokens a minute. @default Infinity */
  readonly thinkingTpm?: number
  /** The longest input that it takes, in tokens (documented that there is one, for some models). @default Infinity */
  readonly maxInputTokens?: number
  /** The model whose public limits hold above it (documented: the snapshot's). @default the model's own row */
  readonly snapshot?: string
}

/**
 * A change of limits that comes by itself (documented): a temporary increase, its end, a reduction of unused quota. That what
 * stands in the windows stays there is a guess.
 */
export interface LimitChange {
  /** How long after the simulator's start, in milliseconds. */
  readonly afterMs: number
  /** Its exact name; one that did not exist does from then on. */
  readonly model: string
  /** The limits from then on, whole. */
  readonly limits: Limits
}

/**
 * What is limited, and how it is counted. The order of the checks is a guess: a request whose tokens alone are above the
 * minute's is refused for them; then requests a minute, requests a second, requests in flight, tokens a minute, tokens a
 * second; the account's before the workspace's; a surge last. A request is charged to all of them or to none.
 */
export interface LimitOptions {
  /**
   * The models that exist and their limits, per exact name, all keys together (documented): a table, or the name of a
   * built-in one. A row of rpm 0 and tpm 0 is a retired model, and unknown. Of `concurrency`, `inputTpm`, `outputTpm` and
   * `thinkingTpm` in a row it is a guess how the service would refuse: as it does requests, and tokens.
   * @default every model exists, without limits
   */
  readonly limits?: LimitsTable | BuiltInTableName
  /** The limits of models that `limits` lacks, each its own. Left out: with `limits` they are unknown (404), else unlimited. */
  readonly defaultLimits?: Limits
  /**
   * The lower limits of workspaces, by workspace and model (documented: never above the account's). A request names its
   * workspace in the header `X-DashScope-WorkSpace`, and is charged to both. One that is not listed has the account's limits.
   */
  readonly workspaces?: Readonly<Record<string, LimitsTable>>
  /**
   * Whether RPM/60 and TPM/60 hold in each second where a row has no `rps` or `tps` (documented); `'requests'`: RPM/60
   * alone. That a window rounds a fraction of a request up, that each second takes at least one, and that a request with
   * more tokens than a second's passes when nothing else stands there, are guesses. @default true
   */
  readonly perSecond?: PerSecond
  /** How a minute is counted (a guess). @default 'sliding' */
  readonly minuteWindow?: WindowKind
  /** How a second is counted, `'off'` for not at all (a guess). @default 'sliding' */
  readonly secondWindow?: WindowKind | 'off'
  /** When fixed windows begin after the start of the simulator, in milliseconds (a guess: nothing says when). @default 0 */
  readonly windowPhaseMs?: number
  /**
   * When output tokens count (a guess): `'reserved'`: the longest possible output at admission, corrected at the end;
   * `'generated'`: as they are generated; `'completion'`: all at the end. Input always counts at admission. A correction
   * gives back no more than still stands in the window: nothing once it is over, and of a bucket what cannot have flowed out.
   * @default 'completion'
   */
  readonly outputAccounting?: OutputAccounting
  /** Whether a refused request counts as a request, its tokens not (a guess). @default false */
  readonly countsRejected?: boolean
  /** The part of each input, from 0 to 1, that comes from the service's cache (a guess), and is reported so. @default 0 */
  readonly cachedShare?: number
  /** How much a cached token counts against the limits, from 0 to 1 (a guess). @default 1 */
  readonly cachedWeight?: number
  /**
   * The detector of sudden increases (documented that there is one; what it measures is a guess); `{}` turns it on with its
   * defaults. Left out: there is none.
   */
  readonly surge?: SurgeOptions
  /** The models whose limits are floors (documented that there are such), by exact name. */
  readonly floors?: Readonly<Record<string, Floor>>
  /** The models with provisioned throughput (documented), by exact name. */
  readonly provisioned?: Readonly<Record<string, ProvisionedThroughput>>
  /** Changes of limits at set times, each from its own time on; `setLimits` of the simulator makes others. */
  readonly limitChanges?: readonly LimitChange[]
  /** What is wrong with the whole account (the states are documented or were reported); `setState` changes it. */
  readonly state?: AccountState
  /** What is wrong for single models, by exact name; goes before `state` (a guess). */
  readonly modelStates?: Readonly<Record<string, AccountState>>
}
