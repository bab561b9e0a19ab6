import { InvalidRequest } from '../../errors.js'
import type { Limiter } from '../../limiter.js'
import { noCounts, type RunCounts } from './run-counts.js'
import { DoneIds } from '../file/done-ids.js'
import type { LineResult } from '../file/batch-record.js'
import { LineRunner, type Stop } from './line-runner.js'
import type { Service } from './send-line.js'

/** Options of every run. */
export interface RunOptions {
  /** The limiter that sends every request. The run does not close it. */
  readonly limiter: Limiter
  /**
   * The base URL of the service. @default Model Studio in Singapore (international),
   * 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
   */
  readonly baseURL?: string | undefined
  /** The API key, sent as a bearer token. Results and errors never contain it. */
  readonly apiKey?: string | undefined
  /** Additional headers of each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The model for lines without a model. */
  readonly model?: string | undefined
  /**
   * Maximum number of lines in progress, including lines that wait for the limits. At least 1.
   *
   * Unless set, a run starts with 256. It doubles the number, up to 4,096, while nearly all lines are in flight. So slow
   * answers leave no quota unused. Set it if the limiter's `maxQueue` is below 4,096. @default adaptive, 256 to 4,096
   */
  readonly concurrency?: number | undefined
  /** Maximum number of attempts for each line. The limiter's own `maxRetries` takes precedence. At least 1. @default 5 */
  readonly maxAttempts?: number | undefined
  /** The tenant of these requests, where several tenants share a limiter. */
  readonly tenant?: string | undefined
  /**
   * Maximum time from sending a request to the end of its answer, in ms. Node's `fetch` has its own limit of 300,000.
   * @default 300,000
   */
  readonly timeoutMs?: number | undefined
  /** The function that sends each request. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Aborts the run and every request in flight. */
  readonly signal?: AbortSignal | undefined
  /** Called once for each model, before its first request. A caller can set the model's limits here. */
  readonly onModel?: ((model: string) => void) | undefined
}

export interface BatchOptions extends RunOptions {
  /** Requests as objects or as lines of JSON: in the Batch API format, or plain `{ prompt }` or `{ messages }`. */
  readonly input: AsyncIterable<string | object> | Iterable<string | object>
}

/** The final counts of a run, its duration, and the reason if it stopped early. */
export interface BatchSummary extends RunCounts {
  /** The reason why the run stopped early. Undefined if it finished its input. */
  readonly stop: Stop | undefined
  readonly durationMs: number
}

/** A run as an async iterable of its results, in the order in which they finish. */
export interface Batch extends AsyncIterable<LineResult> {
  /** Resolves when the caller has consumed the last result. @throws the error that ends the iteration */
  readonly summary: Promise<BatchSummary>
  readonly counts: RunCounts
  /** Sends no more lines. The iteration still yields the results of requests in flight. */
  stop(): void
}

export const DEFAULT_BASE_URL = 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
/** Attempts for each line. Chosen. A larger value delays the failure of a bad line. A smaller value fails lines in a short outage. */
const DEFAULT_ATTEMPTS = 5
/**
 * The service's documented limit for one answer (`RequestTimeOut`), in ms. A smaller value abandons slow answers. A larger
 * one exceeds Node's own limit.
 */
const DEFAULT_TIMEOUT_MS = 300_000

/**
 * Returns the results of all requests in `input`, sent at the full quota of their models.
 *
 * The run starts when the caller begins to iterate. It can be iterated over once. Leaving the loop stops it. It reads lines
 * only as fast as the caller consumes results, so the input may have any length.
 *
 * A failed line is a result and throws nothing. The run stops after many lines in a row without an answer, 50 or more.
 *
 * @example
 * ```ts
 * const batch = runBatch({ input, limiter, apiKey, model: 'qwen-plus' })
 * for await (const { ok, record } of batch) console.log(record.custom_id, ok)
 * const { succeeded, failed } = await batch.summary
 * ```
 *
 * @throws InvalidRequest for an invalid option. The iteration throws the errors of `input` and the signal's reason
 */
