/**
 * The pace until answers have ended: tokens a second, the time to the first token and the duration of an answer, in µs. They are the
 * middle of what the workloads of `bench/quota` have. The first answer replaces the pace and the duration.
 */
const DEFAULT_TOKENS_PER_SECOND = 60
const DEFAULT_FIRST_TOKEN_US = 0.5e6
const DEFAULT_DURATION_US = 5e6
/**
 * The highest pace of one answer, in tokens a second: above that of any service known to us. An answer from a cache ends at once and
 * says nothing about the others. With a higher bound it stops the model; with a lower one fast services are refused.
 */
const MAX_TOKENS_PER_SECOND = 2000
/** The number of answers that the means are taken over. Fewer make the pace jump; more make it follow a change slowly. */
const MEMORY = 64
/**
 * The number of answers from which the wait for the first token is told apart from the pace. The line through fewer points is steep
 * by chance; until then the default wait holds.
 */
const MIN_ANSWERS = 8

/** How fast answers are written and how long they take: learned from when each was admitted, when it ended, and its tokens. */
export class AnswerPace {
  /** Of one answer, once its first token is there. */
  tokensPerSecond = DEFAULT_TOKENS_PER_SECOND
  /** From the admission to the first token. */
  firstTokenUs = DEFAULT_FIRST_TOKEN_US
  /** The mean time from the admission to the end. */
  durationUs = DEFAULT_DURATION_US
  #answers = 0
  #meanTokens = 0
  /** Mean of the squares of tokens, and of tokens × duration, about their means. */
  #tokensSquared = 0
  #product = 0

  /**
   * Takes in an answer. In a line through durations by tokens the slope is the time of a token, and the value at no tokens is
   * the time to the first one.
   */
  add(durationUs: number, tokens: number): void {
    const share = 1 / Math.min(++this.#answers, MEMORY)
    const overTokens = tokens - this.#meanTokens
    const overDuration = durationUs - (this.#answers === 1 ? 0 : this.durationUs)
    if (this.#answers === 1) this.durationUs = 0
    this.#meanTokens += share * overTokens
    this.durationUs += share * overDuration
    this.#tokensSquared = (1 - share) * (this.#tokensSquared + share * overTokens * overTokens)
    this.#product = (1 - share) * (this.#product + share * overTokens * overDuration)
    const isKnown = this.#answers >= MIN_ANSWERS && this.#tokensSquared > 0
    const slopeUs = isKnown ? this.#product / this.#tokensSquared : 0
    const interceptUs = isKnown ? this.durationUs - slopeUs * this.#meanTokens : DEFAULT_FIRST_TOKEN_US
    this.firstTokenUs = Math.round(Math.max(0, Math.min(interceptUs, this.durationUs / 2)))
    const tokensPerSecond = (1e6 * this.#meanTokens) / Math.max(1, this.durationUs - this.firstTokenUs)
    this.tokensPerSecond = Math.min(tokensPerSecond, MAX_TOKENS_PER_SECOND)
  }
}
