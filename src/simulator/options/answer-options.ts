import type { AnswerScript } from '../answers/answer.js'
import type { ServiceName } from '../errors/dialect.js'
import type { ErrorShape } from '../errors/throttling.js'
import type { FaultScript, OtherFaultScript } from '../faults/faults.js'
import type { FaultRates } from '../faults/fault-rates.js'

/** How long answers take. All defaults are guesses. */
export interface Latency {
  /** The time from admission to the first token, in milliseconds. @default 20 */
  readonly firstTokenMs?: number
  /** The time from one token to the next, in milliseconds. @default 0.2 */
  readonly perTokenMs?: number
  /**
   * How much both times vary from request to request, from 0 to 1. At 0.1 they are drawn between 90 % and 110 %.
   * @default 0.1
   */
  readonly jitter?: number
}

/** The options of responses: their contents, their speed, their faults and the form of their errors. */
export interface AnswerOptions {
  /**
   * The longest output of an answer in tokens. A request may ask for less, but not for more. A request that does not
   * name a limit reserves this. A guess: the documented values differ between models. @default 8192
   */
  readonly maxOutputTokens?: number
  /** The mean length of drawn answers, in tokens (a guess). @default 120 */
  readonly meanOutputTokens?: number
  /** The mean length of drawn thinking, in tokens, for requests that think (a guess). @default 200 */
  readonly meanThinkingTokens?: number
  /**
   * Whether a model thinks if the request does not say so. A request says it with `enable_thinking` or
   * `reasoning_effort`. Documented: some models always think. A guess: their names show it.
   *
   * @default models whose name begins with qwq or qvq, or contains -r1 or -thinking
   */
  readonly thinks?: (model: string) => boolean
  /**
   * Whether thinking is sent, as `reasoning_content`. It counts as output in any case. Both are documented. @default
   * true
   */
  readonly showsReasoning?: boolean
  /**
   * The probability, from 0 to 1, of a tool call when a request has tools and leaves the choice to the model (a guess).
   * After a tool's result the model calls none. @default 1
   */
  readonly toolCallRate?: number
  /** The tokens of one chunk of a stream (a guess). The first chunk always has one. @default 8 */
  readonly chunkTokens?: number
  /** Returns the model's answers. @default words, in a number drawn around `meanOutputTokens` */
  readonly answer?: AnswerScript
  /**
   * Counts the tokens of a text. A fraction is rounded up.
   *
   * The default is a guess that is about right for English. A chat completion or a Responses request counts 10 tokens
   * more for the frame around its messages. That number was measured from the service's chat template and is not
   * documented.
   *
   * @default UTF-8 bytes / 4, rounded up
   */
  readonly countTokens?: (text: string) => number
  /**
   * The tokens of each image in a message. Documented: height · width / 32² + 2, in pixels, with 28² for older models.
   * A guess: all images count the same. @default 1026, an image of 1024 × 1024 pixels
   */
  readonly imageTokens?: number
  /** The largest `n` of a request: how many answers it may ask for (a guess). @default 4 */
  readonly maxChoices?: number
  /**
   * The length of a vector if the request has no `dimensions`. Documented for v3 and v4, a guess for other models.
   * @default 1024
   */
  readonly embeddingDimensions?: number
  /** The most texts of one embeddings request (documented). @default 10 */
  readonly embeddingTexts?: number
  /** The most tokens of one text of an embeddings request (documented). @default 8192 */
  readonly embeddingTokens?: number
  /** How long answers take. @default see {@link Latency} */
  readonly latency?: Latency
  /** Decides which requests fail, and how. @default none */
  readonly fail?: FaultScript
  /**
   * How often requests fail that `fail` leaves alone. The errors are those that the `service` is known to send.
   * @default none
   */
  readonly faultRates?: FaultRates
  /** Decides which requests to models, files, batches, quotas and deployments get another status. @default none */
  readonly failOthers?: OtherFaultScript
  /**
   * The service whose paths, headers and error bodies the simulator uses. Each service documents them. @default
   * 'model-studio'
   */
  readonly service?: ServiceName
  /**
   * The form of the body of Model Studio's 429. Users saw all of these forms. Each has its most frequent wording.
   *
   * `'seeded'` draws a form for each refusal, and one of all wordings that are documented or that users saw. @default
   * 'openai'
   */
  readonly errorShape?: ErrorShape | 'seeded'
  /**
   * Whether responses carry OpenAI's headers `x-ratelimit-limit-`, `-remaining-` and `-reset-`, for requests and for
   * tokens. No user saw Model Studio send them. @default false
   */
  readonly rateLimitHeaders?: boolean
  /**
   * Whether a 429 says how long the client must wait until all limits have room.
   *
   * - `'seconds'`: `Retry-After` in seconds.
   * - `'date'`: `Retry-After` as a date.
   * - `'milliseconds'`: `Retry-After` in seconds, and `retry-after-ms`.
   *
   * The header is missing if the wait is unknown: after a surge, and when only `concurrency` refuses the request. No
   * user saw Model Studio send it. @default 'off'
   */
  readonly retryAfter?: 'off' | 'seconds' | 'date' | 'milliseconds'
}
