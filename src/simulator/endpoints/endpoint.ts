import type { IncomingHttpHeaders } from 'node:http'
import { InvalidRequest } from '../../errors.js'
import { flatBody } from '../errors/bodies.js'
import type { Exchange } from '../exchange.js'

/** A request to an unmetered endpoint. Its body is complete and its key is valid. */
export interface EndpointCall {
  readonly exchange: Exchange
  /** The decoded matches of the groups of the endpoint's path. */
  readonly params: readonly string[]
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** An unmetered endpoint: it counts against no limit. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Matches the path without the version prefix, or the whole path of a control-plane endpoint. */
  readonly path: RegExp
  /** Whether the endpoint belongs to the control plane: its path is whole, and its errors have the flat form. */
  readonly controlPlane?: true
  /** Whether the endpoint needs no key. */
  readonly open?: true
  /** The largest body in bytes. @default `maxBodyBytes` and `maxTotalBytes` of the options */
  readonly maxBytes?: number
  handle(call: EndpointCall): void | Promise<void>
}

/** An error response of the control plane. */
export class ControlPlaneError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/**
 * Sends the result of `answer` as the `output` of the control plane. An error that it throws becomes an error response.
 */
export function sendOutput(exchange: Exchange, answer: () => unknown): void {
  try {
    const output = answer()
    exchange.send(200, JSON.stringify({ request_id: exchange.id, output }))
  } catch (error) {
    if (error instanceof ControlPlaneError) {
      return exchange.send(error.status, flatBody(error.code, error.message, exchange.id))
    }
    if (!(error instanceof InvalidRequest)) throw error
    exchange.send(400, flatBody('InvalidParameter', error.message, exchange.id))
  }
}

/** One page of a list in the form of the control plane. The page size is at most 100 (a guess). */
export function pageOf<T>(
  all: readonly T[],
  query: URLSearchParams,
  defaultSize: number,
): { readonly page_no: number; readonly page_size: number; readonly total: number; readonly rows: readonly T[] } {
  const page_no = pageNumber(query, 'page_no', 1, Infinity)
  const page_size = pageNumber(query, 'page_size', defaultSize, 100)
  const start = (page_no - 1) * page_size
  return { page_no, page_size, total: all.length, rows: all.slice(start, start + page_size) }
}

function pageNumber(query: URLSearchParams, name: string, byDefault: number, max: number): number {
  const text = query.get(name)
  if (text === null || text === '') return byDefault
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  const range = max === Infinity ? 'greater than 0' : `between 1 and ${max}`
  throw new ControlPlaneError(400, 'InvalidParameter', `Invalid ${name} (${text}), ${name} must be ${range}.`)
}
