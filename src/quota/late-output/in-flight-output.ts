import { AnswerPace } from './answer-pace.js'

/**
 * The step, in µs, in which generated output is charged: J's default, below which the time that a server counts at is unknown anyway.
 * A longer step charges output later than the server; a shorter one makes more charges.
 */
export const STEP_US = 50_000
/**
 * The longest time without a call, in µs, whose output is still charged: 200 steps of work. Older output counts in no second's window
 * any more. A shorter gap than a second and J would leave out output that counts.
 */
const MAX_GAP_US = 10e6
/**
 * The longest time, in µs, that an answer counts as in flight. It is the default timeout of the `openai` client. An answer whose end
 * nobody reports would stop the model for ever without it; with a shorter one long answers write uncounted.
 */
const MAX_ANSWER_US = 600e6
/**
 * The factor that an unexpected refusal raises the pace by, and the factor that each ended answer lowers it by again. They balance at
 * one refusal in 100 answers (1.03 × 0.9997¹⁰⁰ ≈ 1). Tuned on the rows `*-generated-*` of `npm run bench:quota`. @@CAUTION
 */
const CAUTION_STEP = 1.03
const CAUTION_FADES = 0.9997
/** The largest such factor in all. A higher one stops a model whose limits are lower than configured; that is learned elsewhere. */
const MAX_CAUTION = 2

/** Takes the tokens that were generated in the step that ends at `atUs`. */
export type OnGenerated = (tokens: number, atUs: number) => void

/**
 * The output that the answers in flight write together, at the pace that answers were seen to have: for a server that counts
 * output as it is written. The number of answers in flight is known, so only their pace is estimated. The output written until
 * now does not depend on how long each of them will be.
 */
export class InFlightOutput {
  /** The admission times of the answers in flight, oldest first: those that write, and those without a token yet. */
  readonly #writing: number[] = []
  readonly #waiting: number[] = []
  #stepAtUs = 0
  /** The part of a token that was generated, and not passed on yet. */
  #rest = 0
  #caution = 1
  readonly #pace = new AnswerPace()

  /** Tokens a second of one answer, once its first token is there. */
  get tokensPerSecond(): number {
    return this.#pace.tokensPerSecond * this.#caution
  }

  /** The number of answers in flight. */
  get answers(): number {
    return this.#waiting.length + this.#writing.length
  }

  began(nowUs: number): void {
    this.#waiting.push(nowUs)
  }

  /** An answer that was admitted at `beganUs` ended, undefined: with an unknown number of tokens. Call {@link advance} before. */
  ended(beganUs: number, nowUs: number, outputTokens: number | undefined): void {
    if (!removed(beganUs, this.#writing)) removed(beganUs, this.#waiting)
    if (outputTokens === undefined || outputTokens < 1) return
    this.#pace.add(Math.min(nowUs - beganUs, MAX_ANSWER_US), outputTokens)
    this.#caution = Math.max(1, this.#caution * CAUTION_FADES)
  }

  /** The server refused a request that was sure to pass: more is written than estimated. */
  wasRefused(): void {
    this.#caution = Math.min(MAX_CAUTION, this.#caution * CAUTION_STEP)
  }

  /** Passes on the tokens that were generated until now, those of each step at its end. */
  advance(nowUs: number, onGenerated: OnGenerated): void {
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
      if (tokens > 0) onGenerated(tokens, this.#stepAtUs)
    }
  }

  /** The tokens that the answers in flight, and `more` beside them, write within `spanUs`. */
  within(spanUs: number, more = 0): number {
    return ((this.answers + more) * this.tokensPerSecond * spanUs) / 1e6
  }

  /**
   * In how many µs enough answers have ended that the others write no more than `tokens` within `spanUs`. An expectation: it
   * assumes that answers are as long as usual, and end at random.
   */
  fadesInUs(tokens: number, spanUs: number, more: number): number {
    const now = this.within(spanUs, more)
    if (now <= tokens) return 0
    const ofOne = (this.tokensPerSecond * spanUs) / 1e6
    return this.#pace.durationUs * Math.log(now / Math.max(tokens, ofOne / 2))
  }
}

/** Removes one of these times. False if it is not among them. */
function removed(timeUs: number, times: number[]): boolean {
  const index = times.indexOf(timeUs)
  if (index >= 0) times.splice(index, 1)
  return index >= 0
}
