import type { Clock } from '../clock.js'
import type { Tokenizer } from '../tokens/text-tokens.js'
import type { BuiltInTableName } from '../limits/built-in-tables.js'
import type { UnknownModel } from '../limits/resolve-limits.js'
import type { ProfileName } from '../throttling/profiles.js'
import type { Estimator } from '../transport/fetch.js'
import type { Limits, LimitsSource, LimitsTable, Profile } from '../types.js'

/** The options of `createLimiter`; each has a default. */
export interface LimiterOptions {
  /**
   * The limits by model: the name of a built-in table, a table of your own, which replaces it, or a source of tables.
   * @default 'model-studio/singapore'
   */
  readonly limits?: BuiltInTableName | LimitsTable | LimitsSource | undefined
  /** Limits by model that replace those of the table field by field; Infinity lifts one. */
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  /**
   * Whether RPS = RPM/60 and TPS = TPM/60 hold too, as Model Studio documents.
   * @default what the profile says: true for Model Studio and Azure, false for OpenAI
   */
  readonly perSecond?: boolean | undefined
  /** Backups by model, in the order in which they are tried: `{ 'qwen-plus': ['qwen-plus-latest', 'qwen-flash'] }`. */
  readonly fallback?: Readonly<Record<string, readonly string[]>> | undefined
  /**
   * A new request that could start at its model only later than this, in ms, goes to the model of its chain that can start it
   * first, by what waits and what the limits leave now. 0: whenever it would have to wait.
   * @default off: it waits for its own model
   */
  readonly fallbackAfterWaitMs?: number | undefined
  /**
   * How often a request is repeated after a 429 or a fault of the server. Going to a backup is no repetition.
   * @default the wrapped client's `maxRetries`, else 4
   */
  readonly maxRetries?: number | undefined
  /** How many requests may wait; the next one is refused with `QueueFull`. @default Infinity */
  readonly maxQueue?: number | undefined
  /**
   * While the next request in a queue has to wait, smaller ones behind it may start, which uses what it leaves of the quota.
   * By how much all of them together may delay it, in ms. 0: by nothing at all; Infinity: whatever fits.
   * @default 2000
   */
  readonly maxBackfillDelayMs?: number | undefined
  /**
   * The weights of tenants: `{ web: 3 }` gives `web` three times the share of each other one while both wait.
   * From 0.000001 to 1,000,000.
   * @default 1 each
   */
  readonly tenantWeights?: Readonly<Record<string, number>> | undefined
  /**
   * J: how much later than one request another may be counted by the server, in ms. "No 429" holds while the delay to the
   * server varies by no more than this; the usable share of a window W is W ÷ (W + J). One that is given stands.
   * @default 50 at first, then learned where answers say when their request arrived (`req-arrive-time`)
   */
  readonly networkJitterMs?: number | undefined
  /**
   * What is known of the service: how it counts and how its 429s read.
   * @default by the request's host, and 'model-studio' for `schedule`
   */
  readonly profile?: ProfileName | Profile | undefined
  /**
   * What to do with a model that has no limits: `'conservative'` (60 requests and 100,000 tokens a minute, and a warning
   * event), `'unlimited'`, or `'reject'`.
   * @default 'conservative'
   */
  readonly unknownModel?: UnknownModel | undefined
  /**
   * Whether to try for more than the limits that were told: after five minutes at them without a 429 a little more is let
   * in, until a 429 tells where they lie. For limits that are a guess, or out of date.
   * @default false: what was told is never exceeded; what was found to be less is tried again
   */
  readonly probeHigherLimits?: boolean | undefined
  /** Says what a request will cost where it knows better than the built-in estimate. */
  readonly estimator?: Estimator | undefined
  /** Counts the tokens of a text exactly, in place of the heuristic by classes of characters. */
  readonly tokenizer?: Tokenizer | undefined
  /**
   * Whether the account was idle during the last minute. If not, what another process may have used is unknown, and the
   * buckets start empty.
   * @default false
   */
  readonly startFull?: boolean | undefined
  /** @default the machine's monotonic clock */
  readonly clock?: Clock | undefined
  /** Numbers in [0, 1), for the randomness of waiting times. @default Math.random */
  readonly random?: (() => number) | undefined
}
