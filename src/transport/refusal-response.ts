import { isHeadgateError, type HeadgateError, type HeadgateErrorCode } from '../errors.js'
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

/**
 * The limiter's own refusal in the words of the service, so that an SDK raises its own class of error with our `code`.
 * Undefined for an error that has no status: that one is thrown.
 */
export function refusalResponse(error: unknown): Response | undefined {
  if (!isHeadgateError(error)) return undefined
  const status = STATUS[error.code]
  if (status === undefined) return undefined
  const headers = new Headers([['content-type', 'application/json'], [...NO_RETRY]])
  return new Response(JSON.stringify(refusalBody(error)), { status, headers })
}

function refusalBody({ message, code }: HeadgateError): object {
  return { error: { message, type: code, param: null, code } }
}
