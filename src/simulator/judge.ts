import { refusalClass } from './errors/throttling.js'
import type { RefusedRequest } from './errors/dialect.js'
import type { Exchange } from './exchange.js'
import { Charge } from './metering/charge.js'
import type { Demand } from './metering/charge.js'
import type { LimitName } from './metering/enforced-limits.js'
import type { Throttle } from './metering/throttle.js'
import type { Model, Models } from './models.js'
import { Random } from './random.js'
import type { SimulatedRequest } from './requests/request.js'
import type { Settings } from './settings/settings.js'
import { outputCap } from './answers/draw-answers.js'
import { cachedTokens } from './answers/answer-text.js'

/** The verdict on a request. */
export type Judgement = Admitted | Rejected

export interface Admitted {
  readonly charge: Charge
  /** The limits that admitted it. */
  readonly throttle: Throttle
  /** Whether it left its provisioned throughput for the public limits. */
  readonly overflow: boolean
  /** Whether it was admitted above limits that are a floor. */
  readonly aboveFloor: boolean
}

export interface Rejected {
  /** The refusal as the error body describes it. */
  readonly refused: Omit<RefusedRequest, 'form' | 'requestId'>
  readonly throttle: Throttle
  /** Whether it left its provisioned throughput for the public limits. */
  readonly overflow: boolean
  /** Whether a limit of its workspace refused it, not one of the account. */
  readonly byWorkspace: boolean
}

/** Added to the seed, so that spare capacity and answers are drawn independently. Any other constant would do. */
const STREAM_OFFSET = 0xf1007

/** The tokens that a request asks the limits for. */
export function demandOf(request: SimulatedRequest, settings: Settings): Demand {
  const cap = outputCap(request, settings)
  const saved = Math.floor(cachedTokens(request, settings) * (1 - settings.cachedWeight))
  const thinking = request.thinking ? Math.min(request.thinkingBudget ?? cap, cap) : 0
  return {
    inputTokens: request.inputTokens - saved,
    maxOutputTokens: cap * request.choices,
    maxThinkingTokens: thinking * request.choices,
  }
}

/** Admits a request and charges it to all limits that count it, or refuses it. No request waits. */
export function judge(
  model: Model,
  models: Models,
  request: SimulatedRequest,
  exchange: Exchange,
  settings: Settings,
): Judgement {
  const now = exchange.at
  const demand = demandOf(request, settings)
  const { provisioned } = model
  if (provisioned !== undefined) {
    const { capacity, throttle } = provisioned
    const fits = request.inputTokens <= (capacity.maxInputTokens ?? Infinity)
    if (fits && throttle.refusal(demand, now) === undefined) {
      return { charge: charged([throttle], demand, settings, now), throttle, overflow: false, aboveFloor: false }
    }
  }
  const overflow = provisioned !== undefined
  const snapshot = provisioned?.capacity.snapshot
  const target = (snapshot === undefined ? undefined : models.find(snapshot)) ?? model
  const throttles = throttlesOf(target, models, exchange.entry.workspace)
  const refusing = firstRefusal(throttles, demand, now)
  // Only the account's limits can be a floor. A workspace's limits always apply.
  const isBelowSpare = refusing?.by === target.throttle && hasSpare(target, request, settings)
  const binding = isBelowSpare ? throttles.slice(1) : throttles
  const stopped = isBelowSpare ? firstRefusal(binding, demand, now) : refusing
  const aboveFloor = isBelowSpare && stopped === undefined
  const surging = stopped === undefined && target.surge?.admits(demand.inputTokens, now) === false
  const admitted = stopped === undefined && !surging
  target.surge?.record(demand.inputTokens, now, admitted)
  const { throttle } = target
  if (admitted) return { charge: charged(throttles, demand, settings, now), throttle, overflow, aboveFloor }
  const used = stopped === undefined ? 0 : (stopped.by.use(now)[stopped.limit]?.used ?? 0)
  for (const one of throttles) one.reject(now)
  if (stopped === undefined) {
    const nothing = { limitValue: 0, used: 0, requested: 1, waitMs: Infinity }
    const refused = { class: 'surge', limit: 'surge', model: request.model, ...nothing } as const
    return { refused, throttle, overflow, byWorkspace: false }
  }
  const { limit, by } = stopped
  const says = settings.floors[target.name]?.says === 'capacity' ? 'capacity' : refusalClass(limit)
  const refused = {
    class: says,
    limit,
    model: request.model,
    limitValue: by.limits[limit],
    used: Math.ceil(used),
    requested: by.asks(limit, demand),
    waitMs: waitMs(binding, demand, now),
  }
  return { refused, throttle, overflow, byWorkspace: by !== throttle }
}

function throttlesOf(model: Model, models: Models, workspace: string | undefined): Throttle[] {
  const own = workspace === undefined ? undefined : models.workspaceThrottle(workspace, model)
  return own === undefined ? [model.throttle] : [model.throttle, own]
}

function firstRefusal(
  throttles: readonly Throttle[],
  demand: Demand,
  now: number,
): { readonly limit: LimitName; readonly by: Throttle } | undefined {
  for (const by of throttles) {
    const limit = by.refusal(demand, now)
    if (limit !== undefined) return { limit, by }
  }
  return undefined
}

/** How long until all limits admit the request, in milliseconds. Infinity for never, or if it is unknown. */
function waitMs(throttles: readonly Throttle[], demand: Demand, now: number): number {
  const at = Math.max(...throttles.map((throttle) => throttle.admitsAt(demand, now)))
  return at > now ? at - now : Infinity
}

function charged(throttles: readonly Throttle[], demand: Demand, settings: Settings, now: number): Charge {
  return new Charge(throttles, demand, settings.outputAccounting, now)
}

/** Whether a model whose limits are a floor has spare capacity for this request. */
function hasSpare(model: Model, request: SimulatedRequest, settings: Settings): boolean {
  if (!Object.hasOwn(settings.floors, model.name)) return false
  const spare = settings.floors[model.name]?.spare ?? 0.5
  if (typeof spare === 'function') return spare(request)
  return new Random(settings.seed + STREAM_OFFSET, request.n).unit() < spare
}
