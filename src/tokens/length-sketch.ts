/**
 * About how many of the newest answers a sketch describes. Older ones fade exponentially.
 *
 * Chosen. Larger: the estimate follows a change more slowly. Smaller: it varies more from answer to answer.
 */
export const MEMORY = 64
/**
 * The most that one answer counts as, as a multiple of the mean. It keeps one wrong usage from spoiling the estimate.
 *
 * Chosen. Larger: a wrong usage does more harm. Smaller: the mean follows answers that became much longer too slowly.
 */
const MAX_GROWTH = 16
/**
 * The share of the answers, shortest first, whose lengths make the standard deviation. The rest count as the longest of
 * these.
 *
 * Derived: 2 % left out is more than the weight of one answer (1/{@link MEMORY}), so no single answer moves the
 * deviation. Larger: one answer does. Smaller: the deviation is too low, and so is the reserved margin.
 */
const SPREAD_SHARE = 0.98

/**
 * Into how many steps the lengths from one power of two to the next are divided. Shorter lengths than twice this have
 * steps of their own.
 *
 * Chosen. At 8, a step is 6 to 12 % wide. Larger: more memory for each sketch. Smaller: less exact quantiles. STEP_BITS
 * is its logarithm.
 */
const STEPS = 8
const STEP_BITS = 3
/**
 * The longest length, in tokens. A longer answer counts as this. Chosen: the longest context that models have, a
 * million tokens. Larger: more memory. Smaller: longer answers are underestimated.
 */
const MAX_LENGTH = 2 ** 20

/**
 * The distribution of the lengths of answers: mean, quantiles and spread of about the last {@link MEMORY} answers.
 *
 * It counts lengths in steps of 6 to 12 %, whose counts fade exponentially, and takes about 600 bytes at most.
 */
export class LengthSketch {
  /** The expected length in tokens. The expectation from before the first answer counts as one answer. */
  mean: number
  #answers = 0
  #counts = new Float32Array(3 * STEPS)
  #total = 0
  #missed = 0
  readonly #quantile: number
  /**
   * The number of answers when the quantile and the deviation were computed last. Both change slowly, and take a pass
   * over the counts.
   */
  #shapedAt = 0
  #atQuantile = 0
  #deviation = 0

  /**
   * `expected` is the mean before the first answer. `quantile` is the share that {@link atQuantile} is computed for.
   */
  constructor(expected: number, quantile: number) {
    this.mean = expected
    this.#quantile = quantile
  }

  /** The mean distance between an answer's length and its expectation, as a share of the mean. */
  get error(): number {
    return this.#missed / Math.max(this.mean, 1)
  }

  /** Adds an answer. `expected` is the length that was expected of it. */
  add(observed: number, expected: number): void {
    const bounded = Math.min(observed, MAX_GROWTH * Math.max(this.mean, 1))
    const answers = ++this.#answers
    this.mean += (bounded - this.mean) / Math.min(answers + 1, MEMORY)
    this.#missed += (Math.abs(bounded - expected) - this.#missed) / Math.min(answers, MEMORY)
    // New answers weigh more instead of old counts being multiplied, so an answer changes only one count.
    const weight = answers === 1 ? 1 : this.#total / (Math.min(answers, MEMORY) - 1)
    const step = stepOf(bounded)
    if (step >= this.#counts.length) this.#grow(step)
    this.#counts[step]! += weight
    this.#total += weight
    if (this.#total > 1e30) this.#rescale()
  }

  /** The length that this share of the answers does not exceed, to within a step; 0 without answers. */
  quantile(share: number): number {
    let left = share * this.#total
    let last = 0
    for (let step = 0; step < this.#counts.length; step++) {
      const count = this.#counts[step]!
      if (count === 0) continue
      last = step
      left -= count
      if (left <= 0) break
    }
    return lengthOf(last)
  }

  /** The length at the quantile that the constructor was given. */
  get atQuantile(): number {
    this.#shape()
    return this.#atQuantile
  }

  /** The standard deviation of the lengths, with the longest 2 % cut to the length of the next. */
  get deviation(): number {
    this.#shape()
    return this.#deviation
  }

  /**
   * Computes the quantile and the deviation anew after every eighth answer, and more often while there are few. Every
   * request reads them.
   */
  #shape(): void {
    if (this.#answers - this.#shapedAt < Math.min(8, 1 + this.#answers / 8)) return
    this.#shapedAt = this.#answers
    this.#atQuantile = this.quantile(this.#quantile)
    const most = this.quantile(SPREAD_SHARE)
    let sum = 0
    let squares = 0
    for (let step = 0; step < this.#counts.length; step++) {
      const count = this.#counts[step]!
      if (count === 0) continue
      const length = Math.min(lengthOf(step), most)
      sum += count * length
      squares += count * length * length
    }
    const mean = sum / this.#total
    this.#deviation = Math.sqrt(Math.max(0, squares / this.#total - mean * mean))
  }

  #grow(step: number): void {
    const counts = new Float32Array((Math.floor(step / STEPS) + 1) * STEPS)
    counts.set(this.#counts)
    this.#counts = counts
  }

  #rescale(): void {
    for (let step = 0; step < this.#counts.length; step++) this.#counts[step]! /= this.#total
    this.#total = 1
  }
}

function stepOf(length: number): number {
  const tokens = Math.min(Math.round(length), MAX_LENGTH)
  if (tokens < 2 * STEPS) return tokens
  const octave = 31 - Math.clz32(tokens)
  return STEPS * (octave - STEP_BITS) + (tokens >> (octave - STEP_BITS))
}

/** The middle of the lengths that a step counts. */
function lengthOf(step: number): number {
  if (step < 2 * STEPS) return step
  const octave = Math.floor(step / STEPS) + STEP_BITS - 1
  const width = 2 ** (octave - STEP_BITS)
  return ((step % STEPS) + STEPS) * width + (width - 1) / 2
}
