import type { LimitField } from '../../limits/limit-fields.js'
import type { Resolution, ResolvedLimits } from '../../limits/resolve-limits.js'
import { profiles } from '../../throttling/profiles.js'
import type { Profile } from '../../types.js'
import { chainOf, type ChainPlan } from './chain-plan.js'
import { type Amounts, countedOutput, drainOf, neverPasses, type DrainRate } from './drain-time.js'
import type { OutputBasis, PlannedRequest } from './expect-request.js'
import { versionsOf } from './model-family.js'
import type { ModelPace, PlannedTokens } from './model-pace.js'
import { type RampSettings, rampedLimits, rampedMinutes } from '../run/ramp-up.js'
import { BATCH_PRICE_SHARE, costOf, type Priced, type PricesTable } from '../prices/prices.js'

export interface PlanOptions {
  /** Returns the limits of a model. See `resolveLimits`. */
  readonly limitsOf: (model: string) => Resolution
  /** The models to plan all requests for. @default the model of each request */
  readonly models?: readonly string[] | undefined
  /** Pay-as-you-go prices. @default none, so costs are unknown */
  readonly prices?: PricesTable | undefined
  /** The models that are considered as other versions, such as those of the limits table. @default none */
  readonly knownModels?: Iterable<string> | undefined
  /** Backups by model, as in the limiter's option `fallback`. */
  readonly fallback?: Readonly<Record<string, readonly string[]>> | undefined
  /** The accounting rules of the service. @default Model Studio's */
  readonly profile?: Profile | undefined
  /** The largest difference in network delay between two calls (J), in ms. @default 50, as in the limiter */
  readonly networkJitterMs?: number | undefined
  /** A slow start, as `headgate run` uses for Model Studio. @default none */
  readonly ramp?: RampSettings | undefined
  /** Duration of one answer, in ms. It matters for models with a concurrency limit. @default unset: concurrency limits are ignored */
  readonly answerMs?: number | undefined
}

export interface ModelPlan extends ModelPace {
  /** Other versions of the model that would finish sooner, fastest first. */
  readonly fasterVersions: readonly ModelPace[]
  /** The plan of the model with its backups. Undefined without backups. */
  readonly chain: ChainPlan | undefined
  /** The same requests through the Batch API. Real-time limits do not apply there. It may take up to `windowHours`. */
  readonly batch: { readonly cost: Priced; readonly files: number; readonly windowHours: number }
}

export interface BatchPlan {
  readonly models: readonly ModelPlan[]
  /** Number of requests without a model, if `models` is unset. No plan includes them. */
  readonly withoutModel: number
}

/** Maximum number of lines of one batch file (documented). A larger value plans fewer files than the service needs. */
export const BATCH_FILE_LINES = 50_000
/** The shortest completion window of a batch, in hours (documented: 24 to 336). */
export const BATCH_WINDOW_HOURS = 24

/** J unless set, in ms: the limiter's initial value. A larger value plans a longer time, a smaller one a shorter time. */
const DEFAULT_JITTER_MS = 50

/**
 * Returns the time and the cost of the requests at their models' limits, and the alternatives. It sends nothing.
 * {@link drainOf} documents what the time covers and its error.
 *
 * The cost covers the counted input and the expected output of requests that pass. Failed calls are not billed. Cache discounts,
 * prices that depend on the prompt length, and free quotas are not included.
 *
 * @throws any error of `limitsOf`
 */
export function planBatch(requests: Iterable<PlannedRequest>, options: PlanOptions): BatchPlan {
  const byModel = new Map<string, PlannedRequest[]>()
  let withoutModel = 0
  const all: PlannedRequest[] = []
  for (const request of requests) {
    if (options.models !== undefined) all.push(request)
    else if (request.model === undefined) withoutModel++
    else if (byModel.has(request.model)) byModel.get(request.model)!.push(request)
    else byModel.set(request.model, [request])
  }
  for (const model of options.models ?? []) byModel.set(model, all)
  return { models: [...byModel].map(([model, own]) => planOf(model, own, options)), withoutModel }
}

