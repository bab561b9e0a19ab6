import { onAbort } from '../../abort-signals.js'
import { headgateErrorOf, isHeadgateError } from '../../errors.js'
import type { Limiter } from '../../limiter.js'
import { errorCode } from '../../system-errors.js'
import { hint, withSettings } from '../../transport/hints.js'
import type { LineRequest } from '../file/request-line.js'
import { answered, unanswered, type LineResult } from '../file/batch-record.js'

/** Where lines are sent, and how. */
export interface Service {
  readonly limiter: Limiter
  /** Without a slash at its end. */
  readonly baseURL: string
  readonly apiKey: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly tenant: string | undefined
  readonly timeoutMs: number
  readonly maxAttempts: number
  readonly fetch: typeof globalThis.fetch
}

/** Why no more lines are sent: all to come would fail. */
export interface Halt {
  /** `unreachable`: many lines in a row had no answer at all. */
  readonly why: 'quota' | 'unauthorized' | 'unreachable'
  /** What the service says; where it is unreachable, what the last line failed with. */
  readonly message: string
  /** How many lines in a row had no answer, where it is unreachable. */
  readonly lines?: number | undefined
  /** When the quota comes back, where that is known. */
  readonly resetAt?: Date | undefined
}

/** What came of sending a line; undefined: it was not sent, or not for good, and is to be sent when the run is resumed. */
export type Sent = { readonly result: LineResult } | { readonly halt: Halt } | undefined

/** Shorter ones are no keys, and stand in texts by chance. */
const MIN_KEY = 8
/** Statuses that a used-up quota is answered with. */
const MAY_BE_QUOTA: ReadonlySet<number> = new Set([400, 402, 403, 429])

/** One line on its way. It is in flight while an attempt of it is with the service; before and between it waits. */
export class Flight {
  readonly #controller = new AbortController()
  readonly #forget: (() => void) | undefined
  readonly #changed: (by: 1 | -1) => void
  #isInFlight = false
  #isToStop = false

  /** `changed`: told when it gets in flight, and when it is no more. */
  constructor(signal: AbortSignal | undefined, changed: (by: 1 | -1) => void) {
    this.#changed = changed
    if (signal !== undefined) this.#forget = onAbort(signal, () => this.abort())
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Takes it back if it waits; what is in flight ends as it will, and is not repeated. */
  stop(): void {
    this.#isToStop = true
    if (!this.#isInFlight) this.abort()
  }

  /** Takes it back, and breaks it off if it is in flight. */
  abort(): void {
    this.#controller.abort()
  }

  /** `fetch`, watched. */
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

  /** A refusal that is repeated waits again; of a final one, the body is still to be read. */
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

/** Sends one line when its limits allow it. */
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

/** What each request to a service is sent with. */
export function headersOf({ apiKey }: Service, headers: Readonly<Record<string, string>>): Record<string, string> {
  const ours = { 'content-type': 'application/json', accept: 'application/json', ...headers }
  return apiKey === undefined ? ours : { ...ours, authorization: `Bearer ${apiKey}` }
}

/** A quota that is used up, or a key that is not known, would fail every line to come. */
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
  // Of a host with several addresses the cause has a code alone.
  const why = cause instanceof Error ? `${message}: ${cause.message || errorCode(cause)}` : message
  const code = isTimeout ? 'timeout' : (headgateErrorOf(error)?.code ?? 'connection_failed')
  return unanswered(request, code, redacted(why, service))
}

/** Services repeat a key that they do not know, and so do errors of `fetch`. */
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
