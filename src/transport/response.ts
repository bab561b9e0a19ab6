import { errorBody, isOwnError, type HeadgateError, type HeadgateErrorCode, type RefusalTimes } from '../errors.js'

/**
 * `response` with another body. What a constructed `Response` cannot have of its own, and a clone of it would lose, it
 * keeps of the old one.
 */
export function rebuilt(
  response: Response,
  body: BodyInit | null,
  extraHeaders?: Readonly<Record<string, string>>,
): Response {
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(extraHeaders ?? {})) headers.set(name, value)
  // Some gateways answer with a status that a `Response` cannot be made with.
  if (status >= 200 && status <= 599) return lookingLike(new Response(body, { status, statusText, headers }), response)
  const odd = lookingLike(new Response(body, { headers }), response)
  return Object.defineProperties(odd, {
    status: { value: status },
    statusText: { value: statusText },
    ok: { value: false },
  })
}

/** `copy` with what `response` says of itself; its clones say the same. */
export function lookingLike(copy: Response, { url, type, redirected }: Response): Response {
  const clone = (): Response => lookingLike(Response.prototype.clone.call(copy), copy)
  return Object.defineProperties(copy, {
    url: { value: url },
    type: { value: type },
    redirected: { value: redirected },
    clone: { value: clone },
  })
}

/** Tells the client that wraps us not to repeat what has been repeated as often as it may be. */
export const NO_RETRY: Readonly<Record<string, string>> = { 'x-should-retry': 'false' }

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
 * Our own refusal as the service would word it, so that an SDK raises its own class of error with our `code`. Undefined
 * for what is no answer: that is thrown.
 */
export function refusalResponse(error: unknown): Response | undefined {
  if (!isOwnError(error)) return undefined
  const status = STATUS[error.code]
  if (status === undefined) return undefined
  return new Response(JSON.stringify({ error: errorBody(error) }), {
    status,
    headers: { 'content-type': 'application/json', ...NO_RETRY, ...retryAfter(error) },
  })
}

/** When the same request may succeed, where that is known: a client that repeats in spite of {@link NO_RETRY} waits until then. */
function retryAfter(error: HeadgateError): Readonly<Record<string, string>> {
  const { predictedWaitMs, resetAt } = error as RefusalTimes
  const waitMs = predictedWaitMs ?? (resetAt && resetAt.getTime() - Date.now())
  if (waitMs === undefined || !(waitMs > 0 && waitMs < Infinity)) return {}
  const boundedMs = Math.min(Math.ceil(waitMs), MAX_RETRY_AFTER_MS)
  return { 'retry-after': String(Math.ceil(boundedMs / 1000)), 'retry-after-ms': String(boundedMs) }
}
