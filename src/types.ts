/**
 * The limits of one model. A limit that is left out or Infinity does not bind. If `rps` or `tps` is left out, it is
 * derived from the limit per minute (RPS = RPM/60, TPS = TPM/60), unless `perSecond` is false.
 */
export interface Limits {
  /** Requests per minute. */
  readonly rpm?: number
  /** Input and output tokens per minute. */
  readonly tpm?: number
  /** Requests per second. */
  readonly rps?: number
  /** Input and output tokens per second. */
  readonly tps?: number
  /** Input tokens per minute. */
  readonly inputTpm?: number
  /** Output tokens per minute, thinking included. */
  readonly outputTpm?: number
  /** Thinking (reasoning) tokens per minute. */
  readonly thinkingTpm?: number
  /** Requests in flight at the same time. */
  readonly concurrency?: number
}

/** One row of a limits table: the limits of a model and their source. */
export interface LimitsRow extends Limits {
  /** The document that the limits were read from. */
  readonly source?: string
  /** The region of the limits, as the vendor spells it. */
  readonly region?: string
  /** The date of the document: a day, a month or a year, ISO 8601. */
  readonly date?: string
  /**
   * For provisioned throughput: the model whose limits apply to the requests that exceed this row's. The service then
   * counts such requests against those limits and does not refuse them.
   *
   * An empty text means that the model is not known yet. The row must have the field before the model's first request.
   */
  readonly overflowsTo?: string
  /**
   * With `overflowsTo`: the most input tokens that a request under these limits may have. A larger request goes by the
   * limits of `overflowsTo` at once. @default Infinity
   */
  readonly maxInputTokens?: number
}

/** Limits by exact model name. */
export type LimitsTable = Readonly<Record<string, LimitsRow>>

/** A source of limits that may change while the program runs. */
export interface LimitsSource {
  /** The current table. The limiter reads it often, so it must return at once. */
  current(): LimitsTable
  /** Calls `listener` after each change of the table. Returns a function that ends the subscription. */
  subscribe(listener: () => void): () => void
  /**
   * Starts what the source does by itself, such as reading its table again and again. The limiter calls it once, after
   * `subscribe`.
   *
   * It returns a function that ends all of this; the limiter calls that one when it is closed. Afterwards no timer and
   * no request of the source may be left.
   */
  attach?(host: LimitsHost): () => void
  /**
   * Reports that the service answered a request to `model` with a 429 for requests or tokens, although the table
   * allowed the request. The table may be out of date. The limiter calls it while it handles the request, so the source
   * must not do long work in it.
   */
  refused?(model: string, kind: 'requests' | 'tokens'): void
}

/** The clock and the warnings of a limiter, which a source of limits receives in `attach`. */
export interface LimitsHost {
  /** The time of the limiter's clock, in monotonic ms. */
  now(): number
  /**
   * Calls `callback` once after `delayMs` ms of the limiter's clock. Returns a function that cancels the call. The
   * timer does not keep the process alive.
   */
  wakeIn(delayMs: number, callback: () => void): () => void
  /** Emits a `warning` event of the limiter. */
  warn(message: string, cause?: unknown): void
}

/** The tokens that a request used. */
export interface Usage {
  readonly inputTokens: number
  /** Output tokens, thinking included. */
  readonly outputTokens: number
  /** The part of `outputTokens` that was thinking. Left out if the service does not report it. */
  readonly thinkingTokens?: number
}

/** The charge of a request. All values are integers ≥ 0. */
export interface Cost {
  readonly requests: number
  readonly inputTokens: number
  /** The expected output tokens, thinking included. */
  readonly outputTokens: number
  readonly thinkingTokens: number
  /**
   * The part of `outputTokens` that is known when the request is sent. It counts with the request, whenever the service
   * counts output.
   * @default 0
   */
  readonly knownOutputTokens?: number
}

/** The kinds of endpoints whose requests are metered. */
export type Route = 'chat' | 'completions' | 'embeddings' | 'responses'

/** The class of a 429 of the service; see `throttling/classify.ts`. */
export type ThrottleClass = 'requests' | 'tokens' | 'surge' | 'capacity' | 'exhausted' | 'billing'

/**
 * How a service counts requests and tokens against a limit:
 *
 * - `'fixed'`: in windows that follow one another
 * - `'sliding'`: in a window that ends at the request
 * - `'bucket'`: in a token bucket that holds the quota of a full window
 * - `'counter'`: in a sliding counter, as many gateways do. It counts the current fixed window in full. It also counts
 *   the share of the previous fixed window that a sliding window would still cover.
 * - `'unknown'`: not known
 */
export type WindowKind = 'unknown' | 'fixed' | 'sliding' | 'bucket' | 'counter'

/** When a service counts the output tokens of a request; see {@link Profile.outputAccounting}. */
export type OutputAccounting = 'reserved' | 'generated' | 'completion'

/** How a service counts, and what its 429s mean. */
export interface Profile {
  readonly name: string
  /**
   * How the limits per minute are counted. For `'unknown'` the limiter paces requests so that every kind but
   * `'counter'` is satisfied.
   */
  readonly minuteWindow: WindowKind
  /** How the limits per second are counted; see {@link minuteWindow}. */
  readonly secondWindow: WindowKind
  /**
   * When the fixed windows of the service begin. `'clock'`: at the whole seconds and minutes of the service's clock.
   * The limiter learns that clock from answers that say when their request arrived, and then uses the whole quota of a
   * window. Other kinds of windows have no such beginning. @default not known
   */
  readonly windowPhase?: 'clock' | undefined
  /** Whether RPS = RPM/60 and TPS = TPM/60 hold too. The option `perSecond` overrides it. */
  readonly perSecond: boolean
  /** How many requests a refused request counts as: 0 if the service does not count it, 1 if it does. */
  readonly rejectedCost: 0 | 1
  /**
   * The meaning of a 429 with the code `insufficient_quota`: the tokens of this minute are used up, or the bill is not
   * paid.
   */
  readonly insufficientQuota: 'tokens' | 'billing'
  /**
   * When the service counts the output tokens of a request:
   *
   * - `'reserved'`: `max_tokens` with the request, corrected when the answer ends
   * - `'generated'`: as the tokens are written
   * - `'completion'`: when the answer ends
   * - `'learn'`: not known. The limiter charges the expected output with the request, until refusals show which of the
   *   three applies.
   *
   * Limits per second are counted in exactly this way. Limits per minute reserve the expected output until the answer
   * ends, and count the real output from then on. @default 'learn'
   */
  readonly outputAccounting?: OutputAccounting | 'learn' | undefined
}
