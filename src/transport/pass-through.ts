import { abortableSleep } from '../abort-signals.js'
import { classify, type Verdict } from '../throttling/classify.js'
import { profiles } from '../throttling/profiles.js'
import { backoffMs } from '../throttling/backoff.js'
import { timeoutError } from './attempt-timeout.js'
import { withoutHints } from './hints.js'
import { RebuiltResponse } from './rebuilt-response.js'
import { withoutRetry } from './refusal-response.js'
import type { SendOptions } from './send.js'

export interface PassThroughOptions extends SendOptions {
  /** How often a call is repeated, in place of the wrapped client. 0 without a client. */
  readonly maxRetries: number
  /** Whether the client itself repeats a call that gets no answer. */
  readonly callerRetries: boolean
  readonly random: () => number
  readonly onRetry: () => void
}

/**
 * Sends a call that is not metered, without our hints. The wrapped client's timeout and retries hold.
 */
export async function passThrough(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  options: PassThroughOptions,
): Promise<Response> {
  const sent = withoutHints(input, init)
  const caller = sent.signal ?? (input instanceof Request ? input.signal : undefined)
  const maxRetries = isRepeatable(input, sent) ? options.maxRetries : 0
  for (let retry = 0; ; retry++) {
    const isLast = retry >= maxRetries
    let adviceMs: number | undefined
    try {
      const response = await passOnce(input, sent, caller, options)
      const verdict = response.ok ? undefined : verdictOf(response)
      if (verdict?.kind !== 'transient' && verdict?.kind !== 'throttled') return response
      if (isLast) return options.maxRetries === 0 ? response : withoutRetry(response)
      adviceMs = verdict.retryAfterMs
      await response.body?.cancel()
    } catch (error) {
      if (isLast || options.callerRetries || caller?.aborted === true) throw error
    }
    options.onRetry()
    await abortableSleep(options.clock, backoffMs(retry, adviceMs, options.random), caller)
  }
}

async function passOnce(
  input: RequestInfo | URL,
  sent: RequestInit,
  caller: AbortSignal | undefined,
  { clock, fetch, timeoutMs, coversBody }: PassThroughOptions,
): Promise<Response> {
  if (timeoutMs === undefined) return fetch(input, sent)
  const controller = new AbortController()
  const timer = clock.setTimeout(() => controller.abort(timeoutError(timeoutMs)), timeoutMs)
  try {
    // The caller's signal still covers the body after the timer is cleared.
    const signal = caller ? AbortSignal.any([caller, controller.signal]) : controller.signal
    const response = await fetch(input, { ...sent, signal })
    if (!coversBody || !isJson(response)) return response
    // JSON is short enough to be read here, within the rest of the timeout.
    return new RebuiltResponse(response, response.body === null ? null : await response.arrayBuffer())
  } finally {
    clock.clearTimeout(timer)
  }
}

function isJson({ headers }: Response): boolean {
  return headers.get('content-type')?.toLowerCase().includes('json') === true
}

/** Reads the status and headers alone: the body is the caller's, and profiles differ only in how they read bodies. */
function verdictOf({ status, headers }: Response): Verdict {
  return classify({ status, headers, body: undefined }, profiles['model-studio'])
}

/** Whether its body can be sent twice. */
function isRepeatable(input: RequestInfo | URL, { body }: RequestInit): boolean {
  if (input instanceof Request && input.body !== null) return false
  return typeof body !== 'object' || body === null || !(body instanceof ReadableStream || Symbol.asyncIterator in body)
}
