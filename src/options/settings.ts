import { type Clock, monotonicClock, systemClock } from '../clock.js'
import { InvalidRequest } from '../errors.js'
import { isPlainOrModule } from '../limits/limit-values.js'
import type { UnknownModel } from '../limits/resolve-limits.js'
import { type NamedLimitsSource, toSource } from '../limits/sources/limits-source.js'
import { validateOverrides } from '../limits/validation.js'
import { profiles } from '../throttling/profiles.js'
import type { Tokenizer } from '../tokens/text-tokens.js'
import type { Estimator } from '../transport/fetch.js'
import type { Limits, Profile } from '../types.js'
import { checkOptions } from './check-options.js'
import type { LimiterOptions } from './limiter-options.js'
import { profileOption } from './profile-option.js'

/** Repetitions of one request after a 429 or a fault: twice the `openai` client's default of 2. */
const DEFAULT_RETRIES = 4
/** By how much smaller requests may delay a larger one, all together, in ms. */
const DEFAULT_BACKFILL_DELAY_MS = 2000

/** The options of `createLimiter`, checked, and completed by their defaults. Frozen; see `LimiterOptions` for what each does. */
export interface Settings {
  readonly limits: NamedLimitsSource
  readonly overrides: Readonly<Record<string, Limits>>
  /** Undefined: as the profile of the request says. */
  readonly perSecond: boolean | undefined
  /** The caller's own object: the limiter reads it when a request names a model for the first time. */
  readonly fallback: Readonly<Record<string, readonly string[]>>
  /** Undefined: a new request waits for its own model, however long. */
  readonly fallbackAfterWaitMs: number | undefined
  /** For requests that no wrapped client sends. */
  readonly maxRetries: number
  /** Comes before a wrapped client's `maxRetries`; undefined: the client's holds. */
  readonly maxRetriesOfClients: number | undefined
  readonly maxQueue: number
  readonly maxBackfillDelayMs: number
  /** The weight of a tenant; 1 where the option names none, and for requests without a tenant. */
  readonly tenantWeights: (tenant: string | undefined) => number
  readonly networkJitterMs: number | 'learn'
  /** Undefined: by the request's host. */
  readonly profile: Profile | undefined
  /** For requests of no host. */
  readonly defaultProfile: Profile
  readonly unknownModel: UnknownModel
  readonly probeHigherLimits: boolean
  /** Undefined: the built-in estimate stands. */
  readonly estimator: Estimator | undefined
  /** Undefined: the heuristic by classes of characters. */
  readonly tokenizer: Tokenizer | undefined
  readonly startFull: boolean
  /** It never runs backward. */
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Checks the options of `createLimiter` and completes them.
 *
 * @throws InvalidRequest, InvalidLimits that say which option is wrong, and why
 */
export function settingsOf(options: LimiterOptions): Settings {
  if (!isPlainOrModule(options)) throw new InvalidRequest('createLimiter(options): give an object, or nothing')
  // Each option is read once: one may be a getter.
  const given = { ...options }
  checkOptions(given)
  const found = profileOption(given.profile)
  // A copy: what the caller writes into its object later was never checked.
  const profile = found && Object.freeze({ ...found })
  return Object.freeze({
    limits: toSource(given.limits),
    overrides: validateOverrides(given.overrides ?? {}),
    perSecond: given.perSecond,
    fallback: copyOfLists(given.fallback ?? {}),
    fallbackAfterWaitMs: given.fallbackAfterWaitMs,
    maxRetries: given.maxRetries ?? DEFAULT_RETRIES,
    maxRetriesOfClients: given.maxRetries,
    maxQueue: given.maxQueue ?? Infinity,
    maxBackfillDelayMs: given.maxBackfillDelayMs ?? DEFAULT_BACKFILL_DELAY_MS,
    tenantWeights: weightsOf(given.tenantWeights ?? {}),
    networkJitterMs: given.networkJitterMs ?? 'learn',
    profile,
    defaultProfile: profile ?? profiles['model-studio'],
    unknownModel: given.unknownModel ?? 'conservative',
    probeHigherLimits: given.probeHigherLimits ?? false,
    estimator: given.estimator,
    tokenizer: given.tokenizer,
    startFull: given.startFull ?? false,
    clock: monotonicClock(given.clock ?? systemClock),
    random: given.random ?? Math.random,
  })
}

function copyOfLists(lists: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, [...list]]))
}

function weightsOf(weights: Readonly<Record<string, number>>): Settings['tenantWeights'] {
  const byTenant = new Map(Object.entries(weights))
  return (tenant) => (tenant === undefined ? 1 : (byTenant.get(tenant) ?? 1))
}
