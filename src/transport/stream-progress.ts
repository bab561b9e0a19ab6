import type { Attempt } from '../dispatch/attempt.js'
import { chargedBy } from '../quota/reservation.js'

/** The charge is raised when the answer outgrows it by this share, and by at least this number of tokens. Chosen. */
const MIN_STEP_TOKENS = 64
const STEP_SHARE = 0.25

/** The fields that hold the text of an answer: `content` and `reasoning_content`, a completion's `text`, a tool's `arguments`. */
const FIELDS = ['content":', 'text":', 'arguments":'] as const
/** The field of the Responses API. Its other events repeat the whole text. */
const RESPONSES_FIELDS = ['delta":'] as const

/** Characters per token, chosen on the high side: the estimate must not exceed the real number of tokens. */
const CHARACTERS_A_TOKEN = 5
const WIDE_CHARACTERS_A_TOKEN = 2
const ESCAPED_CHARACTERS_A_TOKEN = 12
/** The first code unit of the CJK scripts, whose characters carry more tokens each. */
const FIRST_WIDE = 0x2e80
const BACKSLASH = 0x5c

/**
 * Estimates how many tokens a stream has brought so far, and raises its charge when they exceed the reservation. The server
 * counts a long answer while it generates it. The usage at the end of the stream corrects the estimate.
 */
export class StreamProgress {
  /** The number of pieces of content: a lower bound of the output tokens. */
  pieces = 0
  readonly #attempt: Attempt
  /** The most tokens that the request allows. */
  readonly #most: number
  #tokens = 0
  /** The number of tokens at which the charge is raised next. */
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
 * A low estimate of the tokens in the content of `text`. Searches the fields instead of parsing JSON, because this runs for
 * every event of every stream. A field ends at its first quotation mark, escaped or not, which only makes it shorter.
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
