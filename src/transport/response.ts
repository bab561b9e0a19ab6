import { isHeadgateError, type HeadgateError, type HeadgateErrorCode } from '../errors.js'

/** `response` with another body. A constructed `Response` has no `url` of its own: it keeps the old one. */
export function rebuilt(
  response: Response,
  body: BodyInit | null,
  extraHeaders?: Readonly<Record<string, string>>,
): Response {
  const { status, statusText, url } = response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(extraHeaders ?? {})) headers.set(name, value)
  const copy = new Response(body, { status, statusText, headers })
  Object.defineProperty(copy, 'url', { value: url })
  return copy
}

/** Tells the client that wraps us not to repeat what has been repeated as often as it may be. */
export const NO_RETRY: Readonly<Record<string, string>> = { 'x-should-retry': 'false' }

const STATUS: Readonly<Partial<Record<HeadgateErrorCode, number>>> = {
  queue_full: 429,
  quota_exhausted: 429,
  request_too_large: 400,
  invalid_request: 400,
  invalid_limits: 400,
}

/**
 * Our own refusal as the service would word it, so that an SDK raises its own class of error with our `code`. Undefined
 * for what is no answer: that is thrown.
 */
export function refusalResponse(error: unknown): Response | undefined {
  if (!isHeadgateError(error)) return undefined
  const status = STATUS[error.code]
  if (status === undefined) return undefined
  return new Response(JSON.stringify(refusalBody(error)), {
    status,
    headers: { 'content-type': 'application/json', ...NO_RETRY },
  })
}

function refusalBody({ message, code }: HeadgateError): object {
  return { error: { message, type: code, param: null, code } }
}
