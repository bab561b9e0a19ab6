import type { SimulatedRequest } from '../requests/request.js'

/** Common to all faults. */
interface Delayed {
  /** How much later than usual the answer (or what stands for it) begins, in milliseconds. @default 0 */
  readonly delayMs?: number
}

/** Another answer in place of the model's. */
export interface StatusFault extends Delayed {
  readonly status: number
  /** A string goes out as it is, anything else as JSON. @default what the service says with the status */
  readonly body?: unknown
  /**
   * In place of the service's own of the same name, whatever their case. `content-length` and `transfer-encoding` are left
   * out: the server frames the body itself.
   */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the request must pass the limits first and is charged its input. @default false */
  readonly charged?: boolean
}

/** The connection is torn down, after the request was let in and charged. */
export interface DropFault extends Delayed {
  /** `true` is `'before-headers'`. */
  readonly drop: true | 'before-headers' | 'after-headers'
}

/** A stream that begins well and then carries an error; it ends without `[DONE]`. */
export interface StreamErrorFault extends Delayed {
  /**
   * A string is written as it is (the lines of an event, without the empty line at its end), anything else as the JSON
   * of a `data:` line. A request that is not streamed gets status 500 with the JSON, or the string, as its body.
   */
  readonly streamError: unknown
  /** How many chunks with text come first. @default 0 */
  readonly afterChunks?: number
}

/** An answer that is torn off: a stream after some chunks with text, a plain one in the middle of its body. */
export interface CutFault extends Delayed {
  readonly cutAfterChunks: number
}

/** A whole answer that does not say what it used. */
export interface NoUsageFault extends Delayed {
  readonly noUsage: true
}

/** A body that trickles: it takes this long from its first byte, or first token, to its last. */
export interface SlowBodyFault extends Delayed {
  readonly slowBodyMs: number
}

/** An answer that is only late. */
export interface DelayFault {
  readonly delayMs: number
}

export type Fault = StatusFault | DropFault | StreamErrorFault | CutFault | NoUsageFault | SlowBodyFault | DelayFault

/**
 * Decides which requests go wrong, and how. Asked once for each well-formed request for a known model, before the limits
 * are; `n` is the request's number, from 1.
 */
export type FaultScript = (request: SimulatedRequest, n: number) => Fault | undefined

/** A request to an endpoint that is not metered: models, files, batches, quotas, deployments. */
export interface OtherRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** The number of the request among those that are not metered, from 1. */
  readonly n: number
}

/** Decides which requests that are not metered are answered with another status. */
export type OtherFaultScript = (request: OtherRequest) => StatusFault | undefined
