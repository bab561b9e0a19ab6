import { neverPasses } from './drain-time.js'
import type { PlannedRequest } from './expect-request.js'
import type { ModelPace } from './model-pace.js'
import type { Priced } from '../prices/prices.js'

/** What one model of a chain does of it. */
export interface ChainLink {
  readonly model: string
  /** The part of the requests that it takes, from 0 to 1. */
  readonly share: number
}

/** A model and its backups, all at work at once. */
export interface ChainPlan {
  /** Undefined where nothing can pass. */
  readonly minutes: number | undefined
  readonly links: readonly ChainLink[]
  /** Requests that are too large for every one of them. */
  readonly neverPass: number
  /** Unknown as soon as that of one link is, or where they are in several currencies. */
  readonly cost: Priced
}

/**
 * What a chain does together: the rates of its models add up. That they all work at once takes the limiter's option
 * `fallbackAfterWaitMs`; without it backups only take what the first model cannot. Each is taken to get the same mix of requests;
 * that a model gets only those which fit it is left out.
 *
 * @param paces - of the model and its backups, each as if it had all requests
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

/** Requests a minute; of models without limits, whose rates have no bound, all the same. */
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
