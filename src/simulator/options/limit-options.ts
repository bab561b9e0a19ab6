import type { BuiltInTableName } from '../../limits/index.js'
import type { Limits, LimitsTable } from '../../types.js'
import type { AccountState } from '../errors/states.js'
import type { OutputAccounting } from '../metering/charge.js'
import type { WindowKind } from '../metering/create-counter.js'
import type { PerSecond } from '../metering/enforced-limits.js'
import type { SurgeOptions } from '../metering/surge-detector.js'
import type { SimulatedRequest } from '../requests/request.js'

/** A model whose limits are a floor. Above them, a request is refused only when the service has no spare capacity. */
export interface Floor {
  /**
   * The probability, from 0 to 1, that there is spare capacity, drawn by the seed; or a function that decides. A guess.
   * @default 0.5
   */
  readonly spare?: number | ((request: SimulatedRequest) => boolean)
  /** What a refusal names (a guess): the full limit, or missing capacity. @default 'limit' */
  readonly says?: 'limit' | 'capacity'
}

/**
 * Provisioned throughput of a model, in tokens per minute.
 *
 * Documented: there is no limiting inside it, and input, output and thinking count apart. Above it, or with an input
 * longer than the maximum, a request is charged to the public limits. The response then has the header
 * `x-dashscope-ptu-overflow: true`.
 */
export interface ProvisionedThroughput {
  /** Input tokens per minute. */
  readonly inputTpm: number
  /** Output tokens per minute, thinking included (a guess). */
  readonly outputTpm: number
  /** Thinking tokens per minute, as a part of the output. @default Infinity */
  readonly thinkingTpm?: number
  /** The longest input in tokens. Documented: some models have such a maximum. @default Infinity */
  readonly maxInputTokens?: number
  /** The model whose public limits apply above it. Documented: the snapshot model's. @default the model's own limits */
  readonly snapshot?: string
}

/**
 * A change of limits at a set time. Documented: a temporary increase, its end, or a reduction of unused quota. A guess:
 * the amounts in the windows stay.
 */
export interface LimitChange {
  /** When the change happens, in milliseconds after the simulator's start. */
  readonly afterMs: number
  /** The exact name of the model. A model that did not exist does from then on. */
  readonly model: string
  /** All limits of the model from then on. */
  readonly limits: Limits
}

/**
 * The options of limits, and how they count.
 *
 * A request is charged to all limits or to none. The order of the checks is a guess:
 *
 * - a request with more tokens than the whole limit per minute, which `tpm` refuses;
 * - requests per minute, requests per second, requests in flight, tokens per minute, tokens per second;
 * - the account's limits before the workspace's;
 * - the surge detector last.
 */
export interface LimitOptions {
  /**
   * The models that exist and their limits: a table, or the name of a built-in one. Documented: limits apply to the
   * exact name, and all keys count together.
   *
   * A row of rpm 0 and tpm 0 is a retired model, which does not exist. A guess: `concurrency` refuses as `rpm` does,
   * and `inputTpm`, `outputTpm` and `thinkingTpm` refuse as `tpm` does.
   *
   * @default every model exists, without limits
   */
  readonly limits?: LimitsTable | BuiltInTableName
  /**
   * The limits of each model that `limits` lacks. @default with `limits`, such a model does not exist (404); without,
   * no limits
   */
  readonly defaultLimits?: Limits
  /**
   * The lower limits of workspaces, by workspace and model. Documented: they are never above the account's.
   *
   * A request names its workspace in the header `X-DashScope-WorkSpace`, and is charged to both. A workspace that is
   * not listed has the account's limits. @default none
   */
  readonly workspaces?: Readonly<Record<string, LimitsTable>>
  /**
   * Whether RPM/60 and TPM/60 apply to each second if a row has no `rps` or `tps` (documented). `'requests'`: only
   * RPM/60 does.
   *
   * Three guesses: a window rounds a fraction of a request up; each second admits at least one request; a request with
   * more tokens than a second's limit is admitted when the window is empty. @default true
   */
  readonly perSecond?: PerSecond
  /** The kind of the windows of a minute (a guess). @default 'sliding' */
  readonly minuteWindow?: WindowKind
  /** The kind of the windows of a second (a guess). `'off'`: limits per second do not apply. @default 'sliding' */
  readonly secondWindow?: WindowKind | 'off'
  /**
   * When fixed windows begin, in milliseconds after the simulator's start (a guess: no document says it). @default 0
   */
  readonly windowPhaseMs?: number
  /**
   * When output tokens are charged (a guess). Input is always charged at admission.
   *
   * - `'reserved'`: the longest possible output at admission, corrected at the end.
   * - `'generated'`: each token when it is generated.
   * - `'completion'`: the whole output at the end.
   *
   * A correction refunds only the part that the window still holds. That is nothing once the window is over. For a
   * bucket it is the part that cannot have drained.
   *
   * @default 'completion'
   */
  readonly outputAccounting?: OutputAccounting
  /**
   * Whether a refused request counts against the limits on requests (a guess). Its tokens never count. @default false
   */
  readonly countsRejected?: boolean
  /**
   * The share of each input, from 0 to 1, that comes from the service's cache (a guess). The usage reports it. @default
   * 0
   */
  readonly cachedShare?: number
  /** The weight of a cached token against the limits, from 0 to 1 (a guess). @default 1 */
  readonly cachedWeight?: number
  /**
   * The detector of sudden increases. Documented: the service has one. A guess: how it measures. `{}` turns it on with
   * its defaults. @default off
   */
  readonly surge?: SurgeOptions
  /** The models whose limits are floors, by exact name. Documented: such models exist. @default none */
  readonly floors?: Readonly<Record<string, Floor>>
  /** The models with provisioned throughput, by exact name (documented). @default none */
  readonly provisioned?: Readonly<Record<string, ProvisionedThroughput>>
  /** Changes of limits at set times. `Simulator.setLimits` changes limits at once. @default none */
  readonly limitChanges?: readonly LimitChange[]
  /**
   * The lasting state of the whole account. The states are documented, or users reported them. `Simulator.setState`
   * changes it.
   * @default none
   */
  readonly state?: AccountState
  /** The lasting states of single models, by exact name. One precedes `state` (a guess). @default none */
  readonly modelStates?: Readonly<Record<string, AccountState>>
}
