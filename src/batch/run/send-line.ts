import { onAbort } from '../../abort-signals.js'
import { headgateErrorOf, isHeadgateError } from '../../errors.js'
import type { Limiter } from '../../limiter.js'
import { errorCode } from '../../system-errors.js'
import { hint, withSettings } from '../../transport/hints.js'
import type { LineRequest } from '../file/request-line.js'
import { answered, unanswered, type LineResult } from '../file/batch-record.js'

/** The service that receives the lines, and the settings of each request. */
export interface Service {
  readonly limiter: Limiter
  /** The base URL, without a trailing slash. */
  readonly baseURL: string
  readonly apiKey: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly tenant: string | undefined
  readonly timeoutMs: number
  readonly maxAttempts: number
  readonly fetch: typeof globalThis.fetch
}

/** The reason to stop a run because every further line would fail. */
export interface Halt {
  /** `quota`: the quota is exhausted. `unauthorized`: the key is invalid. `unreachable`: too many lines in a row got no answer. */
  readonly why: 'quota' | 'unauthorized' | 'unreachable'
  /** The message of the service. For `unreachable`: the error of the last line. */
  readonly message: string
  /** For `unreachable`: the number of lines in a row without an answer. */
  readonly lines?: number | undefined
  /** For `quota`: the time of the quota's reset, if the service names one. */
  readonly resetAt?: Date | undefined
}

/** The outcome of sending a line. Undefined: the line has no final answer, and a resumed run sends it again. */
export type Sent = { readonly result: LineResult } | { readonly halt: Halt } | undefined

/**
 * Minimum length of an API key that is redacted, in characters. Chosen.
 * A smaller value redacts words that equal a short key by chance. A larger value leaves real keys in messages.
 */
const MIN_KEY = 8
/** The statuses of an answer that may mean an exhausted quota. */
const MAY_BE_QUOTA: ReadonlySet<number> = new Set([400, 402, 403, 429])

/** One line in progress. It is in flight during an attempt. Before and between attempts it is waiting. */
export class Flight {
  readonly #controller = new AbortController()
  readonly #forget: (() => void) | undefined
  readonly #changed: (by: 1 | -1) => void
  #isInFlight = false
  #isToStop = false

  /** `changed` is called with 1 when the line becomes in flight, and with -1 when it leaves that state. */
  constructor(signal: AbortSignal | undefined, changed: (by: 1 | -1) => void) {
    this.#changed = changed
    if (signal !== undefined) this.#forget = onAbort(signal, () => this.abort())
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Withdraws a waiting line. An attempt in flight runs to its end and is not retried. */
  stop(): void {
    this.#isToStop = true
    if (!this.#isInFlight) this.abort()
  }

  /** Withdraws a waiting line, and aborts an attempt in flight. */
  abort(): void {
    this.#controller.abort()
  }

  /** Returns a `fetch` that keeps the state of this line up to date. */
  watched(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (input, init) => {
      this.#set(true)
      try {
        const response = await fetch(input, init)
        if (!response.ok) this.#answeredBadly(response.status)
        return response
      } catch (error) {
        this.#set(false)
        if (this.#isToStop) this.abort()
        throw error
      }
    }
  }

  ended(): void {
    this.#set(false)
    this.#forget?.()
  }

  /** A line whose status can be retried waits again. After a final status, the line is in flight until its body is read. */
  #answeredBadly(status: number): void {
    const mayBeRepeated = status === 429 || status === 408 || status === 409 || status >= 500
    if (!mayBeRepeated) return
    this.#set(false)
    if (this.#isToStop) this.abort()
  }

  #set(isInFlight: boolean): void {
    if (this.#isInFlight === isInFlight) return
    this.#isInFlight = isInFlight
    this.#changed(isInFlight ? 1 : -1)
  }
}

/** Sends one line as soon as its limits allow it. */
export async function sendLine(request: LineRequest, flight: Flight, service: Service): Promise<Sent> {
  const { limiter, baseURL, headers, tenant, timeoutMs, maxAttempts } = service
  const init: RequestInit = {
    method: 'POST',
    headers: headersOf(service, headers),
    body: request.text,
    signal: flight.signal,
    ...(tenant !== undefined && hint({ tenant })),
  }
  const settings = { fetch: flight.watched(service.fetch), timeoutMs, maxRetries: maxAttempts - 1, coversBody: true }
  try {
    const response = await limiter.fetch(baseURL + request.path, withSettings(init, settings))
    const text = await response.text()
    const { status } = response
    const body = bodyOf(response.ok ? text : redacted(text, service))
    const result = answered(request, { status, requestId: response.headers.get('x-request-id') ?? idIn(body), body })
    const halt = haltOf(request, result, status, service)
    return halt === undefined ? { result } : { halt }
  } catch (error) {
    if (flight.signal.aborted || isHeadgateError(error, 'limiter_closed')) return undefined
    return { result: failed(request, error, service) }
  } finally {
    flight.ended()
  }
}

/** Returns the headers of each request to a service. */
export function headersOf({ apiKey }: Service, headers: Readonly<Record<string, string>>): Record<string, string> {
  const ours = { 'content-type': 'application/json', accept: 'application/json', ...headers }
  return apiKey === undefined ? ours : { ...ours, authorization: `Bearer ${apiKey}` }
}

/** Returns the reason to stop if every further line would fail: an exhausted quota or an invalid key. */
function haltOf(request: LineRequest, { record }: LineResult, status: number, service: Service): Halt | undefined {
  const message = record.error?.message ?? ''
  if (status === 401) return { why: 'unauthorized', message }
  if (!MAY_BE_QUOTA.has(status)) return undefined
  try {
    service.limiter.predict({ model: request.model })
    return undefined
  } catch (error) {
    const exhausted = headgateErrorOf(error, 'quota_exhausted')
    if (exhausted === undefined) return undefined
    return { why: 'quota', message: redacted(exhausted.message, service), resetAt: exhausted.resetAt }
  }
}

function failed(request: LineRequest, error: unknown, service: Service): LineResult {
  const { name, message, cause } = error as Error
  const isTimeout = name === 'TimeoutError'
  // For a host with several addresses, the cause has a code and no message.
  const why = cause instanceof Error ? `${message}: ${cause.message || errorCode(cause)}` : message
  const code = isTimeout ? 'timeout' : (headgateErrorOf(error)?.code ?? 'connection_failed')
  return unanswered(request, code, redacted(why, service))
}

/** Returns `text` without the API key. Services and `fetch` may quote an invalid key in their messages. */
export function redacted(text: string, { apiKey }: Service): string {
  return apiKey === undefined || apiKey.length < MIN_KEY ? text : text.replaceAll(apiKey, '[key]')
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function idIn(body: unknown): string | null {
  const { request_id: requestId, id } = (body ?? {}) as { request_id?: unknown; id?: unknown }
  return typeof requestId === 'string' ? requestId : typeof id === 'string' ? id : null
}
