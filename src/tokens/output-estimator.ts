import type { Route } from '../types.js'
import { LengthSketch } from './length-sketch.js'

/** Expected of a model that has not answered yet, before the cap: the length of a usual chat answer. */
export const DEFAULT_OUTPUT_TOKENS = 256

/**
 * How sure it is to be that what is in flight uses no more, in all, than was reserved for it. Simulated, this quantile uses
 * a quota as well as knowing the output would, where that is charged at the end: the mean alone runs into 429s, and
 * `max_tokens` leaves a third of the quota unused.
 */
export const RESERVED_QUANTILE = 0.7
/** That quantile of the normal distribution, in standard deviations. */
const RESERVED_DEVIATIONS = 0.5244

/** Models beyond this many push out the one that has not answered for longest. */
const MAX_MODELS = 256

/** How long the newest answers of a model were, in tokens of one choice, thinking included; about 64 of them. */
export interface OutputLengths {
  /** What is expected of the next one, before its `max_tokens` and route are looked at. */
  readonly mean: number
  readonly p50: number
  readonly p95: number
  /** By how much what was expected missed what came: the mean distance ÷ `mean`. */
  readonly error: number
}

/**
 * Learns how long the answers of a model are, by route and by the power of two below `max_tokens`: who asks for 16
 * tokens at most gets other answers than who asks for 4,096. All lengths are of one choice, thinking included.
 */
export class OutputEstimator {
  readonly #models = new Map<string, ModelLengths>()

  /** The expected output tokens of one choice: an integer from 0 to `maxOutputTokens`. Embeddings have none. */
  expect(model: string, route: Route, maxOutputTokens: number | undefined): number {
    if (route === 'embeddings') return 0
    const mean = this.#find(model, route, maxOutputTokens)?.mean ?? DEFAULT_OUTPUT_TOKENS
    return Math.ceil(capped(mean, maxOutputTokens))
  }

  /**
   * What to reserve for the output of a request with so many choices: the expectation, and its part of one margin that is
   * pooled over all that would then be in flight. `inFlight`: requests of the model that run, this one not counted.
   *
   * What n answers use together has the standard deviation σ√n, so beside their means z·σ√n is enough for all of them. Lengths
   * are skewed, and that shifts the quantile of a sum by an amount that does not depend on n (the first term of Cornish and
   * Fisher): it is what the quantile of a single answer, as counted, lacks of mean + zσ. Hence margin(n) =
   * (quantile − mean) + zσ(√n − 1): exact for one, and normal for many.
   *
   * Each reserves margin(n) ÷ n. Were it what the n-th adds, margin(n) − margin(n − 1), half of the margin would be lost as
   * soon as answers end and others begin: those that came first, with the large parts, leave first.
   */
  reserve(model: string, route: Route, maxOutputTokens: number | undefined, choices: number, inFlight: number): number {
    if (route === 'embeddings') return 0
    const lengths = this.#find(model, route, maxOutputTokens)
    const each = lengths === undefined ? DEFAULT_OUTPUT_TOKENS : withMargin(lengths, inFlight + choices)
    return Math.ceil(capped(each, maxOutputTokens)) * choices
  }

  /** Learns from an answer. A length that is not a number ≥ 0 is passed over. */
  observe(model: string, route: Route, maxOutputTokens: number | undefined, outputTokens: number): void {
    if (route === 'embeddings' || !(outputTokens >= 0 && outputTokens < Infinity)) return
    const { all, byRoute } = this.#lengthsOf(model)
    let ofRoute = byRoute.get(route)
    if (ofRoute === undefined) byRoute.set(route, (ofRoute = { all: sketch(DEFAULT_OUTPUT_TOKENS), classes: [] }))
    const lengths = (ofRoute.classes[classOf(maxOutputTokens)] ??= sketch(capped(ofRoute.all.mean, maxOutputTokens)))
    const expected = capped(lengths.mean, maxOutputTokens)
    lengths.add(outputTokens, expected)
    ofRoute.all.add(outputTokens, expected)
    all.add(outputTokens, expected)
  }

  /** How long a model's answers were, of all routes and classes; undefined before the first one. */
  lengthsOf(model: string): OutputLengths | undefined {
    const all = this.#models.get(model)?.all
    if (all === undefined) return undefined
    return { mean: all.mean, p50: all.quantile(0.5), p95: all.quantile(0.95), error: all.error }
  }

  /** A class that has not answered yet is as its route. */
  #find(model: string, route: Route, maxOutputTokens: number | undefined): LengthSketch | undefined {
    const lengths = this.#models.get(model)?.byRoute.get(route)
    return lengths && (lengths.classes[classOf(maxOutputTokens)] ?? lengths.all)
  }

  #lengthsOf(model: string): ModelLengths {
    const lengths = this.#models.get(model) ?? { all: sketch(DEFAULT_OUTPUT_TOKENS), byRoute: new Map() }
    this.#models.delete(model) // put back at the end: the first is the one unused for longest
    this.#models.set(model, lengths)
    if (this.#models.size > MAX_MODELS) this.#models.delete(this.#models.keys().next().value as string)
    return lengths
  }
}

interface ModelLengths {
  /** For those who ask how it stands. */
  readonly all: LengthSketch
  readonly byRoute: Map<Route, RouteLengths>
}

interface RouteLengths {
  /** Over all classes: what a class begins with. */
  readonly all: LengthSketch
  readonly classes: LengthSketch[]
}

function sketch(expected: number): LengthSketch {
  return new LengthSketch(expected, RESERVED_QUANTILE)
}

function withMargin(lengths: LengthSketch, answers: number): number {
  const { mean, atQuantile, deviation } = lengths
  const margin = atQuantile - mean + RESERVED_DEVIATIONS * deviation * (Math.sqrt(answers) - 1)
  return margin > 0 ? mean + margin / answers : mean
}

/** 0 without a cap, else 1 to 32 by the power of two. */
function classOf(maxOutputTokens: number | undefined): number {
  if (maxOutputTokens === undefined || !(maxOutputTokens >= 0)) return 0
  return Math.max(1, 32 - Math.clz32(Math.min(maxOutputTokens, 2 ** 31)))
}

function capped(tokens: number, maxOutputTokens: number | undefined): number {
  return maxOutputTokens !== undefined && maxOutputTokens >= 0 ? Math.min(tokens, Math.floor(maxOutputTokens)) : tokens
}
