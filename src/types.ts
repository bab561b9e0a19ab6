/**
 * The limits of one model. A limit left out, or Infinity, does not bind. `rps` and `tps` left out are derived from the
 * minute's (RPS = RPM/60, TPS = TPM/60) unless `perSecond: false` says otherwise.
 */
export interface Limits {
  /** Requests a minute. */
  readonly rpm?: number
  /** Input and output tokens a minute. */
  readonly tpm?: number
  /** Requests a second. */
  readonly rps?: number
  /** Input and output tokens a second. */
  readonly tps?: number
  /** Input tokens a minute. */
  readonly inputTpm?: number
  /** Output tokens a minute, thinking included. */
  readonly outputTpm?: number
  /** Thinking (reasoning) tokens a minute. */
  readonly thinkingTpm?: number
  /** Requests in flight at once. */
  readonly concurrency?: number
}

/** A row of a limits table: the limits and where they come from. */
export interface LimitsRow extends Limits {
  /** The document that the row was read from. */
  readonly source?: string
  /** The region whose row this is, as the vendor spells it. */
  readonly region?: string
  /** The day (or month) of the source, ISO 8601. */
  readonly date?: string
  /**
   * Provisioned throughput: the model whose limits hold for what exceeds these, which is not refused. An empty text: it may become
   * known later. What is to be known of it must be said before the model's first request.
   */
  readonly overflowsTo?: string
  /** With `overflowsTo`: the most input tokens of a request that these limits take. A longer one goes there at once. */
  readonly maxInputTokens?: number
}

/** Limits by exact model name. */
export type LimitsTable = Readonly<Record<string, LimitsRow>>

/** Limits that change while a program runs. */
export interface LimitsSource {
  /** The table in force now. */
  current(): LimitsTable
  /** Calls `listener` after each change; returns the way to stop that. */
  subscribe(listener: () => void): () => void
  /**
   * For a source that has something to do by itself, such as to read its table again and again. A limiter calls it once, after
   * `subscribe`, and what it returns when it is closed: from then on nothing may be left of what was begun for it.
   */
  attach?(host: LimitsHost): () => void
  /**
   * A request to `model` was refused with a 429 for a limit on requests or on tokens, which was to let it pass: the table may be out
   * of date. Called in the midst of a request: what takes long is to be begun only.
   */
  refused?(model: string, kind: 'requests' | 'tokens'): void
}

/** What a limiter gives a source of limits that is attached to it. */
export interface LimitsHost {
  /** The limiter's clock: monotonic ms. */
  now(): number
  /** Calls `callback` once after `delayMs`, by the limiter's clock; returns the way to stop that. It keeps no process alive. */
  wakeIn(delayMs: number, callback: () => void): () => void
  /** Makes a `warning` event of the limiter. */
  warn(message: string, cause?: unknown): void
}

/** What a request used, in tokens. */
export interface Usage {
  readonly inputTokens: number
  /** Thinking included. */
  readonly outputTokens: number
  /** The part of `outputTokens` that was thinking. */
  readonly thinkingTokens?: number
}

/** What a request is charged with. All are integers ≥ 0. */
export interface Cost {
  readonly requests: number
  readonly inputTokens: number
  /** Expected output, thinking included. */
  readonly outputTokens: number
  readonly thinkingTokens: number
  /**
   * The part of `outputTokens` that is known beforehand: it counts with the request, whenever the service counts what it
   * writes. @default 0
   */
  readonly knownOutputTokens?: number
}

/** The kinds of endpoint whose calls are metered. */
export type Route = 'chat' | 'completions' | 'embeddings' | 'responses'

/** The class of a refusal by the server; see `throttling/classify.ts`. */
export type ThrottleClass = 'requests' | 'tokens' | 'surge' | 'capacity' | 'exhausted' | 'billing'

/**
 * What is known of how a server counts: a full bucket, fixed or sliding windows, a sliding counter, or nothing. `'counter'`: the
 * current fixed window, and of the one before it the share that a sliding window would still hold, as many gateways count.
 */
export type WindowKind = 'unknown' | 'fixed' | 'sliding' | 'bucket' | 'counter'

/** When a service counts the tokens of an answer; see {@link Profile.outputAccounting}. */
export type OutputAccounting = 'reserved' | 'generated' | 'completion'

/** What is known of a service: how it counts and what its refusals mean. */
export interface Profile {
  readonly name: string
  /** How the limits a minute are counted. `'unknown'`: paced so that any of the kinds but `'counter'` is satisfied. */
  readonly minuteWindow: WindowKind
  /** How the limits a second are counted. */
  readonly secondWindow: WindowKind
  /**
   * When fixed windows begin: `'clock'`: at whole seconds and minutes of the service's own clock, which then is learned from what
   * answers say of when their requests arrived, so that a window's whole quota can be used. Windows of other kinds have no phase.
   * Left out: not known.
   */
  readonly windowPhase?: 'clock' | undefined
  /** Whether RPS = RPM/60 and TPS = TPM/60 hold too; the option `perSecond` overrides it. */
  readonly perSecond: boolean
  /** What a refused request costs: 0 if refusals are not counted, 1 if they count as a request. */
  readonly rejectedCost: 0 | 1
  /** What a 429 with the code `insufficient_quota` means: this minute's tokens are used up, or the bill is not paid. */
  readonly insufficientQuota: 'tokens' | 'billing'
  /**
   * When the tokens of an answer count: `'reserved'`: `max_tokens` with the request, corrected at the end; `'generated'`: as they
   * are written; `'completion'`: when the answer ends. Limits a second are held just so, those a minute reserve what is expected
   * until the answer is there, and from then on count it. `'learn'`: what is expected is charged with the request, until refusals
   * show which of the three it is. @default 'learn'
   */
  readonly outputAccounting?: OutputAccounting | 'learn' | undefined
}
