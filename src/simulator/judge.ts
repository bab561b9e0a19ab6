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

/** How a request was judged. */
export type Judgement = Admitted | Rejected

export interface Admitted {
  readonly charge: Charge
  /** The limits that it was let in by. */
  readonly throttle: Throttle
  readonly overflow: boolean
  readonly aboveFloor: boolean
}

export interface Rejected {
  /** What the answer says of it. */
  readonly refused: Omit<RefusedRequest, 'form' | 'requestId'>
  readonly throttle: Throttle
  readonly overflow: boolean
  readonly byWorkspace: boolean
}

/** Keeps these draws apart from those of the answers. */
const STREAM_OFFSET = 0xf1007

/** What a request asks of the limits. */
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

/** Lets a request in, and charges it to all that it counts against, or to nothing. Nothing waits. */
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
    const { bought, throttle } = provisioned
    const fits = request.inputTokens <= (bought.maxInputTokens ?? Infinity)
    if (fits && throttle.refusal(demand, now) === undefined) {
      return { charge: charged([throttle], demand, settings, now), throttle, overflow: false, aboveFloor: false }
    }
  }
  const overflow = provisioned !== undefined
  const snapshot = provisioned?.bought.snapshot
  const target = (snapshot === undefined ? undefined : models.find(snapshot)) ?? model
  const throttles = throttlesOf(target, models, exchange.entry.workspace)
  const refusing = firstRefusal(throttles, demand, now)
  // A floor is the account's. What a workspace was given as its limit holds all the same.
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

/** Until no limit is in the way any more; Infinity where that is never, or nobody knows. */
function waitMs(throttles: readonly Throttle[], demand: Demand, now: number): number {
  const at = Math.max(...throttles.map((throttle) => throttle.admitsAt(demand, now)))
  return at > now ? at - now : Infinity
}

function charged(throttles: readonly Throttle[], demand: Demand, settings: Settings, now: number): Charge {
  return new Charge(throttles, demand, settings.outputAccounting, now)
}

/** Whether a model whose limits are a floor has capacity above it now. */
function hasSpare(model: Model, request: SimulatedRequest, settings: Settings): boolean {
  if (!Object.hasOwn(settings.floors, model.name)) return false
  const spare = settings.floors[model.name]?.spare ?? 0.5
  if (typeof spare === 'function') return spare(request)
  return new Random(settings.seed + STREAM_OFFSET, request.n).unit() < spare
}
