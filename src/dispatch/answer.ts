import type { Answer } from '../route/classify.js'

/** A server's answer that was no success. Transport throws it; what it means is for `classify` to say. */
export class RefusedByServer extends Error implements Answer {
  readonly status: number | undefined
  readonly headers: Answer['headers']
  readonly body: string
  /** The answer as it is to reach the caller if it is the last one. */
  readonly response: Response

  constructor(response: Response, body: string, status: number | undefined = response.status) {
    super(`The server answered ${response.status}`)
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
export function answerOf(error: unknown): Answer | undefined {
  if (error instanceof RefusedByServer) return error
  if (typeof error !== 'object' || error === null) return undefined
  const { status, headers, error: body, code, message } = error as Record<string, unknown>
  if (typeof status !== 'number') return undefined
  return { status, headers: readableHeaders(headers), body: body ?? { code, message } }
}

function readableHeaders(headers: unknown): Answer['headers'] {
  if (typeof headers !== 'object' || headers === null) return undefined
  if (typeof (headers as Headers).get === 'function') return headers as Headers
  return { get: (name) => (headers as Record<string, string | undefined>)[name] ?? null }
}
