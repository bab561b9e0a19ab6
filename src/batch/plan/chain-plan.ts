import { neverPasses } from './drain-time.js'
import type { PlannedRequest } from './expect-request.js'
import type { ModelPace } from './model-pace.js'
import type { Priced } from '../prices/prices.js'

/** The part of a plan that one model of a chain takes. */
export interface ChainLink {
  readonly model: string
  /** Share of the requests, from 0 to 1. */
  readonly share: number
}

/** The plan of a model and its backups, working in parallel. */
export interface ChainPlan {
  /** Duration in minutes. Undefined if no request can pass. */
  readonly minutes: number | undefined
  readonly links: readonly ChainLink[]
  /** Number of requests that are too large for every model. */
  readonly neverPass: number
  /** Unknown if the cost of any link is unknown, or if the links have different currencies. */
  readonly cost: Priced
}

/**
 * Returns the plan of a chain. The rates of its models add up.
 *
 * The models work in parallel only with the limiter's option `fallbackAfterWaitMs`. Without it, a backup only gets requests
 * that the first model cannot take. The plan assumes the same mix of requests for each model.
 *
 * @param paces - the model and its backups, each planned for all requests
 */
export function chainOf(requests: readonly PlannedRequest[], paces: readonly ModelPace[]): ChainPlan {
  const working = paces.filter((pace) => pace.minutes !== undefined)
  const unlimited = working.filter((pace) => pace.minutes === 0)
  const rates = (unlimited.length > 0 ? unlimited : working).map((pace) => ({ pace, rate: rateOf(pace) }))
  const total = rates.reduce((sum, { rate }) => sum + rate, 0)
  const passing = requests.filter((request) => working.some((pace) => fits(request, pace))).length
  const links = rates.map(({ pace, rate }) => ({ pace, model: pace.model, share: rate / total }))
  return {
    minutes: working.length === 0 ? undefined : unlimited.length > 0 ? 0 : passing / total,
    links: links.map(({ model, share }) => ({ model, share })),
    neverPass: requests.length - passing,
    cost: together(links, passing),
  }
}

/** Returns requests a minute. Models without limits have an unbounded rate, so all of them get the same number. */
function rateOf({ minutes, passes }: ModelPace): number {
  return minutes === 0 ? 1 : passes.requests / minutes!
}

function fits(request: PlannedRequest, { limits: { tpm, inputTpm } }: ModelPace): boolean {
  return neverPasses(request.inputTokens, { ...(tpm && { tpm }), ...(inputTpm && { inputTpm }) }) === undefined
}

function together(links: readonly { readonly pace: ModelPace; readonly share: number }[], requests: number): Priced {
  let amount = 0
  let first: Extract<Priced, { known: true }> | undefined
  for (const { pace, share } of links) {
    const { cost, passes } = pace
    if (!cost.known) return cost
    first ??= cost
    if (cost.currency !== first.currency) {
      return { known: false, why: `prices are in ${first.currency} and in ${cost.currency}` }
    }
    if (passes.requests > 0) amount += (cost.amount / passes.requests) * share * requests
  }
  if (first === undefined) return { known: false, why: 'none of the models takes the requests' }
  return { known: true, amount, currency: first.currency, price: first.price }
}
