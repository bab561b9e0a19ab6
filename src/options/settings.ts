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

/**
 * The most retries of one request after a 429 or a fault of the server. Chosen: twice the `openai` client's default of 2. More
 * keep requests of a failing server longer; fewer fail requests in short outages.
 */
const DEFAULT_RETRIES = 4
/**
 * The longest delay of a larger request by all smaller ones together, in ms. Chosen. Larger delays large requests more; smaller
 * leaves more of the quota unused (decision 008).
 */
const DEFAULT_BACKFILL_DELAY_MS = 2000

/** The checked options of `createLimiter` with their defaults, frozen. `LimiterOptions` describes each. */
export interface Settings {
  readonly limits: NamedLimitsSource
  readonly overrides: Readonly<Record<string, Limits>>
  /** Undefined: by the profile of the request. */
  readonly perSecond: boolean | undefined
  /** The caller's own object. The limiter reads it when a request first names a model. */
  readonly fallback: Readonly<Record<string, readonly string[]>>
  /** Undefined: a new request waits for its own model without a bound. */
  readonly fallbackAfterWaitMs: number | undefined
  /** The retries of requests that no wrapped client sends. */
  readonly maxRetries: number
  /** Replaces a wrapped client's `maxRetries`. Undefined: the client's applies. */
  readonly maxRetriesOfClients: number | undefined
  readonly maxQueue: number
  readonly maxBackfillDelayMs: number
  /** Returns the weight of a tenant: 1 if the option does not name it, or if the request has no tenant. */
  readonly tenantWeights: (tenant: string | undefined) => number
  readonly networkJitterMs: number | 'learn'
  /** Undefined: by the request's host. */
  readonly profile: Profile | undefined
  /** The profile of requests without a host. */
  readonly defaultProfile: Profile
  readonly unknownModel: UnknownModel
  readonly probeHigherLimits: boolean
  /** Undefined: the built-in estimate applies. */
  readonly estimator: Estimator | undefined
  /** Undefined: the heuristic by classes of characters applies. */
  readonly tokenizer: Tokenizer | undefined
  readonly startFull: boolean
  /** Never runs backward. */
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Checks the options of `createLimiter` and adds the defaults.
 *
 * @throws InvalidRequest, InvalidLimits that name the wrong option and the reason
 */
export function settingsOf(options: LimiterOptions): Settings {
  if (!isPlainOrModule(options)) throw new InvalidRequest('createLimiter(options): give an object, or nothing')
  // Reads each option once, because an option may be a getter.
  const given = { ...options }
  checkOptions(given)
  const found = profileOption(given.profile)
  // A copy, because later changes of the caller's object would not be checked.
  const profile = found && Object.freeze({ ...found })
  return Object.freeze({
    limits: toSource(given.limits),
    overrides: validateOverrides(given.overrides ?? {}),
    perSecond: given.perSecond,
    // Not a copy: the command line adds backups of models that it meets later.
    fallback: given.fallback ?? {},
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

function weightsOf(weights: Readonly<Record<string, number>>): Settings['tenantWeights'] {
  const byTenant = new Map(Object.entries(weights))
  return (tenant) => (tenant === undefined ? 1 : (byTenant.get(tenant) ?? 1))
}
