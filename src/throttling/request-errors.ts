import type { ErrorResponse } from './classify.js'

/** A server's answer without success, as the transport throws it. `classify` decides its meaning. */
export class RefusedByServer extends Error implements ErrorResponse {
  readonly status: number | undefined
  readonly headers: ErrorResponse['headers']
  readonly body: string
  /** The answer that the caller receives if no attempt follows. */
  readonly response: Response

  /** `status`: for an error inside a stream, the status that the body names, because the answer's own is a success. */
  constructor(response: Response, body: string, status: number | undefined) {
    super(`The server answered ${status ?? response.status}`)
    this.name = 'RefusedByServer'
    this.status = status
    this.headers = response.headers
    this.body = body
    this.response = response
  }
}

/** The request or its answer was lost on the way. `cause` has the reason. */
export class ConnectionFailed extends Error {
  constructor(cause: unknown) {
    super('The connection failed', { cause })
    this.name = 'ConnectionFailed'
  }
}

/**
 * The server's answer behind an error that `run` threw: `RefusedByServer`, or any error with a numeric `status`, as the
 * `openai` client and most others throw. Undefined for all other errors.
 */
export function errorResponseOf(error: unknown): ErrorResponse | undefined {
  if (error instanceof RefusedByServer) return error
  if (typeof error !== 'object' || error === null) return undefined
  const { status, headers, error: body, code, message } = error as Record<string, unknown>
  if (typeof status !== 'number') return undefined
  return { status, headers: readableHeaders(headers), body: body ?? { code, message } }
}

function readableHeaders(headers: unknown): ErrorResponse['headers'] {
  if (typeof headers !== 'object' || headers === null) return undefined
  if (typeof (headers as Headers).get === 'function') return headers as Headers
  // A plain object keeps the server's spelling of header names.
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
  return { get: (name) => byName.get(name) ?? null }
}