function planOf(model: string, requests: readonly PlannedRequest[], options: PlanOptions): ModelPlan {
  const own = paceOf(model, requests, options)
  const others = versionsOf(model, options.knownModels ?? []).map((other) => paceOf(other, requests, options))
  const backups = Object.hasOwn(options.fallback ?? {}, model) ? options.fallback![model]! : []
  const links = [own, ...backups.filter((backup) => backup !== model).map((each) => paceOf(each, requests, options))]
  const { prices = {} } = options
  const tokens = tokensOf(requests)
  return {
    ...own,
    fasterVersions: others
      .filter((other) => isSooner(other, own))
      .sort((a, b) => a.minutes! - b.minutes! || b.passes.requests - a.passes.requests),
    chain: links.length === 1 ? undefined : chainOf(requests, links),
    batch: {
      cost: costOf(model, tokens, prices, BATCH_PRICE_SHARE),
      files: Math.ceil(requests.length / BATCH_FILE_LINES),
      windowHours: BATCH_WINDOW_HOURS,
    },
  }
}

/** Whether `a` finishes sooner. A model that passes fewer requests is never faster. */
function isSooner(a: ModelPace, b: ModelPace): boolean {
  if (a.minutes === undefined || a.passes.requests < b.passes.requests) return false
  return b.minutes === undefined || a.minutes < b.minutes || a.passes.requests > b.passes.requests
}

function paceOf(model: string, requests: readonly PlannedRequest[], options: PlanOptions): ModelPace {
  const { limits, retired } = options.limitsOf(model)
  const {
    profile = profiles['model-studio'],
    networkJitterMs = DEFAULT_JITTER_MS,
    answerMs,
    prices = {},
    ramp,
  } = options
  const passing: PlannedRequest[] = []
  const byLimit: Partial<Record<LimitField, number>> = {}
  const held = definedOf(limits)
  for (const request of requests) {
    const limit = retired ? undefined : neverPasses(request.inputTokens, held)
    if (limit !== undefined) byLimit[limit] = (byLimit[limit] ?? 0) + 1
    else if (!retired) passing.push(request)
  }
  const passes = tokensOf(passing)
  const pace: DrainRate = { profile, networkJitterMs, answerMs }
  const amounts = passing.map((request): Amounts => {
    return { inputTokens: request.inputTokens, outputTokens: countedOutput(request, held) }
  })
  const isNothing = passing.length === 0 && requests.length > 0
  const drain = isNothing ? { minutes: undefined, binding: undefined, byLimit: {} } : drainOf(amounts, held, pace)
  const lowered = ramp && rampedLimits(held, ramp)
  const minutes =
    lowered === undefined || drain.minutes === undefined
      ? drain.minutes
      : rampedMinutes(drain.minutes, drainOf(amounts, { ...held, ...lowered }, pace).minutes, ramp!)
  return {
    model,
    limits,
    isRetired: retired,
    neverPass: { requests: Object.values(byLimit).reduce((sum, count) => sum + count, 0), byLimit },
    passes,
    minutes,
    rampMinutes: minutes === undefined ? 0 : minutes - drain.minutes!,
    binding: drain.binding,
    minutesByLimit: drain.byLimit,
    usedShare: usedShareOf(amounts, held, minutes ?? 0),
    cost: isNothing ? { known: false, why: `'${model}' takes none of the requests` } : costOf(model, passes, prices),
  }
}

function tokensOf(requests: readonly PlannedRequest[]): PlannedTokens {
  const outputBasis: Record<OutputBasis, number> = { given: 0, max_tokens: 0, default: 0, none: 0 }
  const tokens = { requests: requests.length, inputTokens: 0, outputTokens: 0, thinkingOutputTokens: 0, outputBasis }
  for (const request of requests) {
    tokens.inputTokens += request.inputTokens
    tokens.outputTokens += request.outputTokens
    if (request.thinks) tokens.thinkingOutputTokens += request.outputTokens
    outputBasis[request.outputBasis]++
  }
  return tokens
}

function usedShareOf(
  amounts: readonly Amounts[],
  { rpm = Infinity, tpm = Infinity }: DefinedLimits,
  minutes: number,
): number | undefined {
  if (minutes === 0 || (rpm === Infinity && tpm === Infinity)) return undefined
  const tokens = amounts.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  return Math.max(amounts.length / rpm, tokens / tpm) / minutes
}

type DefinedLimits = { readonly [Field in LimitField]?: number }

/** Returns the fields of `limits` that are numbers. */
function definedOf(limits: ResolvedLimits): DefinedLimits {
  const defined = Object.entries(limits).filter(([, value]) => typeof value === 'number')
  return Object.fromEntries(defined) as DefinedLimits
}
