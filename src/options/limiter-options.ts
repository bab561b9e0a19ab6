import type { Clock } from '../clock.js'
import type { Tokenizer } from '../tokens/text-tokens.js'
import { InvalidRequest } from '../errors.js'
import type { BuiltInTableName } from '../limits/built-in-tables.js'
import { didYouMean } from '../limits/did-you-mean.js'
import type { UnknownModel } from '../limits/resolve-limits.js'
import { isPlainOrModule } from '../limits/limit-values.js'
import { profiles, type ProfileName } from '../throttling/profiles.js'
import type { Estimator } from '../transport/fetch.js'
import type { Limits, LimitsSource, LimitsTable, Profile, WindowKind } from '../types.js'

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

/** So far apart, and no further, shares still are exact. */
const MIN_WEIGHT = 1e-6

const NAMES = [
  'limits',
  'overrides',
  'perSecond',
  'fallback',
  'fallbackAfterWaitMs',
  'maxRetries',
  'maxQueue',
  'maxBackfillDelayMs',
  'tenantWeights',
  'networkJitterMs',
  'profile',
  'unknownModel',
  'probeHigherLimits',
  'estimator',
  'tokenizer',
  'startFull',
  'clock',
  'random',
]

/**
 * Checks all options but the limits, which have checks of their own.
 *
 * @throws InvalidRequest that says which option is wrong, and why
 */
export function checkOptions(options: LimiterOptions): void {
  if (!isPlainOrModule(options)) throw new InvalidRequest('createLimiter(options): give an object, or nothing')
  checkNames('createLimiter', options, NAMES)
  const { maxRetries, maxQueue, networkJitterMs, unknownModel, fallback, fallbackAfterWaitMs, maxBackfillDelayMs } =
    options
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0)) {
    throw new InvalidRequest(`maxRetries is ${String(maxRetries)}: give a whole number, 0 or more`)
  }
  if (maxQueue !== undefined && !(maxQueue === Infinity || (Number.isInteger(maxQueue) && maxQueue >= 0))) {
    throw new InvalidRequest(`maxQueue is ${String(maxQueue)}: give a whole number, 0 or more, or Infinity`)
  }
  if (
    networkJitterMs !== undefined &&
    !(typeof networkJitterMs === 'number' && networkJitterMs >= 0 && networkJitterMs <= 10_000)
  ) {
    throw new InvalidRequest(`networkJitterMs is ${String(networkJitterMs)}: give milliseconds from 0 to 10,000`)
  }
  if (fallbackAfterWaitMs !== undefined && !(typeof fallbackAfterWaitMs === 'number' && fallbackAfterWaitMs >= 0)) {
    throw new InvalidRequest(
      `fallbackAfterWaitMs is ${String(fallbackAfterWaitMs)}: give milliseconds, 0 or more, or leave it out`,
    )
  }
  if (maxBackfillDelayMs !== undefined && !(typeof maxBackfillDelayMs === 'number' && maxBackfillDelayMs >= 0)) {
    throw new InvalidRequest(
      `maxBackfillDelayMs is ${String(maxBackfillDelayMs)}: give milliseconds, 0 or more, or Infinity`,
    )
  }
  for (const name of ['perSecond', 'startFull', 'probeHigherLimits'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'boolean')
      throw new InvalidRequest(`${name} is ${String(value)}: give true or false`)
  }
  if (unknownModel !== undefined && !['conservative', 'unlimited', 'reject'].includes(unknownModel)) {
    throw new InvalidRequest(`unknownModel is ${String(unknownModel)}: give 'conservative', 'unlimited' or 'reject'`)
  }
  if (fallback !== undefined && !isPlainOrModule(fallback)) {
    throw new InvalidRequest(`fallback is ${String(fallback)}: give { 'a-model': ['its-backup'] }`)
  }
  for (const [model, backups] of Object.entries(fallback ?? {})) {
    if (!Array.isArray(backups) || backups.some((backup) => typeof backup !== 'string' || backup === '')) {
      throw new InvalidRequest(`fallback of '${model}' is no list of model names: give { '${model}': ['its-backup'] }`)
    }
  }
  checkWeights(options.tenantWeights)
  checkCallables(options)
}

function checkWeights(weights: unknown): void {
  if (weights === undefined) return
  if (!isPlainOrModule(weights)) throw new InvalidRequest(`tenantWeights is ${String(weights)}: give { 'a-tenant': 2 }`)
  for (const [tenant, weight] of Object.entries(weights)) {
    if (typeof weight === 'number' && weight >= MIN_WEIGHT && weight <= 1 / MIN_WEIGHT) continue
    throw new InvalidRequest(
      `tenantWeights of '${tenant}' is ${String(weight)}: give a number from ${MIN_WEIGHT} to ${1 / MIN_WEIGHT}; others have 1`,
    )
  }
}

/** @throws InvalidRequest for an option that `name` does not have: misspelt, it would be without effect */
export function checkNames(name: string, options: object, known: readonly string[]): void {
  for (const given of Object.keys(options)) {
    if (known.includes(given)) continue
    const hint = didYouMean(given, known)
    throw new InvalidRequest(`${name} has no option '${given}'.${hint} There are ${known.join(', ')}`)
  }
}

/** What is called later on must be callable: found missing then, it would be an error of no request's own. */
function checkCallables({ estimator, random, tokenizer, clock }: LimiterOptions): void {
  for (const [name, value] of Object.entries({ estimator, random })) {
    if (value !== undefined && typeof value !== 'function') throw new InvalidRequest(`${name} is no function`)
  }
  if (tokenizer !== undefined && typeof tokenizer?.count !== 'function')
    throw new InvalidRequest('tokenizer has no count(text)')
  if (clock === undefined) return
  for (const method of ['now', 'setTimeout', 'clearTimeout'] as const) {
    if (typeof clock?.[method] !== 'function') throw new InvalidRequest(`clock has no ${method}()`)
  }
}

const WINDOW_KINDS: readonly WindowKind[] = ['unknown', 'fixed', 'sliding', 'bucket', 'counter']
const PROFILE_VALUES: Readonly<Record<Exclude<keyof Profile, 'name'>, readonly unknown[]>> = {
  minuteWindow: WINDOW_KINDS,
  secondWindow: WINDOW_KINDS,
  windowPhase: [undefined, 'clock'],
  perSecond: [true, false],
  rejectedCost: [0, 1],
  insufficientQuota: ['tokens', 'billing'],
  outputAccounting: [undefined, 'reserved', 'generated', 'completion', 'learn'],
}

/** @throws InvalidRequest for a name that no profile has, or a field that is wrong */
export function profileOption(profile: ProfileName | Profile | undefined): Profile | undefined {
  if (profile === undefined) return undefined
  if (typeof profile === 'string' && Object.hasOwn(profiles, profile)) return profiles[profile]
  if (typeof profile !== 'object' || profile === null) {
    const shown = typeof profile === 'string' ? `'${profile}'` : String(profile)
    throw new InvalidRequest(`profile is ${shown}: give one of ${Object.keys(profiles).join(', ')}, or a Profile`)
  }
  for (const [field, values] of Object.entries(PROFILE_VALUES)) {
    const value: unknown = profile[field as keyof Profile]
    if (!values.includes(value))
      throw new InvalidRequest(
        `profile.${field} is ${String(value)}: give one of ${values.filter((known) => known !== undefined).join(', ')}`,
      )
  }
  return profile
}
