import { InvalidRequest } from '../errors.js'
import { isPlainOrModule } from '../limits/limit-values.js'
import { checkNames } from './check-names.js'
import type { LimiterOptions } from './limiter-options.js'

/**
 * The smallest weight of a tenant; the largest is 1 ÷ this. Chosen, so that shares stay exact over the range. Smaller loses
 * precision; larger refuses weights that work.
 */
const MIN_WEIGHT = 1e-6
/**
 * The largest J that the option accepts, in ms. Chosen. Larger accepts a J at which less than a tenth of a second's limit is
 * usable (1 ÷ 11 at 10 s). Smaller refuses very slow networks.
 */
const MAX_JITTER_MS = 10_000

const NAMES: Readonly<Record<keyof LimiterOptions, true>> = {
  limits: true,
  overrides: true,
  perSecond: true,
  fallback: true,
  fallbackAfterWaitMs: true,
  maxRetries: true,
  maxQueue: true,
  maxBackfillDelayMs: true,
  tenantWeights: true,
  networkJitterMs: true,
  profile: true,
  unknownModel: true,
  probeHigherLimits: true,
  estimator: true,
  tokenizer: true,
  startFull: true,
  clock: true,
  random: true,
}

interface Rule {
  isMet(value: unknown): boolean
  /** The end of the message: the values that the option accepts. */
  readonly give: string
}

const isWhole = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0
const isSpan = (value: unknown): boolean => typeof value === 'number' && value >= 0
const isFlag: Rule = { isMet: (value) => typeof value === 'boolean', give: 'true or false' }
const unknownModels: ReadonlySet<unknown> = new Set(['conservative', 'unlimited', 'reject'])

const RULES: { readonly [Name in keyof LimiterOptions]?: Rule } = {
  maxRetries: { isMet: isWhole, give: 'a whole number, 0 or more' },
  maxQueue: {
    isMet: (value) => value === Infinity || isWhole(value),
    give: 'a whole number, 0 or more, or Infinity',
  },
  networkJitterMs: {
    isMet: (value) => isSpan(value) && (value as number) <= MAX_JITTER_MS,
    give: 'milliseconds from 0 to 10,000',
  },
  fallbackAfterWaitMs: { isMet: isSpan, give: 'milliseconds, 0 or more, or leave it out' },
  maxBackfillDelayMs: { isMet: isSpan, give: 'milliseconds, 0 or more, or Infinity' },
  perSecond: isFlag,
  startFull: isFlag,
  probeHigherLimits: isFlag,
  unknownModel: {
    isMet: (value) => unknownModels.has(value),
    give: "'conservative', 'unlimited' or 'reject'",
  },
  fallback: { isMet: isPlainOrModule, give: "{ 'a-model': ['its-backup'] }" },
  tenantWeights: { isMet: isPlainOrModule, give: "{ 'a-tenant': 2 }" },
}

/**
 * Checks all options except limits and profile, whose own functions check them.
 *
 * @throws InvalidRequest that names the wrong option and the reason
 */
export function checkOptions(options: LimiterOptions): void {
  checkNames('createLimiter', options, Object.keys(NAMES))
  for (const [name, { isMet, give }] of Object.entries(RULES)) {
    const value = options[name as keyof LimiterOptions]
    if (value !== undefined && !isMet(value)) throw new InvalidRequest(`${name} is ${String(value)}: give ${give}`)
  }
  checkBackups(options.fallback ?? {})
  checkWeights(options.tenantWeights ?? {})
  checkCallables(options)
}

function checkBackups(fallback: Readonly<Record<string, unknown>>): void {
  for (const [model, backups] of Object.entries(fallback)) {
    if (!Array.isArray(backups) || backups.some((backup) => typeof backup !== 'string' || backup === '')) {
      throw new InvalidRequest(`fallback of '${model}' is no list of model names: give { '${model}': ['its-backup'] }`)
    }
  }
}

function checkWeights(weights: Readonly<Record<string, unknown>>): void {
  for (const [tenant, weight] of Object.entries(weights)) {
    if (typeof weight === 'number' && weight >= MIN_WEIGHT && weight <= 1 / MIN_WEIGHT) continue
    throw new InvalidRequest(
      `tenantWeights of '${tenant}' is ${String(weight)}: give a number from ${MIN_WEIGHT} to ${1 / MIN_WEIGHT}; others have 1`,
    )
  }
}

/** Checks the functions that the limiter calls later. If one were missing then, a request would fail. */
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