export function runBatch(options: BatchOptions): Batch {
  checkInput(options.input)
  const service = serviceOf(options)
  const counts = noCounts()
  const results = new Handover<LineResult>()
  const runner = new LineRunner({
    input: options.input,
    isNumbered: false,
    model: options.model,
    service,
    concurrency: concurrencyOf(options),
    ids: new DoneIds(),
    counts,
    signal: options.signal,
    onModel: options.onModel ?? (() => {}),
    deliver: (result) => results.give(result),
  })
  let tell!: (summary: BatchSummary | Promise<BatchSummary>) => void
  const summary = new Promise<BatchSummary>((resolve) => (tell = resolve))
  // The iteration throws the same error, so an unused summary must not raise an unhandled rejection.
  summary.catch(() => {})
  let isBegun = false
  async function* iterate(): AsyncGenerator<LineResult> {
    if (isBegun) throw new InvalidRequest('runBatch(…) can be iterated over once')
    isBegun = true
    const beganAt = performance.now()
    const running = runner.run().finally(() => results.end())
    const ended = running.then((stop) => ({ ...counts, stop, durationMs: performance.now() - beganAt }))
    tell(ended)
    try {
      yield* results
    } finally {
      runner.stop()
      results.discard()
      await ended
    }
  }
  return {
    [Symbol.asyncIterator]: iterate,
    summary,
    counts,
    stop: () => runner.stop(),
  }
}

/** Rejects anything but an iterable object. A string is an iterable too, but of its characters. */
function checkInput(input: unknown): void {
  const isIterable =
    typeof input === 'object' && input !== null && (Symbol.asyncIterator in input || Symbol.iterator in input)
  if (!isIterable) throw new InvalidRequest('input: give an iterable of requests, or of lines of JSON')
}

/** @throws InvalidRequest */
export function serviceOf(options: RunOptions): Service {
  const { limiter, baseURL = DEFAULT_BASE_URL, apiKey, maxAttempts = DEFAULT_ATTEMPTS } = options
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (typeof limiter?.fetch !== 'function') throw new InvalidRequest('limiter: give what createLimiter() returned')
  checkCount('maxAttempts', maxAttempts)
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31))
    throw new InvalidRequest(`timeoutMs is ${timeoutMs}: give milliseconds above 0`)
  // `fetch` rejects an invalid header value with an error that quotes it.
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new InvalidRequest('The API key is empty, or has blanks or other characters that no key has')
  }
  return {
    limiter,
    baseURL: checkedUrl(baseURL),
    apiKey,
    headers: options.headers ?? {},
    tenant: options.tenant,
    timeoutMs,
    maxAttempts,
    fetch: options.fetch ?? globalThis.fetch,
  }
}

/** @throws InvalidRequest */
export function concurrencyOf({ concurrency }: RunOptions): number | undefined {
  if (concurrency !== undefined) checkCount('concurrency', concurrency)
  return concurrency
}

/** @throws InvalidRequest */
export function checkCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return
  throw new InvalidRequest(`${name} is ${String(value)}: give a whole number, 1 or more`)
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidRequest(`The base URL '${text}' is none: give one such as ${DEFAULT_BASE_URL}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidRequest('The base URL has a user name or a password in it: give the key as the API key')
  }
  if (url.search !== '' || url.hash !== '') throw new InvalidRequest(`The base URL '${text}' may have no ? and no #`)
  return url.href.replace(/\/+$/, '')
}

/** Passes values from producers to one consumer. A producer continues when the consumer asks for the next value. */
class Handover<T> {
  #given: { readonly value: T; readonly taken: () => void }[] = []
  #wake: (() => void) | undefined
  #isOver = false
  #isDiscarding = false

  give(value: T): Promise<void> | void {
    if (this.#isDiscarding) return
    return new Promise((resolve) => {
      this.#given.push({ value, taken: resolve })
      this.#wake?.()
    })
  }

  end(): void {
    this.#isOver = true
    this.#wake?.()
  }

  /** The consumer has left: releases all producers and drops their values. */
  discard(): void {
    this.#isDiscarding = true
    for (const { taken } of this.#given.splice(0)) taken()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#given.shift()
      if (next !== undefined) {
        try {
          yield next.value
        } finally {
          next.taken()
        }
      } else if (this.#isOver) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
