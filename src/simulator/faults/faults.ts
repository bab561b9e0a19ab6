import type { SimulatedRequest } from '../requests/request.js'

/** The field that all faults share. */
interface Delayed {
  /** How much later the response begins, in milliseconds. @default 0 */
  readonly delayMs?: number
}

/** A response with another status in place of the model's answer. */
export interface StatusFault extends Delayed {
  readonly status: number
  /** The body. A string is sent unchanged, anything else as JSON. @default the service's error body for the status */
  readonly body?: unknown
  /**
   * Extra headers. One replaces the service's header of the same name, in any case. `content-length` and
   * `transfer-encoding` are ignored, because the server sets them.
   */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the request must first be admitted by the limits, and is charged for its input. @default false */
  readonly charged?: boolean
}

/** The connection is destroyed after the request was admitted and charged. */
export interface DropFault extends Delayed {
  /** When the connection is destroyed. `true` means `'before-headers'`. */
  readonly drop: true | 'before-headers' | 'after-headers'
}

/** A stream that begins normally and then contains an error. It ends without `[DONE]`. */
export interface StreamErrorFault extends Delayed {
  /**
   * The error. A string is sent unchanged: it holds the lines of an event, without the empty line at its end. Anything
   * else is sent as JSON in a `data:` line. A request that is not streamed gets status 500 with this body.
   */
  readonly streamError: unknown
  /** How many chunks with text precede the error. @default 0 */
  readonly afterChunks?: number
}

/**
 * A response that ends early because the connection is destroyed. A stream ends after some chunks with text; another
 * response ends in the middle of its body.
 */
export interface CutFault extends Delayed {
  /** How many chunks with text precede the end. */
  readonly cutAfterChunks: number
}

/** A complete response without usage. */
export interface NoUsageFault extends Delayed {
  readonly noUsage: true
}

/** A body that is sent slowly. It takes this many milliseconds from its first byte, or first token, to its last. */
export interface SlowBodyFault extends Delayed {
  readonly slowBodyMs: number
}

/** A complete response that begins later. */
export interface DelayFault {
  readonly delayMs: number
}

export type Fault = StatusFault | DropFault | StreamErrorFault | CutFault | NoUsageFault | SlowBodyFault | DelayFault

/**
 * Decides which requests fail, and how. Undefined: no fault.
 *
 * The simulator calls it once for each well-formed request for a known model, before it checks the limits. `n` is the
 * number of the request, from 1.
 */
export type FaultScript = (request: SimulatedRequest, n: number) => Fault | undefined

/** A request to an unmetered endpoint: models, files, batches, quotas or deployments. */
export interface OtherRequest {
  readonly method: string
  /** The path, without the query. */
  readonly path: string
  /** The number of the request among the unmetered requests, from 1. */
  readonly n: number
}

/** Decides which unmetered requests fail with another status. Undefined: no fault. */
export type OtherFaultScript = (request: OtherRequest) => StatusFault | undefined
