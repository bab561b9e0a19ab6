/** The lengths that a piece may have, in UTF-16 units: where it would end at a bound. */
export interface Lengths {
  /** The longest that is no more than `length`; 0 where there is none. */
  upTo(length: number): number
  /** The shortest that is more than `length`; Infinity where there is none. */
  beyond(length: number): number
}

/** Tokens a UTF-16 unit, as last seen: where the next search begins. */
export interface Density {
  tokensPerUnit: number
}

export interface LongestLength {
  /** 0 where not even the shortest length fits. */
  readonly length: number
  readonly tokens: number
  /** A length known not to fit: no longer one was looked at. */
  readonly failed: number
}

/** So many guesses by density; from then on the rest is halved. */
const GUESSES = 6
const MIN_DENSITY = 1e-3

/**
 * The longest of `lengths` below `end` that has at most `limit` tokens. It guesses by density and corrects itself, since
 * to count is what takes time: two to four counts as a rule. Counts are taken to grow with the length; where a tokenizer's do not,
 * the length found still fits, but a longer one may too. It never counts much more than what fits, so that a text is
 * split in linear time.
 */
export function longestLength(
  lengths: Lengths,
  limit: number,
  end: number,
  tokensOf: (length: number) => number,
  density: Density,
): LongestLength {
  let fits = { length: 0, tokens: 0 }
  let failed = end
  let known = 0
  for (let step = 0; fits.tokens < limit; step++) {
    const next = lengths.beyond(fits.length)
    if (next >= failed) break
    const guess = fits.length + (limit - fits.tokens) / density.tokensPerUnit
    const reach = Math.ceil(Math.max(2 * Math.min(guess, limit + 4 * known), 2 * known, 16))
    const target = step < GUESSES ? Math.min(guess, reach) : (fits.length + Math.min(failed, reach)) / 2
    let length = Math.max(next, lengths.upTo(Math.floor(Math.min(target, failed - 1))))
    const isProbe = length > reach
    if (isProbe) length = reach
    const tokens = tokensOf(length)
    known = Math.max(known, length)
    density.tokensPerUnit = Math.max(tokens / length, MIN_DENSITY)
    if (tokens > limit) failed = length
    else if (!isProbe) fits = { length, tokens }
  }
  return { ...fits, failed }
}
