/** What is generated is counted in steps of this time. */
export const STEP_US = 50_000
/** What was generated longer ago than this in one go counts in no second any more, and in no bucket's debt. */
const MAX_GAP_US = 10e6
/** Older answers fade: the pace is that of about so many. */
const MEMORY = 64
/** Before this many answers the pace is not told from the wait for the first token. */
const MIN_ANSWERS = 8

const DEFAULT_TOKENS_PER_SECOND = 60
/** No service writes one answer faster. One that came at once, from a cache say, tells nothing of how others are written. */
const MAX_TOKENS_PER_SECOND = 2000
const DEFAULT_FIRST_TOKEN_US = 0.5e6
const DEFAULT_DURATION_US = 5e6
/** One whose end nobody has told by then is taken to have ended: it must not count for ever. */
const MAX_ANSWER_US = 600e6

/** A refusal that was not foreseen lets the pace be taken for so much higher; each answer takes a little of that back. */
const CAUTION_STEP = 1.03
const CAUTION_FADES = 0.9997
const MAX_CAUTION = 2

/** Takes tokens that were generated in the step that ends at `atUs`. */
export type Generated = (tokens: number, atUs: number) => void

/**
 * What the answers in flight write together, at the pace that answers were seen to have: for a server that counts output as
 * it is written. How many are in flight is known, so that their pace is all that is estimated; how long each will be does
 * not matter to what was written until now.
 */
export class InFlightOutput {
  /** When those in flight were admitted, oldest first: those that write, and those that write nothing yet. */
  readonly #writing: number[] = []
  readonly #waiting: number[] = []
  #stepAtUs = 0
  /** A part of a token that was generated, and not told. */
  #rest = 0
  #caution = 1
  readonly #pace = new Pace()

  /** Tokens a second of one answer, once its first token is there. */
  get tokensPerSecond(): number {
    return this.#pace.tokensPerSecond * this.#caution
  }

  /** Answers in flight. */
  get answers(): number {
    return this.#waiting.length + this.#writing.length
  }

  began(nowUs: number): void {
    this.#waiting.push(nowUs)
  }

  /** One that was admitted at `beganUs` ended; undefined: nobody knows with how many tokens. To be called after {@link advance}. */
  ended(beganUs: number, nowUs: number, outputTokens: number | undefined): void {
    if (!removed(beganUs, this.#writing)) removed(beganUs, this.#waiting)
    if (outputTokens === undefined || outputTokens < 1) return
    this.#pace.add(Math.min(nowUs - beganUs, MAX_ANSWER_US), outputTokens)
    this.#caution = Math.max(1, this.#caution * CAUTION_FADES)
  }

  /** A request was refused that was sure to pass: more is written than was thought. */
  wasRefused(): void {
    this.#caution = Math.min(MAX_CAUTION, this.#caution * CAUTION_STEP)
  }

  /** Tells what was generated until now, each step at its end. */
  advance(nowUs: number, tell: Generated): void {
    if (this.#stepAtUs > nowUs) return
    if (this.answers === 0) {
      this.#stepAtUs = nowUs + STEP_US
      return
    }
    const waitUs = this.#pace.firstTokenUs
    if (this.#stepAtUs < nowUs - MAX_GAP_US) this.#stepAtUs = nowUs - MAX_GAP_US
    for (; this.#stepAtUs <= nowUs; this.#stepAtUs += STEP_US) {
      while (this.#waiting.length > 0 && this.#waiting[0]! + waitUs < this.#stepAtUs) {
        this.#writing.push(this.#waiting.shift()!)
      }
      while (this.#writing.length > 0 && this.#writing[0]! + MAX_ANSWER_US < this.#stepAtUs) this.#writing.shift()
      if (this.#writing.length === 0) continue
      this.#rest += (this.#writing.length * this.tokensPerSecond * STEP_US) / 1e6
      const tokens = Math.floor(this.#rest)
      this.#rest -= tokens
      if (tokens > 0) tell(tokens, this.#stepAtUs)
    }
  }

  /** What is going to be written within `spanUs`, with so many more answers beside. */
  within(spanUs: number, more = 0): number {
    return ((this.answers + more) * this.tokensPerSecond * spanUs) / 1e6
  }

  /**
   * In how many µs so many answers will have ended that no more than `tokens` are written within `spanUs`: an expectation, for
   * answers that are as long as usual and end at random.
   */
  fadesInUs(tokens: number, spanUs: number, more: number): number {
    const now = this.within(spanUs, more)
    if (now <= tokens) return 0
    const ofOne = (this.tokensPerSecond * spanUs) / 1e6
    return this.#pace.durationUs * Math.log(now / Math.max(tokens, ofOne / 2))
  }
}

/** How fast answers are written and how long they take, from when each was admitted, when it ended, and its tokens. */
class Pace {
  tokensPerSecond = DEFAULT_TOKENS_PER_SECOND
  firstTokenUs = DEFAULT_FIRST_TOKEN_US
  durationUs = DEFAULT_DURATION_US
  #answers = 0
  #tokens = 0
  /** Means of squares and products about the means. */
  #tokensSquared = 0
  #product = 0

  /**
   * Takes an answer in. A line through durations by tokens has the time of a token as its slope, and the time to the first
   * one where there are none.
   */
  add(durationUs: number, tokens: number): void {
    const share = 1 / Math.min(++this.#answers, MEMORY)
    const overTokens = tokens - this.#tokens
    const overDuration = durationUs - (this.#answers === 1 ? 0 : this.durationUs)
    if (this.#answers === 1) this.durationUs = 0
    this.#tokens += share * overTokens
    this.durationUs += share * overDuration
    this.#tokensSquared = (1 - share) * (this.#tokensSquared + share * overTokens * overTokens)
    this.#product = (1 - share) * (this.#product + share * overTokens * overDuration)
    const isKnown = this.#answers >= MIN_ANSWERS && this.#tokensSquared > 0
    const slopeUs = isKnown ? this.#product / this.#tokensSquared : 0
    const atMostUs = this.durationUs / 2
    const interceptUs = isKnown ? this.durationUs - slopeUs * this.#tokens : DEFAULT_FIRST_TOKEN_US
    this.firstTokenUs = Math.round(Math.max(0, Math.min(interceptUs, atMostUs)))
    const tokensPerSecond = (1e6 * this.#tokens) / Math.max(1, this.durationUs - this.firstTokenUs)
    this.tokensPerSecond = Math.min(tokensPerSecond, MAX_TOKENS_PER_SECOND)
  }
}

/** Takes one of these times out; false if it is not among them. */
function removed(timeUs: number, times: number[]): boolean {
  const index = times.indexOf(timeUs)
  if (index >= 0) times.splice(index, 1)
  return index >= 0
}
