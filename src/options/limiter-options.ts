import type { Clock } from '../clock.js'
import type { Tokenizer } from '../tokens/text-tokens.js'
import type { BuiltInTableName } from '../limits/built-in-tables.js'
import type { UnknownModel } from '../limits/resolve-limits.js'
import type { ProfileName } from '../throttling/profiles.js'
import type { Estimator } from '../transport/fetch.js'
import type { Limits, LimitsSource, LimitsTable, Profile } from '../types.js'

/** The options of `createLimiter`. Each has a default. */
export interface LimiterOptions {
  /**
   * The limits by model: the name of a built-in table, your own table, or a source of tables. Your own table replaces the
   * built-in one.
   * @default 'model-studio/singapore'
   */
  readonly limits?: BuiltInTableName | LimitsTable | LimitsSource | undefined
  /** Limits by model that replace those of the table, field by field. `Infinity` removes a limit. @default none */
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  /**
   * Whether the limits RPM ÷ 60 and TPM ÷ 60 also apply to each second, as Model Studio documents.
   * @default by profile: true for Model Studio and Azure, false for OpenAI
   */
  readonly perSecond?: boolean | undefined
  /** The backups of each model, in order: `{ 'qwen-plus': ['qwen-plus-latest', 'qwen-flash'] }`. @default none */
  readonly fallback?: Readonly<Record<string, readonly string[]>> | undefined
  /**
   * The longest predicted wait of a new request for its own model, in ms. If the wait is longer, the request goes to the model
   * of its chain that can start it first. 0 moves every request that would wait.
   * @default off: a request waits for its own model
   */
  readonly fallbackAfterWaitMs?: number | undefined
  /**
   * The most retries of one request after a 429 or a fault of the server. Moving to a backup is no retry.
   * @default the wrapped client's `maxRetries`, otherwise 4
   */
  readonly maxRetries?: number | undefined
  /** The most requests that may wait. The next one is rejected with `QueueFull`. @default Infinity */
  readonly maxQueue?: number | undefined
  /**
   * The longest delay of a waiting head request by all requests that overtake it together, in ms. Backfill starts smaller
   * requests while the head waits, and uses more of the quota. 0 allows no delay. `Infinity` starts whatever fits.
   * @default 2000
   */
  readonly maxBackfillDelayMs?: number | undefined
  /**
   * The weights of tenants: `{ web: 3 }` gives `web` three times the share of each other tenant while both wait. From 0.000001
   * to 1,000,000.
   * @default 1 each
   */
  readonly tenantWeights?: Readonly<Record<string, number>> | undefined
  /**
   * J, the largest difference in network delay between two requests, in ms, from 0 to 10,000. "No 429" holds while the delay
   * varies by no more than J. The usable share of a window W is W ÷ (W + J). Headgate does not change a value that you set.
   * @default 50 at first, then learned if answers report the arrival of their request (`req-arrive-time`)
   */
  readonly networkJitterMs?: number | undefined
  /**
   * The service's behaviour: how it counts, and what its 429s mean.
   * @default by the request's host; 'model-studio' for `schedule`
   */
  readonly profile?: ProfileName | Profile | undefined
  /**
   * The treatment of a model without limits. `'conservative'`: 60 requests and 100,000 tokens a minute, and a `warning` event.
   * `'unlimited'`: no limits. `'reject'`: its requests fail.
   * @default 'conservative'
   */
  readonly unknownModel?: UnknownModel | undefined
  /**
   * Whether to probe above the configured limits. After five saturated minutes without a 429, the limiter sends slightly more,
   * until a 429 locates the limit. Use it if the configured limits are a guess or out of date.
   * @default false: the configured limits are never exceeded; only a learned lower limit is probed
   */
  readonly probeHigherLimits?: boolean | undefined
  /** Returns the cost of a request, where you know it better. @default the built-in estimate */
  readonly estimator?: Estimator | undefined
  /** Counts the tokens of a text exactly. @default a heuristic by classes of characters */
  readonly tokenizer?: Tokenizer | undefined
  /**
   * Whether the account was idle during the last minute. If so, buckets start full. Otherwise they start empty, because other
   * processes may have used the quota.
   * @default false
   */
  readonly startFull?: boolean | undefined
  /** The source of time and timers. @default the machine's monotonic clock */
  readonly clock?: Clock | undefined
  /** Returns numbers in [0, 1), for the random part of waits. @default Math.random */
  readonly random?: (() => number) | undefined
}
