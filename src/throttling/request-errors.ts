import type { ErrorResponse } from './classify.js'

/** A server's answer that was no success. Transport throws it; what it means is for `classify` to say. */
export class RefusedByServer extends Error implements ErrorResponse {
  readonly status: number | undefined
  readonly headers: ErrorResponse['headers']
  readonly body: string
  /** The answer as it is to reach the caller if it is the last one. */
  readonly response: Response

  /** `status` is the one that the body names, where the answer's own says success: for an error inside a stream. */
  constructor(response: Response, body: string, status: number | undefined) {
    super(`The server answered ${status ?? response.status}`)
    this.name = 'RefusedByServer'
    this.status = status
    this.headers = response.headers
    this.body = body
    this.response = response
  }
}

/** The request did not get through, or its answer did not arrive whole. `cause` says why. */
export class ConnectionFailed extends Error {
  constructor(cause: unknown) {
    super('The connection failed', { cause })
    this.name = 'ConnectionFailed'
  }
}

/**
 * Reads an answer out of what a `run` threw: ours, or any error with a numeric `status`, as the `openai` client and most
 * others raise them. Undefined where the error is none of a server's answering.
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
  // A plain object keeps the spelling that the server used.
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
  return { get: (name) => byName.get(name) ?? null }
}
