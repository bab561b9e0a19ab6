import { errorBody, isOwnError, type HeadgateError, type HeadgateErrorCode, type RefusalTimes } from '../errors.js'
import { RebuiltResponse } from './rebuilt-response.js'

/** Tells the `openai` client not to retry: the limiter has retried as often as the client allows. */
const NO_RETRY: readonly [name: string, value: string] = ['x-should-retry', 'false']

/** `response`, unread, as one that the client does not retry. */
export function withoutRetry(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set(...NO_RETRY)
  return new RebuiltResponse(response, response.body, headers)
}

const STATUS: Readonly<Partial<Record<HeadgateErrorCode, number>>> = {
  queue_full: 429,
  deadline_impossible: 429,
  quota_exhausted: 429,
  request_too_large: 400,
  invalid_request: 400,
  invalid_limits: 400,
}

/** The longest `Retry-After`, in ms: a day. A client that asks sooner than necessary does no harm. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000

/**
 * The limiter's own refusal in the words of the service, so that an SDK raises its own class of error with our `code`.
 * Undefined for an error that has no status: that one is thrown.
 */
export function refusalResponse(error: unknown): Response | undefined {
  if (!isOwnError(error)) return undefined
  const status = STATUS[error.code]
  if (status === undefined) return undefined
  const headers = new Headers([['content-type', 'application/json'], [...NO_RETRY], ...retryAfter(error)])
  return new Response(JSON.stringify({ error: errorBody(error) }), { status, headers })
}

/** When the same request may succeed, where that is known. A client that retries in spite of {@link NO_RETRY} waits until then. */
function retryAfter(error: HeadgateError): [name: string, value: string][] {
  const { predictedWaitMs, resetAt } = error as RefusalTimes
  const waitMs = predictedWaitMs ?? (resetAt && resetAt.getTime() - Date.now())
  if (waitMs === undefined || !(waitMs > 0 && waitMs < Infinity)) return []
  const boundedMs = Math.min(Math.ceil(waitMs), MAX_RETRY_AFTER_MS)
  return [
    ['retry-after', String(Math.ceil(boundedMs / 1000))],
    ['retry-after-ms', String(boundedMs)],
  ]
}
