import type { AnswerScript } from '../answers/answer.js'
import type { ServiceName } from '../errors/dialect.js'
import type { ErrorShape } from '../errors/throttling.js'
import type { FaultScript, OtherFaultScript } from '../faults/faults.js'
import type { FaultRates } from '../faults/fault-rates.js'

/** How long answers take (all of it a guess). */
export interface Latency {
  /** From the admission to the first token, in milliseconds (a guess). @default 20 */
  readonly firstTokenMs?: number
  /** From one token to the next, in milliseconds (a guess). @default 0.2 */
  readonly perTokenMs?: number
  /**
   * The part by which both vary from request to request (a guess), at most 1: 0.1 draws between 90 % and 110 %. @default 0.1
   */
  readonly jitter?: number
}

/** What is answered, how fast, and in whose words. */
export interface AnswerOptions {
  /**
   * The longest output in tokens, whatever a request asks for; what is reserved for one that does not say. A guess: the
   * documented ones differ from model to model. @default 8192
   */
  readonly maxOutputTokens?: number
  /** The mean length of drawn answers, in tokens (a guess). @default 120 */
  readonly meanOutputTokens?: number
  /** The mean length of drawn thinking, in tokens, where a request thinks (a guess). @default 200 */
  readonly meanThinkingTokens?: number
  /**
   * Whether a model thinks where the request does not say (`enable_thinking`, or a `reasoning_effort` other than none).
   * That some always do is documented, that their names tell is a guess. @default those named qwq, qvq, -r1 or -thinking
   */
  readonly thinks?: (model: string) => boolean
  /** Whether thinking is shown, as `reasoning_content`; it counts as output either way (both documented). @default true */
  readonly showsReasoning?: boolean
  /**
   * How often a model that is given tools, and is free to, calls one, from 0 to 1 (a guess); never right after a result.
   * @default 1
   */
  readonly toolCallRate?: number
  /** Tokens in one chunk of a stream (a guess); the first chunk has one. @default 8 */
  readonly chunkTokens?: number
  /** What the model says. @default words, of a length drawn around `meanOutputTokens` */
  readonly answer?: AnswerScript
  /**
   * Counts the tokens of a text (a guess: about right for English). A chat or a response counts 10 more for the frame around
   * its messages, which was measured of the vendor's template and is not documented. @default UTF-8 bytes / 4, rounded up
   */
  readonly countTokens?: (text: string) => number
  /**
   * What each image of a message counts, in tokens (documented: height · width / 32² + 2 of its pixels, 28² for older
   * models; that all count the same is a guess). @default 1026, an image of 1024 × 1024
   */
  readonly imageTokens?: number
  /** The most answers of one request, its `n` (a guess). @default 4 */
  readonly maxChoices?: number
  /** The length of an embedding where the request has no `dimensions` (a guess for models but v3 and v4). @default 1024 */
  readonly embeddingDimensions?: number
  /** The most texts of one request for embeddings (documented). @default 10 */
  readonly embeddingTexts?: number
  /** The most tokens of one text to embed (documented). @default 8192 */
  readonly embeddingTokens?: number
  /** How long answers take. */
  readonly latency?: Latency
  /** Which requests go wrong, and how. */
  readonly fail?: FaultScript
  /** How often requests go wrong that `fail` leaves alone; what they are answered are errors of `service` that were seen. */
  readonly faultRates?: FaultRates
  /** Which requests to models, files, batches, quotas and deployments are answered with another status. */
  readonly failOthers?: OtherFaultScript
  /** Whose error bodies and headers these are, and whose paths (documented by each). @default 'model-studio' */
  readonly service?: ServiceName
  /**
   * The form of the body of a 429 of Model Studio (all were seen), in its most usual wording; `'seeded'` draws for each
   * refusal a form, and one of all the wordings that are documented or were seen. @default 'openai'
   */
  readonly errorShape?: ErrorShape | 'seeded'
  /**
   * Whether answers carry OpenAI's headers `x-ratelimit-limit-`, `-remaining-` and `-reset-`, each for requests and tokens.
   * Model Studio was not seen to send them. @default false
   */
  readonly rateLimitHeaders?: boolean
  /**
   * Whether a 429 says when there will be room under all limits that it names or not: `Retry-After` in seconds, as a date, or
   * in seconds with `retry-after-ms` beside it. It is left out where nobody knows: after a surge, and where only a place in
   * flight is missing. Model Studio was not seen to send it. @default 'off'
   */
  readonly retryAfter?: 'off' | 'seconds' | 'date' | 'milliseconds'
}
