import type { Attempt } from '../dispatch/attempt.js'
import { chargedBy } from '../quota/reservation.js'

/** An answer is charged anew when it has outgrown its charge by a quarter, and by this many tokens. */
const MIN_STEP_TOKENS = 64
const STEP_SHARE = 0.25

/** The fields whose text an answer is made of: `content` and `reasoning_content`, a completion's `text`, a tool's `arguments`. */
const FIELDS = ['content":', 'text":', 'arguments":'] as const
/** Of the Responses API the pieces alone: its other events repeat the whole. */
const RESPONSES_FIELDS = ['delta":'] as const

/** Characters a token, rather too many than too few: an answer that outgrows its charge by these has surely done so. */
const CHARACTERS_A_TOKEN = 5
const WIDE_CHARACTERS_A_TOKEN = 2
const ESCAPED_CHARACTERS_A_TOKEN = 12
/** From here on scripts are written that say more with each character. */
const FIRST_WIDE = 0x2e80
const BACKSLASH = 0x5c

/**
 * How far an answer has come, and the charge for what comes beyond its reservation: the server counts a long answer while
 * it is generated, and what it has counted is not there for others. The usage at its end corrects what was estimated here.
 */
export class StreamProgress {
  /** Pieces of content: a lower bound of the output tokens. */
  pieces = 0
  readonly #attempt: Attempt
  /** No answer is longer. */
  readonly #most: number
  #tokens = 0
  /** The number of tokens at which it is charged anew. */
  #nextAt: number

  constructor(attempt: Attempt) {
    const { maxOutputTokens = Infinity, choices = 1 } = attempt.job.request
    this.#attempt = attempt
    this.#most = maxOutputTokens * choices
    this.#nextAt = nextStep(chargedBy(attempt.reservation).outputTokens)
  }

  /** Takes in the data of one event that holds a piece of content. */
  add(data: string): void {
    this.pieces++
    this.#tokens += Math.max(1, tokensIn(data))
    if (this.#tokens < this.#nextAt) return
    const tokens = Math.floor(Math.min(this.#tokens, this.#most))
    this.#nextAt = nextStep(this.#tokens)
    this.#attempt.grew(tokens)
  }
}

function nextStep(tokens: number): number {
  return tokens + Math.max(MIN_STEP_TOKENS, STEP_SHARE * tokens)
}

/**
 * About how many tokens the pieces of content in `text` are, at least. Found and not parsed: that is done for every event
 * of every stream. A text ends at its first quotation mark, be it escaped: that makes it shorter, never longer.
 */
export function tokensIn(text: string): number {
  for (const field of text.includes('"response.') ? RESPONSES_FIELDS : FIELDS) {
    let tokens = 0
    for (let at = text.indexOf(field); at !== -1; at = text.indexOf(field, at)) {
      at += field.length
      if (text[at] === ' ') at++
      if (text[at] !== '"') continue
      const end = text.indexOf('"', ++at)
      if (end === -1) break
      if (end > at) tokens += (end - at) / charactersAToken(text, at)
      at = end
    }
    if (tokens > 0) return tokens
  }
  return 0
}

function charactersAToken(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first >= FIRST_WIDE) return WIDE_CHARACTERS_A_TOKEN
  return first === BACKSLASH && text[at + 1] === 'u' ? ESCAPED_CHARACTERS_A_TOKEN : CHARACTERS_A_TOKEN
}
