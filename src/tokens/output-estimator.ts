import type { Route } from '../types.js'
import { LengthSketch } from './length-sketch.js'

/**
 * The expected output of a model without answers yet, in tokens, before the cap. Chosen: the length of a common chat
 * answer. Larger: the first requests wait longer. Smaller: the first requests may use more than they reserve and cause
 * 429s.
 */
export const DEFAULT_OUTPUT_TOKENS = 256

/**
 * The probability that all answers in flight together use no more than was reserved for them.
 *
 * Measured on a prototype in virtual time, with output that counts at the end: 0.7 uses 86 to 92 % of the quota, and 3
 * % of the calls get a 429. Knowing the output beforehand is no better. Larger: more of the quota stays reserved and
 * unused; reserving `max_tokens` leaves 61 %. Smaller: more 429s; the mean alone gets 20 % where output counts with the
 * request.
 */
export const RESERVED_QUANTILE = 0.7
/**
 * The quantile {@link RESERVED_QUANTILE} of the normal distribution, in standard deviations. Derived; it must change
 * with the other.
 */
const RESERVED_DEVIATIONS = 0.5244

/**
 * The most models whose answers are remembered. The model that was unused for longest makes room.
 *
 * Chosen. Larger: more memory. Smaller: a program with more models forgets what it learned about some.
 */
const MAX_MODELS = 256

/**
 * The lengths of a model's answers, in tokens of one choice, thinking included. It describes about the newest 64
 * answers.
 */
export interface OutputLengths {
  /** The expected length of the next answer, before `max_tokens` and the route are considered. */
  readonly mean: number
  readonly p50: number
  readonly p95: number
  /** The error of the expectation: the mean distance between expected and real lengths ÷ `mean`. */
  readonly error: number
}

/**
 * Learns how long the answers of a model are, by route and by the power of two below `max_tokens`. A request with a cap
 * of 16 tokens gets other answers than one with a cap of 4,096. All lengths are those of one choice, thinking included.
 */
export class OutputEstimator {
  readonly #models = new Map<string, ModelLengths>()

  /** The expected output of one choice, in tokens: an integer from 0 to `maxOutputTokens`. Embeddings have none. */
  expect(model: string, route: Route, maxOutputTokens: number | undefined): number {
    if (route === 'embeddings') return 0
    const mean = this.#find(model, route, maxOutputTokens)?.mean ?? DEFAULT_OUTPUT_TOKENS
    return Math.ceil(capped(mean, maxOutputTokens))
  }

  /**
   * The output tokens to reserve for a request: the expected output of its choices, plus its part of a margin that all
   * answers in flight share. `inFlight` is the number of other requests of the model in flight.
   *
   * The margin: n answers together have the standard deviation σ√n. So n means plus z·σ√n suffice with the probability
   * of {@link RESERVED_QUANTILE}. Lengths are skewed. Skew shifts the quantile of a sum by an amount that does not
   * depend on n (the first term of Cornish and Fisher). That amount is the quantile of a single answer, as counted,
   * minus (mean + zσ). Hence margin(n) = (quantile − mean) + zσ(√n − 1): exact for one answer, and normal for many.
   *
   * The part: each answer reserves margin(n) ÷ n. Reserving the increase margin(n) − margin(n − 1) would fail. The
   * first answers, with the large parts, end first, and half of the margin would be lost.
   */
  reserve(model: string, route: Route, maxOutputTokens: number | undefined, choices: number, inFlight: number): number {
    if (route === 'embeddings') return 0
    const lengths = this.#find(model, route, maxOutputTokens)
    const each = lengths === undefined ? DEFAULT_OUTPUT_TOKENS : withMargin(lengths, inFlight + choices)
    return Math.ceil(capped(each, maxOutputTokens)) * choices
  }

  /** Learns from an answer. Ignores a length that is not a number ≥ 0. */
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

  /** The lengths of a model's answers over all routes and classes; undefined before the first answer. */
  lengthsOf(model: string): OutputLengths | undefined {
    const all = this.#models.get(model)?.all
    if (all === undefined) return undefined
    return { mean: all.mean, p50: all.quantile(0.5), p95: all.quantile(0.95), error: all.error }
  }

  /** A class without answers takes the lengths of its route. */
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
  /** All answers, for the statistics. */
  readonly all: LengthSketch
  readonly byRoute: Map<Route, RouteLengths>
}

interface RouteLengths {
  /** All classes of the route. A new class starts from it. */
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

/** The class of a cap: 0 without one, otherwise the number of its binary digits, 1 to 32. */
function classOf(maxOutputTokens: number | undefined): number {
  if (maxOutputTokens === undefined || !(maxOutputTokens >= 0)) return 0
  return Math.max(1, 32 - Math.clz32(Math.min(maxOutputTokens, 2 ** 31)))
}

function capped(tokens: number, maxOutputTokens: number | undefined): number {
  return maxOutputTokens !== undefined && maxOutputTokens >= 0 ? Math.min(tokens, Math.floor(maxOutputTokens)) : tokens
}
