import type { Route } from '../types.js'

/** Expected of a model that has not answered yet, before the cap: the length of a usual chat answer. */
export const DEFAULT_OUTPUT_TOKENS = 256

/** Older answers fade: the mean is that of about so many. */
const MEMORY = 64
/** One answer counts as no more than so many times the mean: one wrong count must not spoil all that follow. */
const MOST_GROWTH = 16
/** Models beyond this many push out the one that has not answered for longest. */
const MAX_MODELS = 256

/**
 * Learns how long the answers of a model are, by route and by the power of two below `max_tokens`: who asks for 16
 * tokens at most gets other answers than who asks for 4,096. All lengths are of one choice, thinking included.
 */
export class OutputEstimator {
  private readonly models = new Map<string, Map<Route, RouteMeans>>()

  /** The expected output tokens of one choice: an integer from 0 to `maxOutputTokens`. Embeddings have none. */
  expect(model: string, route: Route, maxOutputTokens: number | undefined): number {
    if (route === 'embeddings') return 0
    const means = this.models.get(model)?.get(route)
    const mean = means?.classes[classOf(maxOutputTokens)] ?? means?.all
    return Math.ceil(capped(mean?.value ?? DEFAULT_OUTPUT_TOKENS, maxOutputTokens))
  }

  /** Learns from an answer. A length that is not a number ≥ 0 is passed over. */
  observe(model: string, route: Route, maxOutputTokens: number | undefined, outputTokens: number): void {
    if (route === 'embeddings' || !(outputTokens >= 0 && outputTokens < Infinity)) return
    const means = this.meansOf(model, route)
    const index = classOf(maxOutputTokens)
    const mean = (means.classes[index] ??= new Mean(capped(means.all.value, maxOutputTokens)))
    mean.add(outputTokens)
    means.all.add(outputTokens)
  }

  private meansOf(model: string, route: Route): RouteMeans {
    const routes = this.models.get(model) ?? new Map<Route, RouteMeans>()
    this.models.delete(model) // put back at the end: the first is the one unused for longest
    this.models.set(model, routes)
    if (this.models.size > MAX_MODELS) this.models.delete(this.models.keys().next().value as string)
    let means = routes.get(route)
    if (means === undefined) routes.set(route, (means = { all: new Mean(DEFAULT_OUTPUT_TOKENS), classes: [] }))
    return means
  }
}

interface RouteMeans {
  /** Over all classes: what a class begins with. */
  readonly all: Mean
  readonly classes: Mean[]
}

/** A decaying mean, in which what was expected before the first answer counts as one answer. */
class Mean {
  value: number
  private weight = 1

  constructor(expected: number) {
    this.value = expected
  }

  add(observed: number): void {
    const bounded = Math.min(observed, MOST_GROWTH * Math.max(this.value, 1))
    this.weight = Math.min(this.weight + 1, MEMORY)
    this.value += (bounded - this.value) / this.weight
  }
}

/** 0 without a cap, else 1 to 32 by the power of two. */
function classOf(maxOutputTokens: number | undefined): number {
  if (maxOutputTokens === undefined || !(maxOutputTokens >= 0)) return 0
  return Math.max(1, 32 - Math.clz32(Math.min(maxOutputTokens, 2 ** 31)))
}

function capped(tokens: number, maxOutputTokens: number | undefined): number {
  return maxOutputTokens !== undefined && maxOutputTokens >= 0 ? Math.min(tokens, Math.floor(maxOutputTokens)) : tokens
}
