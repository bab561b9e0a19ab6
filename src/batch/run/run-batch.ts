import { InvalidRequest } from '../../errors.js'
import type { Limiter } from '../../limiter.js'
import { noCounts, type RunCounts } from './run-counts.js'
import { DoneIds } from '../file/done-ids.js'
import type { LineResult } from '../file/batch-record.js'
import { LineRunner, type Stop } from './line-runner.js'
import type { Service } from './send-line.js'

/** What all runs need to know. */
export interface RunOptions {
  /** Through whose `fetch` all goes. It stays the caller's own: it is not closed. */
  readonly limiter: Limiter
  /** @default Model Studio's in Singapore (international), 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1' */
  readonly baseURL?: string | undefined
  /** Sent as a bearer token. It stands in no result and no error. */
  readonly apiKey?: string | undefined
  /** Sent with each request, beside ours. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The model of lines that name none. */
  readonly model?: string | undefined
  /**
   * How many lines are on their way at once, those that wait for the limits among them. At least 1. Without it 256, doubled up
   * to 4,096 whenever all of them are at the service, so that slow answers leave no quota unused; give one where the limiter
   * has a `maxQueue` below that. @default as many as the quota needs
   */
  readonly concurrency?: number | undefined
  /** How often a line is sent at most, where the limiter has no `maxRetries` of its own. At least 1. @default 5 */
  readonly maxAttempts?: number | undefined
  /** Whose requests these are, where several tenants share a limiter. */
  readonly tenant?: string | undefined
  /** How long an answer may take once its request is sent, in ms. Node's own `fetch` gives up after 300,000. @default 300,000 */
  readonly timeoutMs?: number | undefined
  /** What sends. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Breaks the run off at once, what is in flight with it. */
  readonly signal?: AbortSignal | undefined
  /** Called once for each model, before its first request: the place to set its limits. */
  readonly onModel?: ((model: string) => void) | undefined
}

export interface BatchOptions extends RunOptions {
  /** Requests in the form of the Batch API, or plain `{ prompt }` or `{ messages }`; as objects or as lines of JSON. */
  readonly input: AsyncIterable<string | object> | Iterable<string | object>
}

/** What a run came to. */
export interface BatchSummary extends RunCounts {
  /** Why it ended before its input did; undefined where it did not. */
  readonly stop: Stop | undefined
  readonly durationMs: number
}

/** A run, as an async iterable of its results in the order in which they finish. */
export interface Batch extends AsyncIterable<LineResult> {
  /** Resolves when the last result was taken. @throws what ends the iteration, too */
  readonly summary: Promise<BatchSummary>
  readonly counts: RunCounts
  /** Sends no more lines; what is in flight still comes. */
  stop(): void
}

export const DEFAULT_BASE_URL = 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
const DEFAULT_ATTEMPTS = 5
const DEFAULT_TIMEOUT_MS = 300_000

/**
 * Sends what `input` gives, at the full quota of its models. Lines are read only as fast as they are sent and their results
 * taken, so that an input of any length does. A line that fails is a result too; nothing is thrown for it. Where many in a row,
 * 50 or more, have no answer at all, it stops. It begins when it is first iterated over, which can be done once; leaving the
 * loop stops it.
 *
 * ```ts
 * const batch = runBatch({ input, limiter, apiKey, model: 'qwen-plus' })
 * for await (const { ok, record } of batch) console.log(record.custom_id, ok)
 * const { succeeded, failed } = await batch.summary
 * ```
 *
 * @throws InvalidRequest for an option that is wrong; while it is iterated over, what `input` throws and the signal's reason
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
  // Whoever iterates is told, too.
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

/** A text is an iterable of its characters. */
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
  // What no header can hold, `fetch` would refuse in words that quote it.
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

/** Hands values over one by one: who gives one goes on when the one who took it comes for the next. */
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

  /** Nobody comes any more. */
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
