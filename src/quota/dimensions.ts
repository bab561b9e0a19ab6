import type { Cost } from '../types.js'

/** What a meter counts. It is the index of the amount in {@link Amounts}. */
export type Dimension = 0 | 1 | 2 | 3 | 4 | 5

export const REQUESTS = 0
export const TOKENS = 1
export const INPUT_TOKENS = 2
export const OUTPUT_TOKENS = 3
export const THINKING_TOKENS = 4
/** The tokens that count with the request where output counts later: the input, and output that is known beforehand. */
export const FIRST_TOKENS = 5

/** The amounts that a cost charges, by dimension. */
export type Amounts = Float64Array

/** Amounts to read one cost after another into, so that no admission allocates. */
export function amountsOfNothing(): Amounts {
  return new Float64Array(FIRST_TOKENS + 1)
}

/** The tokens of output that are expected but not known beforehand. */
export function unknownOutput({ outputTokens, knownOutputTokens = 0 }: Cost): number {
  return outputTokens - knownOutputTokens
}

/** Whether there is such output. */
export function writes(cost: Cost): boolean {
  return unknownOutput(cost) > 0
}

/** The part of a charge in one dimension that is such output. */
export function outputIn(cost: Cost, dimension: Dimension): number {
  return dimension === THINKING_TOKENS ? cost.thinkingTokens : unknownOutput(cost)
}

/** Reads the amounts that `cost` charges into `amounts`. */
export function readAmounts(cost: Cost, amounts: Amounts): Amounts {
  amounts[REQUESTS] = cost.requests
  amounts[TOKENS] = cost.inputTokens + cost.outputTokens
  amounts[INPUT_TOKENS] = cost.inputTokens
  amounts[OUTPUT_TOKENS] = cost.outputTokens
  amounts[THINKING_TOKENS] = cost.thinkingTokens
  amounts[FIRST_TOKENS] = cost.inputTokens + (cost.knownOutputTokens ?? 0)
  return amounts
}

/** The amount that `cost` charges in one dimension. */
export function amountIn(cost: Cost, dimension: Dimension): number {
  return readAmounts(cost, one)[dimension]!
}

const one = amountsOfNothing()

/** Whether `cost` charges no more than `most` in any dimension. */
export function isWithin(cost: Cost, most: Amounts): boolean {
  return (
    cost.requests <= most[REQUESTS]! &&
    cost.inputTokens + cost.outputTokens <= most[TOKENS]! &&
    cost.inputTokens <= most[INPUT_TOKENS]! &&
    cost.outputTokens <= most[OUTPUT_TOKENS]! &&
    cost.thinkingTokens <= most[THINKING_TOKENS]!
  )
}
