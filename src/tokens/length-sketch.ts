/** Older answers fade: all that a sketch tells is that of about so many. */
export const MEMORY = 64
/** One answer counts as no more than so many times the mean: one wrong count must not spoil all that follow. */
const MAX_GROWTH = 16
/**
 * The share of the shortest answers whose lengths make the spread; the rest count as the longest of these. More than one
 * answer's weight of {@link MEMORY} is left out, so that no single count moves it.
 */
const SPREAD_SHARE = 0.98

/** Lengths below twice this are counted singly, longer ones in so many steps from one power of two to the next. */
const STEPS = 8
const STEP_BITS = 3
/** Longer answers count as this long: the longest context that there is. */
const MAX_LENGTH = 2 ** 20

/**
 * How long answers are, as counts in steps of 6 to 12 % that fade exponentially: mean, quantiles and spread of about the
 * last {@link MEMORY} answers, in 600 bytes at most.
 */
export class LengthSketch {
  /** What is expected; what was before the first answer counts as one answer. */
  mean: number
  #answers = 0
  #counts = new Float32Array(3 * STEPS)
  #total = 0
  #missed = 0
  readonly #quantile: number
  /** The quantile and the standard deviation when `#answers` was `#shapedAt`: they change slowly, and take a pass to count. */
  #shapedAt = 0
  #atQuantile = 0
  #deviation = 0

  /** `quantile`: what {@link atQuantile} is asked for. */
  constructor(expected: number, quantile: number) {
    this.mean = expected
    this.#quantile = quantile
  }

  /** The mean distance of an answer from what was expected of it, as a share of the mean. */
  get error(): number {
    return this.#missed / Math.max(this.mean, 1)
  }

  /** Takes an answer in. `expected`: what had been expected of it. */
  add(observed: number, expected: number): void {
    const bounded = Math.min(observed, MAX_GROWTH * Math.max(this.mean, 1))
    const answers = ++this.#answers
    this.mean += (bounded - this.mean) / Math.min(answers + 1, MEMORY)
    this.#missed += (Math.abs(bounded - expected) - this.#missed) / Math.min(answers, MEMORY)
    // Older counts fade by new ones weighing more: so an answer changes one count, not all.
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

  /** The quantile that the sketch was made for. */
  get atQuantile(): number {
    this.#shape()
    return this.#atQuantile
  }

  /** The standard deviation of the lengths, without the few longest. */
  get deviation(): number {
    this.#shape()
    return this.#deviation
  }

  /** After every eighth answer, and while there are few after each: it is asked for at every request. */
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

/** The middle of the lengths that are counted in a step. */
function lengthOf(step: number): number {
  if (step < 2 * STEPS) return step
  const octave = Math.floor(step / STEPS) + STEP_BITS - 1
  const width = 2 ** (octave - STEP_BITS)
  return ((step % STEPS) + STEPS) * width + (width - 1) / 2
}
