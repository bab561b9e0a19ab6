/** The possible lengths of a piece, in UTF-16 code units: those at which it ends at a boundary. */
export interface Lengths {
  /** Returns the longest length up to `length`, or 0. */
  upTo(length: number): number
  /** Returns the shortest length above `length`, or Infinity. */
  beyond(length: number): number
}

/** The latest number of tokens for each UTF-16 code unit. The next search starts from it. */
export interface Density {
  tokensPerUnit: number
}

export interface LongestLength {
  /** 0 if even the shortest length does not fit. */
  readonly length: number
  readonly tokens: number
  /** A length that does not fit. The search counted no longer one. */
  readonly failed: number
}

/**
 * Maximum number of guesses by density, before the search bisects. Chosen.
 * A larger value wastes counts on uneven text. A smaller value bisects where one more guess would succeed.
 */
const GUESSES = 6
/** Minimum density, in tokens for each UTF-16 code unit. Chosen. It bounds the length of a guess after a text of almost no tokens. */
const MIN_DENSITY = 1e-3

/**
 * Returns the longest of `lengths` below `end` with at most `limit` tokens.
 *
 * Counting takes the most time. So the search guesses by density and corrects itself, which usually takes two to four counts. It
 * assumes that counts grow with the length. If a tokenizer's do not, the result still fits, but a longer length may fit too. The
 * search never counts much more text than fits, so splitting a text takes linear time.
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
